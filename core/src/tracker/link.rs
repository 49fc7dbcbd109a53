//! One stream of a tracker, from its first message to its end.
//!
//! ```text
//! session    Hello ──► InLine ──► Member ──► Part ──► Finish ──► Closing      (InDoubt before InLine: doubt.rs)
//!              │  └──────────────────▲         ▲
//! ToAttach ────┴─► Attached ─► Joined          └── any        any ──► Abort ──► Gone
//! command    Command ──► Finish ──► Closing
//! ```

use super::{Rights, command::Command, feed::Feed};
use crate::{
    Instant,
    stream::StreamId,
    texts::Stored,
    wire::session::{Code, Side},
};
use core::net::IpAddr;

pub(super) const NONE: u32 = u32::MAX;

/// What a tracker keeps for a stream. Opaque: it is public so that its memory can be named.
#[derive(Debug)]
pub struct Link {
    pub(super) stream: StreamId,
    /// The stream has not closed.
    pub(super) is_open: bool,
    /// What was written has not left yet.
    pub(super) in_flight: bool,
    pub(super) address: IpAddr,
    /// Who the stream says it is; empty for nobody.
    pub(super) account: Stored,
    /// The peer's public key, where the stream has one.
    pub(super) key: Option<[u8; 32]>,
    pub(super) rights: Rights,
    pub(super) state: State,
    pub(super) role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The first message is to come.
    Hello,
    /// The same, and it has to be Attach.
    ToAttach,
    /// The application is to be asked whether it may log in.
    ToAsk,
    /// It owes an answer.
    Asking,
    /// Who has its name and its key is asked whether it is still there.
    InDoubt,
    /// In the line for a seat.
    InLine,
    /// Logged in.
    Member,
    /// One end of a relayed transfer, which waits for the other.
    Attached { transfer: u32, side: Side },
    /// The driver moves its bytes to the other end.
    Joined { transfer: u32, side: Side, end: End },
    /// A request by command, in whatever stage.
    Command,
    /// The last message is to be written.
    Part(Code),
    /// This direction is to be finished; after a relayed transfer the peer has longer to take the rest.
    Finish { is_relay: bool },
    /// What still comes is discarded until the peer has gone.
    Closing,
    /// The stream is to be aborted.
    Abort,
    /// There is no stream any more, or it has been aborted.
    Gone,
}

/// What becomes of the tracker's direction of a relayed stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// More may come from the other side.
    Open,
    /// The other side has finished: this direction is to be finished too.
    Owed,
    Told,
}

#[derive(Debug)]
pub(super) enum Role {
    Session(Session),
    Command(Command),
}

/// What a session has besides its stream.
#[derive(Debug)]
pub(super) struct Session {
    /// Its user, once it is logged in.
    pub user: u32,
    /// Its name, until it is logged in.
    pub name: Stored,
    pub door: u16,
    pub wants_list: bool,
    /// Up to which change the client says that it knows the list.
    pub knows: u64,
    pub feed: Feed,
    /// By which its resume key is made.
    pub proof: u64,
    pub heard: Instant,
    /// Since when something has been written that has not left yet; in doubt, since when.
    pub wrote: Instant,
    pub reply: Option<Reply>,
    pub done: Option<u32>,
    pub owes: Owes,
    /// Bytes of a message that is too long, still to be skipped.
    pub skip: u32,
    /// The beginning of a message of which the rest has not come.
    pub begun: Stored,
    /// The neighbours in the line.
    pub before: u32,
    pub after: u32,
    /// The place in the line that it is to be told, or was.
    pub place: u32,
    /// Ends of transfers of which it is to be told.
    pub queue_first: u32,
    pub queue_last: u32,
    pub downloads: u16,
    pub uploads: u16,
}

/// Small messages that are to be written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Owes {
    pub welcome: bool,
    pub place: bool,
    pub ping: bool,
    pub pong: bool,
}

/// An answer that holds back the requests after it until it is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reply {
    Failed {
        tag: u32,
        code: Code,
    },
    Unsupported {
        kind: u8,
    },
    /// The owner is there by command: where it said that it is.
    Command {
        tag: u32,
        address: IpAddr,
        port: u16,
    },
}

impl Session {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            user: NONE,
            name: Stored::EMPTY,
            door: 0,
            wants_list: false,
            knows: 0,
            feed: Feed::OFF,
            proof: 0,
            heard: now,
            wrote: now,
            reply: None,
            done: None,
            owes: Owes { welcome: false, place: false, ping: false, pong: false },
            skip: 0,
            begun: Stored::EMPTY,
            before: NONE,
            after: NONE,
            place: 0,
            queue_first: NONE,
            queue_last: NONE,
            downloads: 0,
            uploads: 0,
        }
    }

    /// Whether something is to be written besides the list.
    pub(super) const fn owes_something(&self) -> bool {
        self.reply.is_some()
            || self.done.is_some()
            || self.owes.welcome
            || self.owes.place
            || self.owes.ping
            || self.owes.pong
            || self.queue_first != NONE
    }
}

impl Link {
    pub(super) const fn session(&self) -> Option<&Session> {
        match &self.role {
            Role::Session(session) => Some(session),
            Role::Command(_) => None,
        }
    }

    pub(super) const fn session_mut(&mut self) -> Option<&mut Session> {
        match &mut self.role {
            Role::Session(session) => Some(session),
            Role::Command(_) => None,
        }
    }

    pub(super) const fn command_mut(&mut self) -> Option<&mut Command> {
        match &mut self.role {
            Role::Command(command) => Some(command),
            Role::Session(_) => None,
        }
    }

    /// Whether it takes messages of a session.
    pub(super) const fn is_talking(&self) -> bool {
        matches!(self.state, State::Hello | State::ToAttach | State::InLine | State::Member)
            || self.is_asking()
    }

    /// Whether somebody has to answer before it can be let in. All its messages wait behind that.
    pub(super) const fn is_asking(&self) -> bool {
        matches!(self.state, State::ToAsk | State::Asking | State::InDoubt)
    }
}
