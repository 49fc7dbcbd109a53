//! What the client shares: told to the tracker after every log-in, and whenever it changes.

use super::{Client, Event, Profile, ShareId};
use crate::{
    index::hash_bytes,
    texts::Stored,
    wire::{
        Name, Text,
        session::{Code, FileInfo, Request},
    },
};

/// A file that the client shares. Opaque: it is public so that its memory can be named.
#[derive(Debug)]
pub struct Share {
    pub(super) name: Stored,
    pub(super) info: FileInfo,
    pub(super) wish: Wish,
    /// The request that the tracker has not answered.
    asked: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Publish,
    Withdraw,
}

impl<P: Profile> Client<P> {
    /// The client shares a file, now or when it is logged in, and until it withdraws it; with another length or hash
    /// than before it is changed. `None`: the name cannot be used, or there is no room.
    pub fn publish(&mut self, name: Name<'_>, info: FileInfo) -> Option<ShareId> {
        let name = Text::new(name.as_bytes()).ok()?.as_bytes();
        if let Some(number) = self.share_named(name) {
            let share = self.shares.get_mut(number)?;
            if share.info != info || share.wish == Wish::Withdraw {
                share.info = info;
                share.wish = Wish::Publish;
                self.ask_anew(number);
            }
            return Some(ShareId(number));
        }
        let stored = self.mirror.texts.store(name)?;
        let Ok(number) = self.shares.insert(Share { name: stored, info, wish: Wish::Publish, asked: None })
        else {
            self.mirror.texts.free(stored);
            return None;
        };
        if !self.share_index.insert(hash(name), number) {
            self.forget_share(number);
            return None;
        }
        self.shares.give_turn(number);
        Some(ShareId(number))
    }

    /// The client shares a file no longer. `false`: it did not.
    pub fn withdraw(&mut self, name: Name<'_>) -> bool {
        let Some(number) = self.share_named(name.as_bytes()) else { return false };
        let Some(share) = self.shares.get_mut(number).filter(|share| share.wish == Wish::Publish) else {
            return false;
        };
        if self.state.is_online() {
            share.wish = Wish::Withdraw;
            self.ask_anew(number);
        } else {
            // The tracker does not know of it, or has forgotten it.
            self.forget_share(number);
        }
        true
    }

    /// The name of a file that the client shares, copied into `room`, and what is told of it.
    pub fn share<'r>(&self, share: ShareId, room: &'r mut [u8]) -> Option<(Text<'r>, FileInfo)> {
        let share = self.shares.get(share.0)?;
        Some((Text::new(self.mirror.texts.copy(share.name, room)?).ok()?, share.info))
    }

    /// How many files the client shares.
    pub const fn shares(&self) -> usize {
        self.shares.count()
    }

    fn share_named(&self, name: &[u8]) -> Option<u32> {
        self.share_index.find(hash(name), |number| {
            self.shares.get(number).is_some_and(|share| self.mirror.texts.is(share.name, name))
        })
    }

    /// Whether the client shares a file of this name.
    pub fn shares_file(&self, name: &[u8]) -> bool {
        self.share_named(name)
            .and_then(|number| self.shares.get(number))
            .is_some_and(|share| share.wish == Wish::Publish)
    }

    /// A share is wished otherwise. What is still answered to an earlier wish is no answer to this one.
    fn ask_anew(&mut self, number: u32) {
        if let Some(share) = self.shares.get_mut(number) {
            share.asked = None;
        }
        self.shares.give_turn(number);
    }

    fn forget_share(&mut self, number: u32) {
        self.share_index.remove(number);
        if let Some(share) = self.shares.remove(number) {
            self.mirror.texts.free(share.name);
        }
    }

    /// The session is lost: the tracker has forgotten every share.
    pub(super) fn lose_shares(&mut self) {
        self.done = None;
        for number in 0..self.shares.reach() {
            let Some(share) = self.shares.get_mut(number) else { continue };
            share.asked = None;
            if share.wish == Wish::Withdraw {
                self.forget_share(number);
            }
        }
    }

    /// A new session: the tracker is told of every share.
    pub(super) fn renew_shares(&mut self) {
        for number in 0..self.shares.reach() {
            if self.shares.get_mut(number).is_some() {
                self.shares.give_turn(number);
            }
        }
    }

    /// Writes what the tracker is to be told of one share. `None`: there is nothing, or no room.
    pub(super) fn compose_share(&mut self, room: &mut [u8]) -> Option<usize> {
        let number = self.shares.take_turn()?;
        let tag = self.next_tag(false);
        let share = self.shares.get_mut(number)?;
        let mut name = [0; crate::wire::TEXT_MAX];
        let name = self.mirror.texts.copy(share.name, &mut name)?;
        let request = match share.wish {
            Wish::Publish => Request::Publish { tag, file: share.info, name },
            Wish::Withdraw => Request::Withdraw { tag, name },
        };
        let used = request.emit(room);
        if used.is_some() {
            share.asked = Some(tag);
        } else {
            self.shares.give_turn(number);
        }
        used
    }

    /// The tracker has granted every request up to this one that it has not refused.
    pub(super) const fn shares_done(&mut self, tag: u32) {
        self.done = Some((tag, 0));
    }

    /// The next share that the tracker has granted.
    pub(super) fn next_done(&mut self) -> Option<Event> {
        let (tag, first) = self.done?;
        for number in first..self.shares.reach() {
            let Some(share) = self.shares.get_mut(number) else { continue };
            if share.asked.is_none_or(|asked| asked.wrapping_sub(tag).cast_signed() > 0) {
                continue;
            }
            share.asked = None;
            if share.wish == Wish::Publish {
                self.done = Some((tag, number));
                return Some(Event::Published(ShareId(number)));
            }
            self.forget_share(number);
        }
        self.done = None;
        None
    }

    /// The share that a request was about. Of many that are refused each is looked for from the last one on, as requests are
    /// made in the order of their numbers.
    fn share_asked(&mut self, tag: u32) -> Option<u32> {
        let reach = self.shares.reach();
        let from = self.refused.min(reach);
        let number = (from..reach)
            .chain(0..from)
            .find(|&number| self.shares.get(number).is_some_and(|share| share.asked == Some(tag)))?;
        self.refused = number;
        Some(number)
    }

    pub(super) fn share_failed(&mut self, tag: u32, code: Code) {
        let Some(number) = self.share_asked(tag) else { return };
        let Some(share) = self.shares.get_mut(number) else { return };
        share.asked = None;
        match share.wish {
            Wish::Publish => self.mirror.tell(Event::NotPublished { share: ShareId(number), code }, 0),
            Wish::Withdraw => self.forget_share(number),
        }
    }
}

/// A hash of a name. Nobody but the user chooses these names.
fn hash(name: &[u8]) -> u32 {
    hash_bytes(0, name)
}
