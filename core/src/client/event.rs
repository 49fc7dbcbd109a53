//! What a client tells its application.

use crate::wire::session::Code;

/// A user in the mirror, by number: good from [`Event::Came`] until the client is polled after [`Event::Left`], or
/// until [`Event::Cleared`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UserId(pub u32);

/// A file in the mirror, by number: good from [`Event::Shared`] until the client is polled after
/// [`Event::Unshared`], or until its user has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EntryId(pub u32);

/// A download that was asked for: good until its last event, or until it was reported as over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FetchId(pub u32);

/// A request for a file that the client shares: good until its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UploadId(pub u32);

/// A file that the client shares: good until it was withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ShareId(pub u32);

/// What the application is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Event {
    /// Open a stream to the tracker; then [`opened`](crate::stream::Service::opened), or
    /// [`Client::unreachable`](super::Client::unreachable).
    Connect,
    /// No seat is free.
    Waiting {
        /// The place in the line; 1 is the first.
        place: u32,
    },
    /// The client is logged in.
    Online,
    /// The client is not logged in any more, or could not log in, and tries again after a pause.
    Offline {
        /// Why.
        code: Code,
    },
    /// The last event: the client is out, and does not try again.
    Over {
        /// Why; [`Code::Done`] after a log-out.
        code: Code,
    },
    /// Everybody and everything known of is forgotten: the list begins anew.
    Cleared,
    /// A user is there.
    Came(UserId),
    /// A user is there no longer, and its files are not shared any more.
    Left(UserId),
    /// A file is shared, or has changed.
    Shared(EntryId),
    /// A file is shared no longer.
    Unshared(EntryId),
    /// The mirror is the list, as far as the client can know by now. Told once after each log-in.
    Listed,
    /// The tracker shares one of the client's files from now on.
    Published(ShareId),
    /// It does not.
    NotPublished {
        /// Which one.
        share: ShareId,
        /// Why.
        code: Code,
    },
    /// The owner is ready: [`Client::way`](super::Client::way) says where to go.
    Go(FetchId),
    /// A download could not begin.
    FetchFailed {
        /// Which one.
        fetch: FetchId,
        /// Why.
        code: Code,
    },
    /// The other side, or the tracker, says that a download that could begin is over.
    FetchEnded {
        /// Which one.
        fetch: FetchId,
        /// How.
        code: Code,
    },
    /// Somebody wants a file that the client shares: [`Client::asked`](super::Client::asked) says who and what. To be
    /// accepted or refused, unless the settings have done that.
    Asked(UploadId),
    /// A request for a file is over.
    UploadEnded {
        /// Which one.
        upload: UploadId,
        /// How.
        code: Code,
    },
}
