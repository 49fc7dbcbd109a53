//! What a tracker tells its application.

use crate::{
    stream::StreamId,
    texts::Stored,
    wire::session::{Code, Way},
};

/// A request to the application's storage, to be answered by [`Tracker::committed`](super::Tracker::committed).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ticket(pub(super) u32);

/// A question to the application about a log-in, to be answered by [`Tracker::decided`](super::Tracker::decided); where that
/// takes a while, after [`Tracker::hold_seat`](super::Tracker::hold_seat).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ask {
    pub(super) link: u32,
    /// Tells it from others on a link of the same number.
    pub(super) number: u32,
}

/// A user by number: good from [`Event::Came`] to [`Event::Left`], or until its account is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UserId(pub u32);

/// The name of somebody who has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LeftName(pub(super) Stored);

/// A file by number: good until it is withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EntryId(pub u32);

/// What is to be stored durably before it is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Record {
    /// A new account.
    Register(UserId),
    /// An account goes, with everything that it published.
    Unregister(UserId),
    /// An account publishes a file.
    Publish(EntryId),
    /// An account withdraws a file.
    Delete(EntryId),
}

/// What the application is told. All but [`Event::Store`] and [`Event::Asks`] is for logs: when more happens than is
/// taken, some are lost, and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Event {
    /// To be stored; the names are asked of the tracker at once. The answer may come later.
    Store {
        /// By which the answer is known.
        ticket: Ticket,
        /// What.
        record: Record,
    },
    /// Somebody wants to log in, has waited in line for a seat and gets one, or wants to be there by command: see
    /// [`Settings::asks`](super::Settings::asks). The answer may come later.
    Asks {
        /// By which the answer is known.
        ask: Ask,
        /// On which stream.
        stream: StreamId,
    },
    /// A user is there.
    Came {
        /// Who.
        user: UserId,
        /// On which stream it came; a command's is over soon.
        stream: StreamId,
    },
    /// A user is not there any more.
    Left {
        /// Who.
        user: UserId,
        /// The name, for [`Tracker::left_name`](super::Tracker::left_name).
        name: LeftName,
        /// Why.
        code: Code,
    },
    /// A session waits in line.
    Waits {
        /// On which stream.
        stream: StreamId,
    },
    /// A log-in was refused, or somebody may not be there by command.
    Refused {
        /// On which stream.
        stream: StreamId,
        /// Why.
        code: Code,
    },
    /// A transfer has begun: its owner is ready.
    Began {
        /// Which.
        transfer: u32,
        /// How it travels.
        way: Way,
        /// Who asked.
        requester: UserId,
        /// Whose file it is.
        owner: UserId,
    },
    /// A transfer is over, or came to nothing.
    Ended {
        /// Which.
        transfer: u32,
        /// How.
        code: Code,
    },
}
