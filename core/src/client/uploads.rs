//! What others want of the client.
//!
//! ```text
//! Ask ──► Asked ──► accept ──► ToAnswer ──► Accepted ──► served ──► ToEnd ──► forgotten
//!           └── refuse ──► ToRefuse ──► forgotten      any ──► Ended ──► told, forgotten
//! ```

use super::{Client, Event, Profile, UploadId, settings::Accept};
use crate::{
    Instant,
    constant_time::is_same,
    texts::Stored,
    wire::{
        Text,
        session::{Code, Introduction, Request, TOKEN_LENGTH, Way},
    },
};
use core::net::IpAddr;

/// A request for a file that the client shares. Opaque: it is public so that its memory can be named.
#[derive(Debug)]
pub struct Upload {
    user: Stored,
    name: Stored,
    asked: Asked,
    state: UploadState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UploadState {
    Asked,
    ToAnswer {
        tcp: u16,
        rdt: u16,
    },
    ToRefuse(Code),
    Accepted,
    ToEnd(Code),
    /// The application is to be told.
    Ended(Code),
}

/// Who wants a file, and by what they are known when they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Asked {
    /// The tracker's name of the transfer, by which a relayed stream is attached.
    pub transfer: u32,
    /// How the content is to travel: the requester calls, or both open one more stream to the tracker.
    pub way: Way,
    /// What the requester is going to say.
    pub token: [u8; TOKEN_LENGTH],
    /// By which the two sides know each other.
    pub introduction: Option<Introduction>,
    /// Where the requester is.
    pub address: IpAddr,
}

impl<P: Profile> Client<P> {
    /// What is wanted: good from [`Event::Asked`] on.
    pub fn asked(&self, upload: UploadId) -> Option<&Asked> {
        Some(&self.uploads.get(upload.0)?.asked)
    }

