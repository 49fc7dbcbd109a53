//! The downloads that the client asks for.
//!
//! ```text
//! fetch ──► ToAsk ──► Asked ──► Going ──► fetched ──► ToEnd ──► forgotten
//!             ▲         │         │
//!             └─────────┴─────────┴── the session is lost; the owner cannot be reached: again, relayed
//!                                               any ──► Failed or Ended ──► told, forgotten
//! ```

use super::{Client, Event, FetchId, Profile};
use crate::{
    Instant,
    texts::Stored,
    wire::{
        Text,
        session::{Code, Introduction, Request, TOKEN_LENGTH, Way},
    },
};
use core::net::IpAddr;

/// No transfer of the tracker's.
pub(super) const NO_TRANSFER: u32 = u32::MAX;

/// A download that was asked for. Opaque: it is public so that its memory can be named.
#[derive(Debug)]
pub struct Fetch {
    owner: Stored,
    name: Stored,
    way: Way,
    state: FetchState,
    tag: u32,
    go: Option<Go>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FetchState {
    ToAsk,
    Asked,
    Going,
    /// The tracker is to be told that it is over.
    ToEnd(Code),
    /// The application is to be told.
    Failed(Code),
    Ended(Code),
}

/// Where a download is to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Go {
    /// The tracker's name of the transfer, by which a relayed stream is attached.
    pub transfer: u32,
    /// How: from the owner, through the tracker (open one more stream to it), or by `GET_FILE`.
    pub way: Way,
    /// By which the other side knows the transfer.
    pub token: [u8; TOKEN_LENGTH],
    /// By which the two sides know each other.
    pub introduction: Option<Introduction>,
    /// Where the owner is.
    pub address: IpAddr,
    /// Its port for TCP; 0 for none.
    pub tcp: u16,
    /// Its port for RDT; 0 for none.
    pub rdt: u16,
}

impl<P: Profile> Client<P> {
    /// Asks for a file, now or when the client is logged in. `None`: there is no room, or the names do not fit into
    /// one message.
    pub fn fetch(&mut self, now: Instant, owner: Text<'_>, name: Text<'_>, way: Way) -> Option<FetchId> {
        let request = Request::Fetch { tag: 0, way, owner: owner.as_bytes(), name: name.as_bytes() };
        request.emit(&mut [0; crate::wire::session::FRAME_MAX])?;
        let stored = self.mirror.texts.store(owner.as_bytes())?;
        let Some(name) = self.mirror.texts.store(name.as_bytes()) else {
            self.mirror.texts.free(stored);
            return None;
        };
        let fetch = Fetch { owner: stored, name, way, state: FetchState::ToAsk, tag: 0, go: None };
        match self.fetches.insert(fetch) {
            Ok(number) => {
                self.fetches.set_deadline(number, Some(now + self.settings.patience));
                self.fetches.give_turn(number);
                Some(FetchId(number))
            }
            Err(fetch) => {
                self.mirror.texts.free(fetch.owner);
                self.mirror.texts.free(fetch.name);
                None
            }
        }
    }

    /// Where a download is to be had: good from [`Event::Go`] on.
    pub fn way(&self, fetch: FetchId) -> Option<&Go> {
        self.fetches.get(fetch.0)?.go.as_ref()
    }

