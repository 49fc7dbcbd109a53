//! What is typed at the terminal and not shown there.

use std::io;
#[cfg(unix)]
use std::{
    fs::File,
    io::{Read, Write},
    os::unix::net::UnixStream,
};

#[cfg(unix)]
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    termios::{LocalModes, OptionalActions::Now, SpecialCodeIndex, Termios, tcgetattr, tcsetattr},
};
#[cfg(unix)]
use signal_hook::{
    SigId,
    consts::SIGTERM,
    low_level::{pipe, unregister},
};
use zeroize::Zeroizing;

/// What became of a question.
pub(super) enum Typed {
    Line(Zeroizing<String>),
    /// Ctrl-C, or the process is to end.
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
    let end = End::new()?;
    let hidden = Hidden::new(&terminal)?;
    (&terminal).write_all(prompt.as_bytes())?;
    let typed = read(&terminal, &end, hidden.interrupts());
    drop(hidden);
    (&terminal).write_all(b"\n")?;
    typed
}

#[cfg(unix)]
fn read(mut terminal: &File, end: &End, interrupts: [u8; 2]) -> io::Result<Typed> {
    let mut line = Zeroizing::new(Vec::with_capacity(super::password::LENGTH_MAX + 1));
    let mut piece = Zeroizing::new([0; 256]);
    loop {
        if end.comes_before(terminal)? {
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

/// The wish that the process end: it would not put the terminal back if it ended at once.
#[cfg(unix)]
struct End {
    wished: UnixStream,
    signal: SigId,
}

#[cfg(unix)]
impl End {
    fn new() -> io::Result<Self> {
        let (wished, wish) = UnixStream::pair()?;
        Ok(Self { wished, signal: pipe::register(SIGTERM, wish)? })
    }

    /// Waits until something was typed, or the process is to end.
    fn comes_before(&self, terminal: &File) -> io::Result<bool> {
        let mut both = [PollFd::new(terminal, PollFlags::IN), PollFd::new(&self.wished, PollFlags::IN)];
        loop {
            match poll(&mut both, None) {
                Err(Errno::INTR) => {}
                outcome => {
                    outcome?;
                    return Ok(!both[1].revents().is_empty());
                }
            }
        }
    }
}

#[cfg(unix)]
impl Drop for End {
    fn drop(&mut self) {
        unregister(self.signal);
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