    /// Who wants it, copied into `room`.
    pub fn upload_user<'r>(&self, upload: UploadId, room: &'r mut [u8]) -> Option<Text<'r>> {
        Text::new(self.mirror.texts.copy(self.uploads.get(upload.0)?.user, room)?).ok()
    }

    /// Which file it is, copied into `room`.
    pub fn upload_name<'r>(&self, upload: UploadId, room: &'r mut [u8]) -> Option<Text<'r>> {
        Text::new(self.mirror.texts.copy(self.uploads.get(upload.0)?.name, room)?).ok()
    }

    /// The request that a token is of, so that who comes to the door is known.
    pub fn upload_of(&self, token: &[u8; TOKEN_LENGTH]) -> Option<UploadId> {
        let is_it = |&number: &u32| {
            self.uploads.get(number).is_some_and(|upload| {
                upload.state == UploadState::Accepted && is_same(&upload.asked.token, token)
            })
        };
        self.uploads.numbers().find(is_it).map(UploadId)
    }

    /// The door is open, at these ports (0 for none); for a relayed transfer they do not matter, and the application
    /// opens one more stream to the tracker.
    pub fn accept(&mut self, upload: UploadId, tcp: u16, rdt: u16) {
        let Some(found) = self.uploads.get_mut(upload.0) else { return };
        if found.state == UploadState::Asked {
            found.state = UploadState::ToAnswer { tcp, rdt };
            self.uploads.set_deadline(upload.0, None);
            self.uploads.give_turn(upload.0);
        }
    }

    /// No. The number of the request is good no longer.
    pub fn refuse(&mut self, upload: UploadId, code: Code) {
        let Some(found) = self.uploads.get_mut(upload.0) else { return };
        match found.state {
            UploadState::Asked => {
                found.state = UploadState::ToRefuse(code);
                self.uploads.set_deadline(upload.0, None);
                self.uploads.give_turn(upload.0);
            }
            // The application need not be told any more.
            UploadState::Ended(_) => self.forget_upload(upload.0),
            _ => {}
        }
    }

    /// A transfer is over: its slots at the tracker are free again. Its number is good no longer.
    pub fn served(&mut self, upload: UploadId, code: Code) {
        let Some(found) = self.uploads.get_mut(upload.0) else { return };
        match found.state {
            UploadState::Asked | UploadState::Ended(_) => self.refuse(upload, code),
            UploadState::ToAnswer { .. } | UploadState::Accepted => {
                found.state = UploadState::ToEnd(code);
                self.uploads.give_turn(upload.0);
            }
            _ => {}
        }
    }

    /// The tracker asks. Who cannot be taken in is refused.
    pub(super) fn ask(&mut self, now: Instant, asked: Asked, user: Text<'_>, name: Text<'_>) {
        let is_shared = self.shares_file(name.as_bytes());
        let accept = self.settings.accept;
        let refusal = match accept {
            _ if !is_shared => Some(Code::NotShared),
            Accept::Never => Some(Code::Refused),
            _ => None,
        };
        let upload = refusal.is_none().then(|| self.add_upload(asked, user, name)).flatten();
        let Some(number) = upload else {
            let code = refusal.unwrap_or(Code::Busy);
            self.refuse_stray(asked.transfer, code);
            return;
        };
        self.uploads.set_deadline(number, Some(now + self.settings.accept_timeout));
        if let Accept::Always { tcp, rdt } = accept {
            self.accept(UploadId(number), tcp, rdt);
        }
        self.mirror.tell(Event::Asked(UploadId(number)), 0);
    }

    fn add_upload(&mut self, asked: Asked, user: Text<'_>, name: Text<'_>) -> Option<u32> {
        let user = self.mirror.texts.store(user.as_bytes())?;
        let Some(name) = self.mirror.texts.store(name.as_bytes()) else {
            self.mirror.texts.free(user);
            return None;
        };
        match self.uploads.insert(Upload { user, name, asked, state: UploadState::Asked }) {
            Ok(number) => Some(number),
            Err(upload) => {
                self.mirror.texts.free(upload.user);
                self.mirror.texts.free(upload.name);
                None
            }
        }
    }

    fn forget_upload(&mut self, number: u32) {
        if let Some(upload) = self.uploads.remove(number) {
            self.mirror.texts.free(upload.user);
            self.mirror.texts.free(upload.name);
        }
    }

    /// The session is lost, and with it what the tracker knew of the requests.
    pub(super) fn lose_uploads(&mut self) {
        for number in 0..self.uploads.reach() {
            let Some(upload) = self.uploads.get_mut(number) else { continue };
            if matches!(upload.state, UploadState::ToRefuse(_) | UploadState::ToEnd(_)) {
                self.forget_upload(number);
            } else if !matches!(upload.state, UploadState::Ended(_)) {
                upload.state = UploadState::Ended(Code::Gone);
            }
        }
    }

    /// The application has not answered.
    pub(super) fn upload_expired(&mut self, number: u32) {
        let Some(upload) = self.uploads.get_mut(number) else { return };
        if upload.state == UploadState::Asked {
            upload.state = UploadState::Ended(Code::Silent);
            let transfer = upload.asked.transfer;
            self.refuse_stray(transfer, Code::Refused);
        }
    }

    pub(super) fn next_upload_event(&mut self) -> Option<Event> {
        let ended = |&number: &u32| match self.uploads.get(number)?.state {
            UploadState::Ended(code) => Some(code),
            _ => None,
        };
        let (number, code) = self.uploads.numbers().find_map(|number| Some((number, ended(&number)?)))?;
        self.forget_upload(number);
        Some(Event::UploadEnded { upload: UploadId(number), code })
    }

    /// Writes what the tracker is to be told of one request. `None`: there is nothing, or no room.
    pub(super) fn compose_upload(&mut self, room: &mut [u8]) -> Option<usize> {
        while let Some(number) = self.uploads.take_turn() {
            let Some(upload) = self.uploads.get_mut(number) else { continue };
            let transfer = upload.asked.transfer;
            let used = match upload.state {
                UploadState::ToAnswer { tcp, rdt } => Request::Ready { transfer, tcp, rdt }.emit(room),
                UploadState::ToRefuse(code) => Request::Refuse { transfer, code }.emit(room),
                UploadState::ToEnd(code) => Request::End { transfer, code }.emit(room),
                UploadState::Asked | UploadState::Accepted | UploadState::Ended(_) => continue,
            };
            if used.is_none() {
                self.uploads.give_turn(number);
            } else if matches!(upload.state, UploadState::ToAnswer { .. }) {
                upload.state = UploadState::Accepted;
            } else {
                self.forget_upload(number);
            }
            return used;
        }
        None
    }

    /// The tracker says that a transfer is over.
    pub(super) fn upload_ended(&mut self, transfer: u32, code: Code) {
        let number = self
            .uploads
            .numbers()
            .find(|&number| self.uploads.get(number).is_some_and(|upload| upload.asked.transfer == transfer));
        let Some(number) = number else { return };
        let Some(upload) = self.uploads.get_mut(number) else { return };
        match upload.state {
            UploadState::ToRefuse(_) | UploadState::ToEnd(_) => self.forget_upload(number),
            UploadState::Ended(_) => {}
            _ => upload.state = UploadState::Ended(code),
        }
    }
}
