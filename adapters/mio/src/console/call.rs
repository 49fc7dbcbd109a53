//! One connection for one question: to the server, or to another console.

use skep_core::wire::command::{self, Unended};
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// How long each address has to take the connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the other side may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(15);

/// How often a call that waits looks whether it has been cancelled.
const TICK: Duration = Duration::from_millis(100);

/// Bytes of a list that are believed to be one.
const LIST_MAX: usize = 64 << 20;

const PIECE: usize = 64 << 10;

/// A connection, read with a time-out.
#[derive(Debug)]
pub(super) struct Call<'c> {
    stream: TcpStream,
    cancelled: &'c AtomicBool,
    /// Read, and not used before `used`.
    bytes: Vec<u8>,
    used: usize,
    has_ended: bool,
}

impl<'c> Call<'c> {
    /// Connects to the first address that takes it.
    pub(super) fn to(addresses: &[SocketAddr], cancelled: &'c AtomicBool) -> io::Result<Self> {
        let mut outcome = Err(io::ErrorKind::AddrNotAvailable.into());
        for address in addresses {
            if cancelled.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            outcome = TcpStream::connect_timeout(address, CONNECT_TIMEOUT);
            if outcome.is_ok() {
                break;
            }
        }
        let stream = outcome?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TICK))?;
        stream.set_write_timeout(Some(SILENCE_MAX))?;
        Ok(Self { stream, cancelled, bytes: Vec::new(), used: 0, has_ended: false })
    }

    /// Sends a whole request in one write.
    pub(super) fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request)
    }

    /// The one byte that answers a command.
    pub(super) fn result(&mut self) -> io::Result<u8> {
        loop {
            if let Some(&first) = self.unused().first() {
                self.take(1);
                return Ok(command::result(first));
            }
            self.more()?;
        }
    }

    /// A number, and so many entries of `each` strings.
    pub(super) fn list(&mut self, each: usize) -> io::Result<Vec<String>> {
        let count = command::number(self.string()?.as_bytes()).ok_or(io::ErrorKind::InvalidData)?;
        let mut strings = Vec::new();
        let mut left = LIST_MAX;
        for _ in 0..count {
            for _ in 0..each {
                let string = self.string()?;
                left = left.checked_sub(string.len() + 1).ok_or(io::ErrorKind::InvalidData)?;
                strings.push(string);
            }
        }
        Ok(strings)
    }

    /// A string. Some servers forget the NUL of the last one: then it ends where the stream does.
    fn string(&mut self) -> io::Result<String> {
        loop {
            let (string, length) = match command::string(self.unused()) {
                Ok((string, _)) => (string, string.len() + 1),
                Err(Unended::TooLong) => return Err(io::ErrorKind::InvalidData.into()),
                Err(Unended::Incomplete) if self.has_ended && !self.unused().is_empty() => {
                    (self.unused(), self.unused().len())
                }
                Err(Unended::Incomplete) => {
                    match self.more() {
                        Err(error)
                            if error.kind() == io::ErrorKind::UnexpectedEof && !self.unused().is_empty() => {}
                        outcome => outcome?,
                    }
                    continue;
                }
            };
            let string = String::from_utf8_lossy(string).into_owned();
            self.take(length);
            return Ok(string);
        }
    }

    /// What was read and not used.
    pub(super) fn unused(&self) -> &[u8] {
        &self.bytes[self.used..]
    }

    /// So many bytes of that are used now.
    pub(super) fn take(&mut self, count: usize) {
        self.used = (self.used + count).min(self.bytes.len());
    }

    /// Waits for more of it. Fails at the end of the stream.
    pub(super) fn more(&mut self) -> io::Result<()> {
        self.bytes.drain(..self.used);
        self.used = 0;
        let begin = self.bytes.len();
        self.bytes.resize(begin + PIECE, 0);
        let outcome = read(&mut self.stream, self.cancelled, &mut self.bytes[begin..]);
        self.bytes.truncate(begin + outcome.as_ref().map_or(0, |&count| count));
        match outcome? {
            0 => {
                self.has_ended = true;
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            _ => Ok(()),
        }
    }
}

fn read(stream: &mut TcpStream, cancelled: &AtomicBool, room: &mut [u8]) -> io::Result<usize> {
    let mut silence = Duration::ZERO;
    loop {
        // Also when there is always something to read.
        if cancelled.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match stream.read(room) {
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                silence += TICK;
                if silence >= SILENCE_MAX {
                    return Err(io::ErrorKind::TimedOut.into());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener};

    #[test]
    fn a_call_that_is_cancelled_ends_whether_something_comes_or_not() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        for comes in [true, false] {
            let cancelled = AtomicBool::new(false);
            let mut call = Call::to(&[listener.local_addr().unwrap()], &cancelled).unwrap();
            let (mut peer, _) = listener.accept().unwrap();
            if comes {
                peer.write_all(b"content").unwrap();
            }
            cancelled.store(true, Ordering::Relaxed);
            assert_eq!(call.more().unwrap_err().kind(), io::ErrorKind::Interrupted);
        }
    }
}
