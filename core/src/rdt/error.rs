//! What goes wrong: with a connection, and with a datagram.

/// Why a datagram was dropped. It is counted; a driver need do nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Discard {
    /// Another magic, or another network's call.
    OtherMagic,
    /// Malformed.
    Malformed,
    /// Of no connection.
    Stray,
    /// A call, and no room for it.
    NoRoom,
    /// A segment that was there already. It is acknowledged again.
    Duplicate,
    /// A segment beyond the window.
    BeyondWindow,
    /// A segment whose place is not known yet. A driver that has not reported all [`Incoming`](super::Incoming) yet should do so
    /// and feed the datagram again.
    Early,
    /// An old or false acknowledgement.
    Acknowledgement,
}

impl core::fmt::Display for Discard {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(match self {
            Self::OtherMagic => "another protocol, or another network's call",
            Self::Malformed => "malformed",
            Self::Stray => "of no connection",
            Self::NoRoom => "a call, and no room for it",
            Self::Duplicate => "a segment that was there already",
            Self::BeyondWindow => "a segment beyond the window",
            Self::Early => "a segment whose place is not known yet",
            Self::Acknowledgement => "an old or false acknowledgement",
        })
    }
}

impl core::error::Error for Discard {}

/// Why a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Error {
    /// Nobody answered the calls.
    Unreachable,
    /// What was sent was not acknowledged in all tries.
    TimedOut {
        /// Bytes that were delivered before.
        delivered: u64,
    },
    /// Nothing came from the peer for the idle time.
    Silent {
        /// Bytes that were delivered before.
        delivered: u64,
    },
    /// The peer ended the connection at once.
    Reset {
        /// Bytes that were delivered before.
        delivered: u64,
    },
    /// The peer began anew: it was restarted.
    Restarted,
    /// The peer acknowledged what was never sent: it lies, or somebody lies in its name.
    Deceived {
        /// Bytes that were delivered before, as far as that is to be believed.
        delivered: u64,
    },
    /// This side ended it.
    Aborted,
}

impl core::fmt::Display for Error {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unreachable => write!(formatter, "no answer"),
            Self::TimedOut { delivered } => {
                write!(formatter, "the peer stopped answering after {delivered} bytes")
            }
            Self::Silent { delivered } => write!(formatter, "the peer became silent after {delivered} bytes"),
            Self::Reset { delivered } => write!(formatter, "the peer broke off after {delivered} bytes"),
            Self::Deceived { delivered } => {
                write!(formatter, "the peer acknowledged what was never sent, after {delivered} bytes")
            }
            Self::Restarted => write!(formatter, "the peer was restarted"),
            Self::Aborted => write!(formatter, "broken off here"),
        }
    }
}

impl core::error::Error for Error {}
