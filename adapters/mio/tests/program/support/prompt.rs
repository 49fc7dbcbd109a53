//! A console that is typed at, through a pipe or through a terminal.

use std::{
    fs::File,
    io::Write,
    os::{fd::OwnedFd, unix::process::CommandExt},
    process::{Command, Stdio},
};

use rustix::{
    process::{Signal, ioctl_tiocsctty, setsid},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    stdio::stdin,
};

use super::{Ended, Process, until};

const PROMPT: &str = "c> ";

/// A console that waits for a command.
pub(crate) struct Prompt {
    process: Process,
    input: Option<File>,
    /// Bytes of its output that were looked at.
    seen: usize,
}

impl Prompt {
    /// Starts it with pipes, and waits for its prompt.
    pub(crate) fn start(command: &mut Command) -> Self {
        let (read, write) = std::io::pipe().unwrap();
        let process = Process::start_with(command, read.into());
        Self::ready(process, OwnedFd::from(write).into())
    }

    /// Starts it at a terminal of its own, and waits for its prompt.
    pub(crate) fn start_at_terminal(command: &mut Command) -> Self {
        let (process, input) = at_terminal(command);
        Self::ready(process, input)
    }

    fn ready(process: Process, input: File) -> Self {
        let mut prompt = Self { process, input: Some(input), seen: 0 };
        assert_eq!(prompt.answer(), "");
        prompt
    }

    /// Types a line, and waits for the next prompt: what was printed between.
    pub(crate) fn says(&mut self, line: &str) -> String {
        self.types(format!("{line}\n"));
        self.answer()
    }

    /// Types without waiting.
    pub(crate) fn types(&mut self, text: impl AsRef<[u8]>) {
        self.input.as_mut().unwrap().write_all(text.as_ref()).unwrap();
    }

    /// What is printed before the next prompt.
    pub(crate) fn answer(&mut self) -> String {
        let (answer, seen) = until("a prompt", || {
            let out = self.process.out();
            let new = shown(&out[self.seen..]);
            assert!(new.ends_with(PROMPT) || self.process.is_running(), "{out}{}", self.process.err());
            new.ends_with(PROMPT).then_some((new, out.len()))
        });
        self.seen = seen;
        answer.strip_suffix(PROMPT).unwrap().to_owned()
    }

    pub(crate) fn send(&self, signal: Signal) {
        self.process.send(signal);
    }

    /// Types nothing more; what was printed until its end.
    pub(crate) fn end(mut self) -> Ended {
        self.input = None;
        let seen = self.seen;
        let mut ended = self.process.end();
        ended.out.drain(..seen);
        ended
    }

    /// Waits until it ends by itself; what was printed until then.
    pub(crate) fn ends(self) -> Ended {
        let Self { process, input, seen } = self;
        let mut ended = process.end();
        drop(input);
        ended.out.drain(..seen);
        ended
    }
}

/// Starts a program at a terminal of its own, as a shell does: the process, and what is typed there. What kind of terminal
/// it is the command may say.
pub(crate) fn at_terminal(command: &mut Command) -> (Process, File) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    command.stdout(Stdio::from(theirs.try_clone().unwrap()));
    if command.get_envs().all(|(name, _)| name != "TERM") {
        command.env("TERM", "xterm");
    }
    // SAFETY: both are single system calls, and nothing is allocated between fork and exec.
    unsafe {
        command.pre_exec(|| {
            setsid()?;
            ioctl_tiocsctty(stdin())?;
            Ok(())
        });
    }
    let process = Process::start_at(command, theirs.into(), File::from(ours.try_clone().unwrap()));
    (process, ours.into())
}

/// What is left to be read: without the sequences that move the cursor and set up the terminal.
pub(crate) fn shown(out: &str) -> String {
    let mut parts = out.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    let text = parts.fold(first, |text, part| {
        let end = part.find(|byte: char| ('@'..='~').contains(&byte)).map_or(part.len(), |end| end + 1);
        text + &part[end..]
    });
    text.replace('\r', "")
}
