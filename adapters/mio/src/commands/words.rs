//! What is at a tracker, and what happens there, in words.

use super::serve::because;
use crate::{exit::describe, member::Trouble};
use skep_core::{files, stream::Fault, wire::session::Code};

/// So many of them, and the noun in its number.
pub(super) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// Why the tracker, or somebody there, says no.
pub(super) fn of_code(code: Code) -> String {
    match code {
        Code::Done => "it was called off",
        Code::Malformed => "the message was not understood; is it another version?",
        Code::Version => "the tracker speaks another version",
        Code::BadName => "that name cannot be used there",
        Code::NameInUse => "somebody of that name is logged in; choose another with -u",
        Code::NoSeat => "no seat is free",
        Code::NotAllowed => "the tracker does not allow it",
        Code::UnknownUser => "nobody of that name is there",
        Code::NotShared => "no such file is shared there",
        Code::Gone => "the other side has gone",
        Code::Silent => "no answer",
        Code::Refused => "the owner refused",
        Code::Busy => "busy: too many transfers at once; try again later",
        Code::Broken => "broken off",
        Code::Full => "the tracker has no room for it",
        Code::UnknownTransfer => "the tracker does not know of the transfer",
        Code::Unreachable => "unreachable",
        Code::Replaced => "you are logged in somewhere else",
        Code::Dismissed => "you were sent away",
        Code::Other(number) => return format!("error {number}"),
    }
    .to_owned()
}

/// Why a download came to nothing.
pub(super) fn of_trouble(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Code(code) => of_code(*code),
        Trouble::Refused(code) => because(*code),
        Trouble::Differs => "what came is not what the owner announced; it was thrown away".to_owned(),
        Trouble::Broken(reason) => format!("broken off: {reason}"),
        Trouble::Unreachable(reasons) if reasons.is_empty() => "its owner cannot be reached".to_owned(),
        Trouble::Unreachable(reasons) => format!("its owner cannot be reached: {reasons}"),
        Trouble::Plain => {
            "its owner speaks only the plain commands, which are not encrypted; allow that with --plain"
                .to_owned()
        }
        Trouble::Unsealed => "its owner has no key, so nothing could be encrypted".to_owned(),
        Trouble::Failed(failure) => match failure {
            files::Failure::Unreachable => "its owner cannot be reached".to_owned(),
            files::Failure::Closed | files::Failure::Storage(Fault::Ended) => {
                "broken off by the other side".to_owned()
            }
            files::Failure::Malformed => "the answer was not understood".to_owned(),
            files::Failure::TooLarge => "it is larger than was announced; it was thrown away".to_owned(),
            files::Failure::Timeout => "no answer in time".to_owned(),
            files::Failure::Storage(fault) => describe(*fault).to_owned(),
        },
    }
}
