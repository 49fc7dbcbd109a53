//! A stream by RDT in place of a socket, for a connection that is sealed inside of it: what its own tracker cannot read.
//!
//! ```text
//!   records ── read ──◄── came ────◄── RDT: takes no more than there is room for
//!           ── write ─►── leaving ─►── RDT: as it has room for messages
//! ```

use skep_core::rdt::ConnectionId;
use std::io::{self, Read, Write};

/// Bytes that are kept each way.
const ROOM: usize = 64 << 10;

/// The bytes on their way between a connection and its stream by RDT.
#[derive(Debug)]
pub(crate) struct Tunnel {
    /// Which RDT socket, and which connection on it.
    pub(crate) socket: usize,
    pub(crate) connection: ConnectionId,
    /// The call was answered.
    pub(crate) is_connected: bool,
    came: Vec<u8>,
    /// There was no room for all of it.
    is_full: bool,
    /// The peer finished behind what came.
    pub(crate) ended: bool,
    leaving: Vec<u8>,
}

impl Tunnel {
    pub(crate) const fn new(socket: usize, connection: ConnectionId) -> Self {
        Self {
            socket,
            connection,
            is_connected: false,
            came: Vec::new(),
            is_full: false,
            ended: false,
            leaving: Vec::new(),
        }
    }

    /// Takes what came: how many bytes of it there was room for.
    pub(crate) fn bring(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(ROOM.saturating_sub(self.came.len()));
        self.came.extend_from_slice(&bytes[..count]);
        self.is_full |= count < bytes.len();
        count
    }

    /// Whether what it had no room for should be offered again; said once.
    pub(crate) fn wants_more(&mut self) -> bool {
        self.came.len() <= ROOM / 2 && std::mem::take(&mut self.is_full)
    }

    /// What is to leave.
    pub(crate) fn leaving(&self) -> &[u8] {
        &self.leaving
    }

    /// So much of it has left.
    pub(crate) fn left(&mut self, count: usize) {
        self.leaving.drain(..count);
    }
}

impl Read for Tunnel {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.came.is_empty() && !self.ended {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = room.len().min(self.came.len());
        room[..count].copy_from_slice(&self.came[..count]);
        self.came.drain(..count);
        Ok(count)
    }
}

impl Write for Tunnel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(ROOM.saturating_sub(self.leaving.len()));
        if count == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.leaving.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skep_core::rdt::{Language, Settings};
    use std::net::SocketAddr;

    fn tunnel() -> Tunnel {
        let to = SocketAddr::from(([127, 0, 0, 1], 4_000));
        let mut endpoint = crate::host::endpoint(Settings::HOST, 1);
        let connection = endpoint.connect(skep_core::Instant::ZERO, to, Language::Own).unwrap();
        Tunnel::new(0, connection)
    }

    fn would_block(outcome: io::Result<usize>) -> bool {
        outcome.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    #[test]
    fn it_takes_and_gives_in_order_no_more_than_it_has_room_for() {
        let mut tunnel = tunnel();
        let mut room = [0; 4];
        assert!(would_block(tunnel.read(&mut room)));
        assert_eq!(tunnel.bring(b"abcdef"), 6);
        assert_eq!((tunnel.read(&mut room).unwrap(), &room), (4, b"abcd"));
        assert_eq!((tunnel.read(&mut room).unwrap(), &room[..2]), (2, &b"ef"[..]));
        assert!(!tunnel.wants_more());
        assert_eq!(tunnel.bring(&[0; ROOM + 1]), ROOM);
        assert!(tunnel.bring(b"x") == 0 && !tunnel.wants_more());
        let mut half = [0; ROOM / 2];
        assert_eq!(tunnel.read(&mut half).unwrap(), half.len());
        assert!(tunnel.wants_more() && !tunnel.wants_more());
        assert_eq!(tunnel.write(&[0; ROOM + 1]).unwrap(), ROOM);
        assert!(would_block(tunnel.write(b"x")));
        tunnel.left(1);
        assert_eq!((tunnel.write(b"xy").unwrap(), tunnel.leaving().len()), (1, ROOM));
    }

    #[test]
    fn its_end_comes_behind_what_came() {
        let mut tunnel = tunnel();
        tunnel.bring(b"a");
        tunnel.ended = true;
        let mut room = [0; 4];
        assert_eq!(tunnel.read(&mut room).unwrap(), 1);
        assert_eq!(tunnel.read(&mut room).unwrap(), 0);
    }
}
