//! What a member tells its application.

use crate::{args::Via, driver::Relayed};
use skep_core::{
    files::{Failure, Outcome},
    seal::layer::Call,
    wire::{
        file,
        session::{Code, FileInfo},
    },
};
use std::net::SocketAddr;

/// A download, by number: good until [`Event::Got`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DownloadId(pub usize);

/// What somebody else fetches, by number: good until [`Event::Served`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(pub usize);

/// What a stream is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    /// A download.
    Download(DownloadId),
    /// The owner's end of a relayed transfer.
    Upload(UploadId),
}

/// Where a stream is to be opened to.
#[derive(Clone, Debug)]
pub enum Target {
    /// The owner's door, sealed.
    Direct {
        /// Where.
        address: SocketAddr,
        /// What carries it.
        via: Via,
        /// As whom.
        call: Call,
    },
    /// The tracker, which joins it to the other end.
    Relayed(Relayed),
    /// The door of who is there by command. Nothing is sealed.
    Plain {
        /// Where.
        address: SocketAddr,
    },
}

/// How a file travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Travel {
    /// From door to door, over RDT.
    Udp,
    /// From door to door, over TCP.
    Tcp,
    /// Through the tracker, which sees ciphertext.
    Relayed,
    /// By `GET_FILE`, not sealed.
    Plain,
}

impl Travel {
    /// In a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Relayed => "relayed",
            Self::Plain => "plain",
        }
    }

    /// For a sentence.
    pub const fn as_phrase(self) -> &'static str {
        match self {
            Self::Udp => "from its owner, over UDP",
            Self::Tcp => "from its owner, over TCP",
            Self::Relayed => "through the tracker",
            Self::Plain => "from its owner, not encrypted",
        }
    }
}

/// Why a download came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The tracker or the owner says no, or has gone.
    Code(Code),
    /// The owner answers by an error.
    Refused(file::Code),
    /// The transfer broke, or the storage on this side did.
    Failed(Failure),
    /// The stream broke below the machines, and why: said by who carries it, in place of [`Failure::Closed`].
    Broken(String),
    /// What came is not what the owner has announced.
    Differs,
    /// Nobody answered there; says where and why.
    Unreachable(String),
    /// The owner speaks only the plain commands, and these are not wanted.
    Plain,
    /// One of the two has no key: what would travel could not be sealed.
    Unsealed,
}

/// What the application is told.
#[derive(Clone, Debug)]
pub enum Event {
    /// Open a stream to the tracker; then [`Member::session_called`](super::Member::session_called), or
    /// [`Member::session_unreachable`](super::Member::session_unreachable).
    Connect,
    /// Open a stream; then [`Member::called`](super::Member::called), or
    /// [`Member::not_called`](super::Member::not_called).
    Call(Leg, Target),
    /// No seat is free.
    Waiting {
        /// The place in the line; 1 is the first.
        place: u32,
    },
    /// Logged in.
    Online,
    /// Not logged in any more, or not yet; another attempt follows.
    Offline {
        /// Why.
        code: Code,
    },
    /// Out, for good.
    Over {
        /// Why; [`Code::Done`] after a log-out.
        code: Code,
    },
    /// The list begins anew.
    Cleared,
    /// The list is whole.
    Listed,
    /// A user is there.
    Came {
        /// Who.
        user: Box<str>,
        /// By the plain commands.
        by_command: bool,
    },
    /// A user is there no longer, nor are its files.
    Left {
        /// Who.
        user: Box<str>,
    },
    /// A file is shared, or has changed.
    Shared {
        /// Whose.
        user: Box<str>,
        /// Its name.
        name: Box<str>,
        /// What is known of it.
        info: FileInfo,
    },
    /// A file is shared no longer.
    Unshared {
        /// Whose it was.
        user: Box<str>,
        /// Its name.
        name: Box<str>,
    },
    /// The tracker does not share one of our files.
    NotPublished {
        /// Its name.
        name: Box<str>,
        /// Why.
        code: Code,
    },
    /// Somebody wants one of our files, and waits for [`Member::accept`](super::Member::accept) or
    /// [`Member::refuse`](super::Member::refuse).
    Asked {
        /// By which the answer is known.
        upload: UploadId,
        /// Who.
        user: Box<str>,
        /// Which file.
        name: Box<str>,
    },
    /// Somebody fetches one of our files.
    Serving {
        /// Which transfer.
        upload: UploadId,
        /// Who.
        user: Box<str>,
        /// Which file.
        name: Box<str>,
        /// Bytes of it.
        length: u64,
    },
    /// That is over.
    Served {
        /// Which transfer.
        upload: UploadId,
        /// Who.
        user: Box<str>,
        /// Which file.
        name: Box<str>,
        /// How; `None` when it never began.
        outcome: Option<Outcome>,
    },
    /// The content of a download begins to flow.
    Getting {
        /// Which.
        download: DownloadId,
        /// Bytes of it.
        length: u64,
        /// How it travels.
        travel: Travel,
    },
    /// A download is over.
    Got {
        /// Which.
        download: DownloadId,
        /// Bytes of it, or why there is nothing.
        outcome: Result<u64, Trouble>,
    },
}
