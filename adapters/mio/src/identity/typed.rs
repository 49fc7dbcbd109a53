//! What is typed at the terminal and not shown there.

use std::io;
#[cfg(unix)]
use std::{
    fs::File,
    io::{Read, Write},
};

#[cfg(unix)]
use crate::ignored::is_ignored;
#[cfg(unix)]
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    termios::{LocalModes, OptionalActions::Now, SpecialCodeIndex, Termios, tcgetattr, tcsetattr},
};
use zeroize::Zeroizing;

/// The signals that end a process, unless they are ignored.
#[cfg(unix)]
fn ends() -> impl Iterator<Item = i32> {
    let all = [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGQUIT];
    all.into_iter().filter(|signal| !is_ignored(*signal))
}

/// How often it is looked whether one of them has come.
#[cfg(unix)]
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// What became of a question.
pub(super) enum Typed {
    Line(Zeroizing<String>),
    /// Ctrl-C; or the process is to end, and does so by itself.
    Interrupted,
    /// Ctrl-D.
    Nothing,
}

/// Asks at the terminal of the process, wherever its input comes from.
///
/// # Errors
/// There is no terminal.
#[cfg(unix)]
pub(super) fn ask(prompt: &str) -> io::Result<Typed> {
    let terminal = File::options().read(true).write(true).open("/dev/tty")?;
    let held_up = HeldUp::new();
    let hidden = Hidden::new(&terminal)?;
    (&terminal).write_all(prompt.as_bytes())?;
    let typed = read(&terminal, &held_up, hidden.interrupts());
    drop(hidden);
    (&terminal).write_all(b"\n")?;
    typed
}

#[cfg(unix)]
fn read(mut terminal: &File, held_up: &HeldUp, interrupts: [u8; 2]) -> io::Result<Typed> {
    let mut line = Zeroizing::new(Vec::with_capacity(super::password::LENGTH_MAX + 1));
    let mut piece = Zeroizing::new([0; 256]);
    loop {
        if held_up.ends_before(terminal)? {
            return Ok(Typed::Interrupted);
        }
        let count = match terminal.read(&mut *piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            count => count?,
        };
        line.extend_from_slice(&piece[..count]);
        match line.last() {
            _ if count == 0 => return Ok(Typed::Nothing),
            Some(b'\n') => break,
            Some(last) if interrupts.contains(last) => return Ok(Typed::Interrupted),
            _ => {}
        }
    }
    line.pop();
    let text = std::str::from_utf8(&line).map_err(|_| io::Error::other("it is not UTF-8"))?;
    Ok(Typed::Line(Zeroizing::new(text.to_owned())))
}

/// What would end the process is held up until this is dropped: it would leave the terminal as it is.
#[cfg(unix)]
struct HeldUp {
    before: libc::sigset_t,
}

#[cfg(unix)]
impl HeldUp {
    fn new() -> Self {
        // SAFETY: plain data, of which zeros are a value; the calls only write into what they are given.
        unsafe {
            let (mut held, mut before) = (std::mem::zeroed(), std::mem::zeroed());
            libc::sigemptyset(&raw mut held);
            for signal in ends() {
                libc::sigaddset(&raw mut held, signal);
            }
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const held, &raw mut before);
            Self { before }
        }
    }

    /// Waits until something was typed, or the process is to end.
    fn ends_before(&self, terminal: &File) -> io::Result<bool> {
        loop {
            let mut typed = [PollFd::new(terminal, PollFlags::IN)];
            match poll(&mut typed, Some(&LOOK)) {
                Ok(0) | Err(Errno::INTR) if !Self::is_pending() => {}
                Ok(0) | Err(Errno::INTR) => return Ok(true),
                outcome => return outcome.map(|_| false).map_err(io::Error::from),
            }
        }
    }

    fn is_pending() -> bool {
        // SAFETY: as above.
        unsafe {
            let mut pending = std::mem::zeroed();
            libc::sigpending(&raw mut pending) == 0
                && ends().any(|signal| libc::sigismember(&raw const pending, signal) == 1)
        }
    }
}

#[cfg(unix)]
impl Drop for HeldUp {
    fn drop(&mut self) {
        // SAFETY: the mask is the one that was there.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut()) };
    }
}

/// A terminal that shows nothing, and on which Ctrl-C ends the line and not the process, which could not put the terminal
/// back. It is as it was when this is dropped.
#[cfg(unix)]
struct Hidden<'a> {
    terminal: &'a File,
    before: Termios,
}

#[cfg(unix)]
impl<'a> Hidden<'a> {
    fn new(terminal: &'a File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let hidden = Self { terminal, before };
        let [interrupt, quit] = hidden.interrupts();
        let mut during = hidden.before.clone();
        during.local_modes -= LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ISIG;
        during.special_codes[SpecialCodeIndex::VEOL] = interrupt;
        during.special_codes[SpecialCodeIndex::VEOL2] = quit;
        tcsetattr(terminal, Now, &during)?;
        Ok(hidden)
    }

    /// The characters by which a process is interrupted here: Ctrl-C and Ctrl-\\, unless the user has chosen others.
    fn interrupts(&self) -> [u8; 2] {
        [SpecialCodeIndex::VINTR, SpecialCodeIndex::VQUIT].map(|index| self.before.special_codes[index])
    }
}

#[cfg(unix)]
impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.terminal, Now, &self.before);
    }
}

/// Asks at the terminal of the process.
///
/// # Errors
/// There is no terminal.
#[cfg(not(unix))]
pub(super) fn ask(prompt: &str) -> io::Result<Typed> {
    match rpassword::prompt_password(prompt) {
        Ok(text) => Ok(Typed::Line(Zeroizing::new(text))),
        Err(error) => match error.kind() {
            io::ErrorKind::Interrupted => Ok(Typed::Interrupted),
            io::ErrorKind::UnexpectedEof => Ok(Typed::Nothing),
            _ => Err(error),
        },
    }
}