    /// Whose file a download is of, copied into `room`.
    pub fn fetch_owner<'r>(&self, fetch: FetchId, room: &'r mut [u8]) -> Option<Text<'r>> {
        Text::new(self.mirror.texts.copy(self.fetches.get(fetch.0)?.owner, room)?).ok()
    }

    /// Which file it is, copied into `room`.
    pub fn fetch_name<'r>(&self, fetch: FetchId, room: &'r mut [u8]) -> Option<Text<'r>> {
        Text::new(self.mirror.texts.copy(self.fetches.get(fetch.0)?.name, room)?).ok()
    }

    /// A download is over, or is not wanted any more: its slots at the tracker are free again. Its number is good no
    /// longer.
    pub fn fetched(&mut self, fetch: FetchId, code: Code) {
        let Some(found) = self.fetches.get_mut(fetch.0) else { return };
        self.mirror.forget_news_of(fetch);
        // What was asked and not answered is ended when the answer comes.
        let is_known = found.go.is_some_and(|go| go.transfer != NO_TRANSFER);
        if found.state == FetchState::Going && is_known {
            found.state = FetchState::ToEnd(code);
            self.fetches.give_turn(fetch.0);
        } else {
            self.forget_fetch(fetch.0);
        }
    }

    /// The owner of a direct download cannot be reached. It is asked for again, relayed, if the settings say so;
    /// otherwise it has failed.
    pub fn owner_unreachable(&mut self, now: Instant, fetch: FetchId) {
        let falls_back = self.settings.falls_back;
        let Some(found) = self.fetches.get_mut(fetch.0).filter(|fetch| fetch.state == FetchState::Going)
        else {
            return;
        };
        let go = found.go.take();
        let again = falls_back && go.is_some_and(|go| go.way == Way::Direct);
        if again {
            found.way = Way::Relayed;
            found.state = FetchState::ToAsk;
            self.fetches.set_deadline(fetch.0, Some(now + self.settings.patience));
        } else {
            found.state = FetchState::Failed(Code::Unreachable);
        }
        // The tracker is told before it is asked again.
        if let Some(transfer) = go.map(|go| go.transfer).filter(|&transfer| transfer != NO_TRANSFER) {
            self.end_stray(transfer, Code::Unreachable);
        }
        self.fetches.give_turn(fetch.0);
    }

    fn forget_fetch(&mut self, number: u32) {
        if let Some(fetch) = self.fetches.remove(number) {
            self.mirror.texts.free(fetch.owner);
            self.mirror.texts.free(fetch.name);
        }
    }

    /// The session is lost: the tracker has ended every transfer, and what was asked is to be asked again.
    pub(super) fn lose_fetches(&mut self) {
        for number in 0..self.fetches.reach() {
            let Some(fetch) = self.fetches.get_mut(number) else { continue };
            if let Some(go) = &mut fetch.go {
                // The two sides may go on.
                go.transfer = NO_TRANSFER;
            }
            match fetch.state {
                FetchState::Asked => fetch.state = FetchState::ToAsk,
                FetchState::ToEnd(_) => self.forget_fetch(number),
                _ => {}
            }
        }
    }

    /// A new session: what is to be asked is asked.
    pub(super) fn renew_fetches(&mut self) {
        for number in 0..self.fetches.reach() {
            if self.fetches.get_mut(number).is_some() {
                self.fetches.give_turn(number);
            }
        }
    }

    /// An owner took too long, or the tracker did.
    pub(super) fn fetch_expired(&mut self, number: u32) {
        let Some(fetch) = self.fetches.get_mut(number) else { return };
        if matches!(fetch.state, FetchState::ToAsk | FetchState::Asked) {
            fetch.state = FetchState::Failed(Code::Silent);
            self.fetches.give_turn(number);
        }
    }

    /// What the application is to be told of one download. Others keep their turns.
    pub(super) fn next_fetch_event(&mut self) -> Option<Event> {
        let number = self.fetches.numbers().find(|&number| {
            let state = self.fetches.get(number).map(|fetch| fetch.state);
            matches!(state, Some(FetchState::Failed(_) | FetchState::Ended(_)))
        })?;
        let event = match self.fetches.get(number)?.state {
            FetchState::Failed(code) => Event::FetchFailed { fetch: FetchId(number), code },
            FetchState::Ended(code) => Event::FetchEnded { fetch: FetchId(number), code },
            _ => return None,
        };
        self.forget_fetch(number);
        Some(event)
    }

    /// Writes what the tracker is to be told of one download. `None`: there is nothing, or no room.
    pub(super) fn compose_fetch(&mut self, room: &mut [u8]) -> Option<usize> {
        while let Some(number) = self.fetches.take_turn() {
            let tag = self.next_tag(true);
            let Some(fetch) = self.fetches.get_mut(number) else { continue };
            let (mut owner, mut name) = ([0; crate::wire::TEXT_MAX], [0; crate::wire::TEXT_MAX]);
            let used = match fetch.state {
                FetchState::ToAsk => {
                    let owner = self.mirror.texts.copy(fetch.owner, &mut owner)?;
                    let name = self.mirror.texts.copy(fetch.name, &mut name)?;
                    Request::Fetch { tag, way: fetch.way, owner, name }.emit(room)
                }
                FetchState::ToEnd(code) => {
                    let transfer = fetch.go.map_or(NO_TRANSFER, |go| go.transfer);
                    Request::End { transfer, code }.emit(room)
                }
                _ => continue,
            };
            if used.is_none() {
                self.fetches.give_turn(number);
                return None;
            }
            match fetch.state {
                FetchState::ToEnd(_) => self.forget_fetch(number),
                _ => {
                    fetch.state = FetchState::Asked;
                    fetch.tag = tag;
                }
            }
            return used;
        }
        None
    }

    /// The owner is ready. What was not asked, or was given up, is ended.
    pub(super) fn go(&mut self, tag: u32, go: Go) {
        let number = self.fetches.numbers().find(|&number| {
            self.fetches.get(number).is_some_and(|fetch| fetch.tag == tag && fetch.state == FetchState::Asked)
        });
        let Some((number, fetch)) = number.and_then(|number| Some((number, self.fetches.get_mut(number)?)))
        else {
            if go.transfer != NO_TRANSFER {
                self.end_stray(go.transfer, Code::Gone);
            }
            return;
        };
        fetch.state = FetchState::Going;
        fetch.go = Some(go);
        self.fetches.set_deadline(number, None);
        self.mirror.tell(Event::Go(FetchId(number)), 0);
    }

    pub(super) fn fetch_failed(&mut self, tag: u32, code: Code) {
        let number = self.fetches.numbers().find(|&number| {
            self.fetches.get(number).is_some_and(|fetch| fetch.tag == tag && fetch.state == FetchState::Asked)
        });
        let falls_back = self.settings.falls_back;
        let Some((number, fetch)) = number.and_then(|number| Some((number, self.fetches.get_mut(number)?)))
        else {
            return;
        };
        if falls_back && code == Code::Unreachable && fetch.way == Way::Direct {
            // The owner has no door.
            fetch.way = Way::Relayed;
            fetch.state = FetchState::ToAsk;
            self.fetches.give_turn(number);
        } else {
            fetch.state = FetchState::Failed(code);
        }
    }

    /// The tracker says that a transfer is over. `false`: it is none of the downloads.
    pub(super) fn fetch_ended(&mut self, transfer: u32, code: Code) -> bool {
        let number = self.fetches.numbers().find(|&number| {
            let fetch = self.fetches.get(number);
            fetch.is_some_and(|fetch| {
                fetch.go.is_some_and(|go| go.transfer == transfer && transfer != NO_TRANSFER)
            })
        });
        let Some(number) = number else { return false };
        let Some(fetch) = self.fetches.get_mut(number) else { return false };
        match fetch.state {
            FetchState::Going => fetch.state = FetchState::Ended(code),
            FetchState::ToEnd(_) => self.forget_fetch(number),
            _ => {}
        }
        true
    }
}
