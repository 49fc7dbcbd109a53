//! One stream of a tracker, from its first message to its end.
//!
//! ```text
//! session    Hello ──► InLine ──► Member ──► Part ──► Finish ──► Closing      (InDoubt before InLine: doubt.rs;
//!              │  └──────────────────▲         ▲                           Asking before both: login.rs)
//! ToAttach ────┴─► Attached ─► Joined          └── any        any ──► Abort ──► Gone
//! command    Command ──► Finish ──► Closing
//! ```

use super::{
    Peer, Rights,
    command::Command,
    directory::Directory,
    feed::{self, Feed, Pass},
    profile::Profile,
};
use crate::{
    Instant, Memory,
    line::Neighbours,
    stream::StreamId,
    texts::Stored,
    wire::session::{Code, Side},
};
use core::net::{IpAddr, Ipv4Addr};

pub(super) const NONE: u32 = u32::MAX;

/// What a tracker keeps for a stream all the time. Opaque: it is public so that its memory can be named.
#[derive(Debug)]
pub struct Link<P: Profile> {
    pub(super) stream: StreamId,
    /// The stream has not closed.
    pub(super) is_open: bool,
    /// What was written has not left yet.
    pub(super) in_flight: bool,
    pub(super) rights: Rights,
    /// The account that the stream has proven to be has its user's name.
    pub(super) has_account: bool,
    /// The peer's public key, where the stream has one.
    pub(super) key: Option<[u8; 32]>,
    pub(super) state: State,
    /// Its user, once it is logged in.
    pub(super) user: u32,
    /// By which its resume key is made, once it is logged in. Before that, the same of the session whose place it may take;
    /// 0 for none.
    pub(super) proof: u64,
    pub(super) feed: Feed,
    pub(super) heard: Instant,
    /// Since when something has been written that has not left yet; in doubt, since when.
    pub(super) wrote: Instant,
    busy: P::Busy,
}

/// What a stream has besides while something is under way, which most of the time is nothing. Opaque: it is public so
/// that its memory can be named.
#[derive(Debug)]
pub struct Busy {
    /// Where it is, before it is a member: of those that are, their users know.
    address: IpAddr,
    role: Role,
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
    /// The application is to be asked again, as there is a seat now, which is kept meanwhile.
    ToSeat,
    /// A seat is kept until the application has answered, or until this is a member.
    Seating,
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
enum Role {
    Session(Work),
    Command(Command),
}

/// What a session has to do.
#[derive(Debug)]
pub(super) struct Work {
    /// Who the stream says it is, until it is logged in; empty for nobody.
    pub account: Stored,
    /// Its name, until it is logged in.
    pub name: Stored,
    pub door: u16,
    pub wants_list: bool,
    /// Up to which change the client says that it knows the list.
    pub knows: u64,
    /// The list is told by a look at every place.
    pub pass: Option<Pass>,
    pub reply: Option<Reply>,
    pub done: Option<u32>,
    pub owes: Owes,
    /// Bytes of a message that is too long, still to be skipped.
    pub skip: u32,
    /// The beginning of a message of which the rest has not come.
    pub begun: Stored,
    pub neighbours: Neighbours,
    /// The place in the line that it is to be told, or was. Before it has one, and while the application is asked about it,
    /// the number of the question ([`Ask`](super::Ask)).
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

impl Work {
    const NONE: Self = Self {
        account: Stored::EMPTY,
        name: Stored::EMPTY,
        door: 0,
        wants_list: false,
        knows: 0,
        pass: None,
        reply: None,
        done: None,
        owes: Owes { welcome: false, place: false, ping: false, pong: false },
        skip: 0,
        begun: Stored::EMPTY,
        neighbours: Neighbours::NONE,
        place: 0,
        queue_first: NONE,
        queue_last: NONE,
        downloads: 0,
        uploads: 0,
    };

    /// Whether something is to be written besides the list.
    const fn owes_something(&self) -> bool {
        self.reply.is_some()
            || self.done.is_some()
            || self.owes.welcome
            || self.owes.place
            || self.owes.ping
            || self.owes.pong
            || self.queue_first != NONE
    }

    /// Whether a member has nothing of it.
    const fn is_none(&self) -> bool {
        let transfers = self.downloads > 0 || self.uploads > 0;
        let reads = self.skip > 0 || !self.begun.is_empty();
        !self.owes_something() && !transfers && !reads && self.pass.is_none()
    }
}

impl<P: Profile> Link<P> {
    /// A session, or what is to become one. `account`: who the stream says it is.
    pub(super) fn session(now: Instant, stream: StreamId, peer: &Peer<'_>, account: Stored) -> Self {
        Self::new(now, stream, peer, Role::Session(Work { account, ..Work::NONE }), State::Hello)
    }

