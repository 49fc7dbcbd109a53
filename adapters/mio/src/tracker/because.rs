//! Why somebody may not log in: for the log, as he himself is told no more than the code.

use std::fmt::{self, Display, Formatter};

use skep_core::wire::session::Code;

/// Why a log-in is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// Nobody can be called that.
    BadName,
    /// The ban of this number covers him.
    Banned(u64),
    /// The name belongs to another key, or is about to.
    NameOfAnotherKey,
    /// The key has another name, or is about to get one.
    KeyHasName,
    /// His name takes an account, and there is none.
    NoAccount,
    /// From there too many wrong passwords came, and no right one counts for a while.
    TooManyTries,
}

impl Because {
    /// What he is told.
    pub const fn code(self) -> Code {
        match self {
            Self::BadName => Code::BadName,
            _ => Code::NotAllowed,
        }
    }

    /// A word for machines.
    pub const fn word(self) -> &'static str {
        match self {
            Self::BadName => "bad-name",
            Self::Banned(_) => "banned",
            Self::NameOfAnotherKey => "name-of-another-key",
            Self::KeyHasName => "key-has-name",
            Self::NoAccount => "no-account",
            Self::TooManyTries => "too-many-tries",
        }
    }

    /// The number of the ban, if it is one.
    pub const fn ban(self) -> Option<u64> {
        match self {
            Self::Banned(id) => Some(id),
            _ => None,
        }
    }
}

/// For people.
impl Display for Because {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::BadName => "nobody can be called that",
            Self::Banned(id) => return write!(formatter, "ban {id}"),
            Self::NameOfAnotherKey => "the name belongs to another key",
            Self::KeyHasName => "the key has another name",
            Self::NoAccount => "there is no such account",
            Self::TooManyTries => "too many wrong passwords",
        };
        formatter.write_str(text)
    }
}
