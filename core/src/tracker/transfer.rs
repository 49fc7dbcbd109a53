//! One transfer between two users.
//!
//! ```text
//! Fetch ──► Asking ──► Direct ─────────────────────────────┐
//!             │ Ask      └─ Ready ──► Go                    ├─► Over ──► both sides have been told
//!             └──────► Attaching ──► Joining ──► Relaying ──┘
//!                        Ready ──► Go        both streams are there
//! ```
//!
//! A side holds its slot until it has been told the end; one that takes nothing in so holds up only itself.

use super::link::NONE;
use crate::{
    Instant,
    wire::session::{Code, Side, Way},
};

/// A transfer. Opaque: it is public so that its memory can be named.
#[derive(Debug)]
pub struct Transfer {
    /// Tells it from others that had the same place.
    pub(super) generation: u16,
    pub(super) way: Way,
    pub(super) state: Stage,
    /// By which its token and its secret are made.
    pub(super) proof: u64,
    /// Of the request.
    pub(super) tag: u32,
    pub(super) file: u32,
    /// Tells the file from others that had the same number.
    pub(super) birth: u64,
    /// Where the owner's door is.
    pub(super) tcp: u16,
    pub(super) rdt: u16,
    /// When bytes were relayed last.
    pub(super) moved: Instant,
    pub(super) requester: Party,
    pub(super) owner: Party,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The owner is asked.
    Asking,
    /// The two sides see to it.
    Direct,
    /// Both sides are to open a stream.
    Attaching,
    /// The streams are being joined: the next step.
    Joining(u8),
    /// The driver moves bytes between them.
    Relaying,
    Over,
}

/// One side of a transfer.
#[derive(Debug)]
pub(super) struct Party {
    /// The link of its session; `NONE` when it has gone or needs to be told nothing more.
    pub link: u32,
    pub tell: Tell,
    /// It knows of the transfer.
    pub knows: bool,
    pub is_queued: bool,
    /// The next transfer's end in the session's queue.
    pub next: u32,
    /// The link of its relayed stream.
    pub relay: u32,
    /// All that it sends has been moved.
    pub is_drained: bool,
}

/// What a side is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tell {
    Nothing,
    /// The owner: it is asked. The requester: it may go.
    Begin,
    End(Code),
}

impl Party {
    pub(super) const fn new(link: u32) -> Self {
        Self {
            link,
            tell: Tell::Nothing,
            knows: false,
            is_queued: false,
            next: NONE,
            relay: NONE,
            is_drained: false,
        }
    }
}

impl Transfer {
    pub(super) const fn party(&self, side: Side) -> &Party {
        match side {
            Side::Requester => &self.requester,
            Side::Owner => &self.owner,
        }
    }

    pub(super) const fn party_mut(&mut self, side: Side) -> &mut Party {
        match side {
            Side::Requester => &mut self.requester,
            Side::Owner => &mut self.owner,
        }
    }

    /// Which side a session is on.
    pub(super) fn side_of(&self, link: u32) -> Option<Side> {
        [Side::Requester, Side::Owner].into_iter().find(|&side| self.party(side).link == link)
    }

    /// What it is called by others.
    pub(super) const fn id(&self, number: u32) -> u32 {
        (self.generation as u32) << 16 | (number & 0xffff)
    }
}