    /// A request by command.
    pub(super) fn request(now: Instant, stream: StreamId, peer: &Peer<'_>) -> Self {
        Self::new(now, stream, peer, Role::Command(Command::new()), State::Command)
    }

    #[inline(never)] // for size: core/panic-check/run shows it
    fn new(now: Instant, stream: StreamId, peer: &Peer<'_>, role: Role, state: State) -> Self {
        let mut busy = P::Busy::default();
        let mut first = Some(Busy { address: peer.address, role });
        busy.grow(1, || first.take().unwrap_or_else(Busy::nothing));
        Self {
            stream,
            is_open: true,
            in_flight: false,
            rights: peer.rights,
            has_account: false,
            key: peer.key,
            state,
            user: NONE,
            proof: 0,
            feed: Feed::OFF,
            heard: now,
            wrote: now,
            busy,
        }
    }

    /// What a session has to do, if there is anything.
    #[inline(never)] // for size: core/panic-check/run shows it
    pub(super) fn work(&self) -> Option<&Work> {
        match self.busy.values() {
            [Busy { role: Role::Session(work), .. }] => Some(work),
            _ => None,
        }
    }

    /// The same, to change.
    #[inline(never)] // for size: core/panic-check/run shows it
    pub(super) fn work_mut(&mut self) -> Option<&mut Work> {
        match self.busy.values_mut() {
            [Busy { role: Role::Session(work), .. }] => Some(work),
            _ => None,
        }
    }

    /// What a session has to do: there is going to be something. `None`: it is none.
    #[inline(never)] // for size: core/panic-check/run shows it
    pub(super) fn begin(&mut self) -> Option<&mut Work> {
        self.busy.grow(1, Busy::nothing);
        self.work_mut()
    }

    /// A member that has nothing to do keeps no room for it.
    #[inline(never)] // for size: core/panic-check/run shows it
    pub(super) fn rest(&mut self) {
        if self.state == State::Member && self.work().is_some_and(Work::is_none) {
            self.busy.release();
        }
    }

    /// The request of a stream by command.
    #[inline(never)] // for size: core/panic-check/run shows it
    pub(super) fn command(&self) -> Option<&Command> {
        match self.busy.values() {
            [Busy { role: Role::Command(command), .. }] => Some(command),
            _ => None,
        }
    }

    /// The same, to change.
    #[inline(never)] // for size: core/panic-check/run shows it
    pub(super) fn command_mut(&mut self) -> Option<&mut Command> {
        match self.busy.values_mut() {
            [Busy { role: Role::Command(command), .. }] => Some(command),
            _ => None,
        }
    }

    /// Where it is. Of a member its user knows that.
    pub(super) fn address(&self) -> IpAddr {
        self.busy.values().first().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |busy| busy.address)
    }

    /// It is somewhere else now. Of a member its user is to be told that, too.
    pub(super) fn relocate(&mut self, address: IpAddr) {
        if let Some(busy) = self.busy.values_mut().first_mut() {
            busy.address = address;
        }
    }

    /// Whether something is to be written besides the list.
    pub(super) fn owes_something(&self) -> bool {
        self.work().is_some_and(Work::owes_something)
    }

    /// Writes what comes next of the list to the beginning of `out`; how many bytes that took.
    pub(super) fn tell(&mut self, directory: &Directory<P>, out: &mut [u8]) -> usize {
        let begun = self.work().and_then(|work| work.pass);
        let (used, left) = feed::write(&mut self.feed, begun, directory, self.user, out);
        if (left.is_some() || begun.is_some())
            && let Some(work) = self.begin()
        {
            work.pass = left;
        }
        used
    }

    /// Whether there is more of the list to tell, given the newest change that is to be told.
    pub(super) fn is_behind(&self, newest: u64) -> bool {
        self.feed.is_behind(newest) || self.work().is_some_and(|work| work.pass.is_some())
    }

    /// Whether it takes messages of a session.
    pub(super) const fn is_talking(&self) -> bool {
        matches!(self.state, State::Hello | State::ToAttach | State::InLine | State::Member)
            || self.is_asking()
    }

    /// Whether somebody has to answer before it can be let in. All its messages wait behind that.
    pub(super) const fn is_asking(&self) -> bool {
        matches!(self.state, State::ToAsk | State::Asking | State::ToSeat | State::Seating | State::InDoubt)
    }

    /// The name by which it wants to log in, or be there by command.
    pub(super) fn login_name(&self) -> Option<Stored> {
        self.work().map(|work| work.name).or_else(|| Some(self.command()?.user))
    }
}

impl Busy {
    /// What there is of it before it is told what.
    const fn nothing() -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), role: Role::Session(Work::NONE) }
    }
}
