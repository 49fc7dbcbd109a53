//! How the program ends: a code for scripts and one line for people.

use std::{
    fmt::{self, Display, Formatter},
    io,
    process::{ExitCode, Termination},
};

use skep_core::stream::Fault;

use crate::escape::escape;

/// The exit codes, as the help lists them.
pub const CODES: &str = "\
Exit codes:
    0  done
    1  the other side refused, or failed
    2  wrong usage
    3  network: could not connect or listen, was not let in, timed out, or broke off;
       or a server's key differs from the one you know
    4  a local file or the local storage
  130  interrupted";

/// What kind of failure it was. The number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    /// The other side refused, or failed.
    Refused = 1,
    /// The command line asks for something that cannot be.
    Usage = 2,
    /// Could not connect or listen, timed out, broke off; or the other side is not who it should be.
    Network = 3,
    /// A local file, or the local storage.
    Local = 4,
    /// Ctrl-C, or another request to end.
    Interrupted = 130,
}

/// Why a command failed. The message is one line: what happened, to what, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    code: Code,
    message: String,
}

impl Failure {
    /// A failure of any kind.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The other side refused, or failed.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Code::Refused, message)
    }

    /// The command line asks for something that cannot be.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Code::Usage, message)
    }

    /// Could not connect, timed out, broke off.
    pub fn network(message: impl Into<String>) -> Self {
        Self::new(Code::Network, message)
    }

    /// A local file, or the local storage.
    pub fn local(message: impl Into<String>) -> Self {
        Self::new(Code::Local, message)
    }

    /// A call of the system failed with something local: `doing` is like "open notes.txt".
    pub fn cannot(doing: impl Display, error: &io::Error) -> Self {
        Self::local(format!("cannot {doing}: {}", reason(error)))
    }

    /// A call of the system failed with the network: `doing` is like "listen on tcp://0.0.0.0:7537".
    pub fn cannot_on_network(doing: impl Display, error: &io::Error) -> Self {
        Self::network(format!("cannot {doing}: {}", reason(error)))
    }

    /// The local storage refused or failed: `doing` is like "save notes.txt".
    pub fn storage(doing: impl Display, fault: Fault) -> Self {
        Self::local(format!("cannot {doing}: {}", describe(fault)))
    }

    /// Ctrl-C, or another request to end.
    pub fn interrupted() -> Self {
        Self::new(Code::Interrupted, "interrupted; nothing unfinished was left behind")
    }

    /// What kind it is.
    pub fn code(&self) -> Code {
        self.code
    }
}

/// One line whatever the message was made of: names in it are shown escaped.
impl Display for Failure {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        escape(&self.message).fmt(formatter)
    }
}

impl std::error::Error for Failure {}

impl Termination for Failure {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code as u8)
    }
}

/// What a fault of the local storage means to its user.
pub fn describe(fault: Fault) -> &'static str {
    match fault {
        Fault::NotFound => "there is no such file or directory, or it is not a regular file",
        Fault::Exists => "there is a file of that name already",
        Fault::TooLarge => "the file system takes no file of that size",
        Fault::NoSpace => "the disk is full, or the quota is used up",
        Fault::BadName => "that cannot be the name of a file here",
        Fault::NotAllowed => "permission denied, or there is something else than a file of that name",
        Fault::Changed => "the file changed while it was read; try again when nobody writes to it",
        Fault::Busy => "too many files are open: the process, or the system, may have no more (ulimit -n)",
        Fault::Failed => "reading or writing failed",
        Fault::Ended => "the other side ended in the middle of it",
    }
}

/// The system's words, without the number that Rust adds to them.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_without_controls() {
        let failure = Failure::refused("not found: a\nskep: done\x1b[2J");
        assert_eq!(failure.to_string(), r"not found: a\u{a}skep: done\u{1b}[2J");
    }

    #[test]
    fn the_help_lists_every_code() {
        for code in [Code::Refused, Code::Usage, Code::Network, Code::Local, Code::Interrupted] {
            let line = format!("\n{:>5}  ", code as u8);
            assert!(CODES.contains(&line), "{code:?}");
        }
    }

    #[test]
    fn errors_of_the_system_are_told_in_words() {
        let error = io::Error::from(io::ErrorKind::NotFound);
        assert_eq!(Failure::cannot("open x", &error).to_string(), "cannot open x: entity not found");
        #[cfg(unix)]
        assert_eq!(reason(&io::Error::from_raw_os_error(libc::ENOENT)), "No such file or directory");
    }
}
