//! Why something cannot be done, in one byte.

/// What a request in a session is refused with, and what a session or a transfer ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Code {
    /// 0: nothing is wrong: it is over as was wished.
    Done,
    /// 1: a message that the format does not permit here.
    Malformed,
    /// 2: no version that the tracker speaks.
    Version,
    /// 3: a name that cannot be used.
    BadName,
    /// 4: somebody of that name is logged in.
    NameInUse,
    /// 5: no seat is free, and no place in the line.
    NoSeat,
    /// 6: the tracker does not permit it.
    NotAllowed,
    /// 7: nobody of that name is there.
    UnknownUser,
    /// 8: the user shares no such file.
    NotShared,
    /// 9: the other side has gone.
    Gone,
    /// 10: the other side did not answer in time.
    Silent,
    /// 11: the owner refused.
    Refused,
    /// 12: as many transfers as there may be are under way.
    Busy,
    /// 13: it broke off in the middle.
    Broken,
    /// 14: the tracker has no room for it, or the user has as many as it may.
    Full,
    /// 15: no such transfer, or somebody else's.
    UnknownTransfer,
    /// 16: the owner could not be reached.
    Unreachable,
    /// 17: another session of the same user took its place.
    Replaced,
    /// 18: the session was ended by who runs the tracker.
    Dismissed,
    /// A code of 19 or more, which this version does not know.
    Other(u8),
}

const KNOWN: [Code; 19] = [
    Code::Done,
    Code::Malformed,
    Code::Version,
    Code::BadName,
    Code::NameInUse,
    Code::NoSeat,
    Code::NotAllowed,
    Code::UnknownUser,
    Code::NotShared,
    Code::Gone,
    Code::Silent,
    Code::Refused,
    Code::Busy,
    Code::Broken,
    Code::Full,
    Code::UnknownTransfer,
    Code::Unreachable,
    Code::Replaced,
    Code::Dismissed,
];

impl From<u8> for Code {
    fn from(byte: u8) -> Self {
        KNOWN.get(usize::from(byte)).copied().unwrap_or(Self::Other(byte))
    }
}

impl From<Code> for u8 {
    fn from(code: Code) -> Self {
        match code {
            Code::Other(byte) => byte,
            known => KNOWN.iter().position(|&other| other == known).unwrap_or_default() as Self,
        }
    }
}

impl core::fmt::Display for Code {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(match self {
            Self::Done => "done",
            Self::Malformed => "malformed message",
            Self::Version => "unknown version",
            Self::BadName => "bad name",
            Self::NameInUse => "name in use",
            Self::NoSeat => "no seat",
            Self::NotAllowed => "not allowed",
            Self::UnknownUser => "unknown user",
            Self::NotShared => "not shared",
            Self::Gone => "gone",
            Self::Silent => "no answer",
            Self::Refused => "refused",
            Self::Busy => "busy",
            Self::Broken => "broken off",
            Self::Full => "no room",
            Self::UnknownTransfer => "unknown transfer",
            Self::Unreachable => "unreachable",
            Self::Replaced => "logged in elsewhere",
            Self::Dismissed => "dismissed",
            Self::Other(code) => return write!(formatter, "error {code}"),
        })
    }
}
