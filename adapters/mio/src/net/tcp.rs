//! A TCP connection, or what stands for one, as a stream: what is to be written, what was read and not taken.

use super::{records::Records, tunnel::Tunnel, wire::Wire};
use skep_core::{Instant, stream::FileId};
use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::SocketAddr,
};

/// Bytes that the machine did not take are kept up to so many; then the peer has to wait.
pub(crate) const UNTAKEN_MAX: usize = 16 << 10;

/// Something to be sent, in its order.
#[derive(Debug)]
pub(crate) enum Outbound {
    Bytes(Bytes),
    Range { file: FileId, offset: u64, left: u64 },
    Finish,
}

/// Bytes to be sent.
#[derive(Debug)]
pub(crate) struct Bytes {
    pub(crate) bytes: Vec<u8>,
    pub(crate) written: usize,
    /// They are as they go on the wire.
    pub(crate) sealed: bool,
    /// The machine is to be told when they have left.
    pub(crate) told: bool,
}

impl Bytes {
    /// What the transport itself has to say: as it goes on the wire, and nobody is told.
    pub(crate) const fn own(bytes: Vec<u8>) -> Outbound {
        Outbound::Bytes(Self { bytes, written: 0, sealed: true, told: false })
    }
}

#[derive(Debug)]
pub(crate) struct Tcp {
    pub(crate) wire: Wire,
    pub(crate) peer: SocketAddr,
    /// What makes it a sealed one.
    pub(crate) records: Option<Box<Records>>,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    /// Its connect call has not been answered yet.
    pub(crate) connecting: bool,
    /// It is counted among those of its network.
    pub(crate) was_accepted: bool,
    /// Its first byte says whether it is sealed.
    pub(crate) undecided: bool,
    /// The system has said that no more comes after what is there to be read.
    pub(crate) hung_up: bool,
    /// The peer finished its direction.
    pub(crate) ended: bool,
    /// We finished ours, and the socket knows.
    pub(crate) finished: bool,
    pub(crate) outbound: VecDeque<Outbound>,
    /// Read, offered and not taken.
    pub(crate) untaken: Vec<u8>,
    /// Bytes moved so far, but small messages that went out at once.
    pub(crate) moved: u64,
    /// How many bytes it had moved when it was last seen to move, and when that was.
    pub(crate) seen: (u64, Instant),
}

impl Tcp {
    pub(crate) fn new(
        now: Instant,
        wire: Wire,
        peer: SocketAddr,
        connecting: bool,
        records: Option<Records>,
    ) -> Self {
        wire.prepare();
        Self {
            wire,
            peer,
            records: records.map(Box::new),
            readable: true,
            writable: true,
            connecting,
            was_accepted: false,
            undecided: false,
            hung_up: false,
            ended: false,
            finished: false,
            outbound: VecDeque::new(),
            untaken: Vec::new(),
            moved: 0,
            seen: (0, now),
        }
    }

    /// Reads at most `most` bytes into the beginning of `room`, of which what is sealed needs more than a record;
    /// `None` when there is nothing now. 0 is the end.
    pub(crate) fn read(&mut self, room: &mut [u8], most: usize) -> io::Result<Option<usize>> {
        let most = most.min(room.len());
        let (wire, readable, hung_up) = (&mut self.wire, &mut self.readable, self.hung_up);
        let read = match &mut self.records {
            None => read(wire, readable, hung_up, &mut room[..most])?,
            Some(records) => records.read(room, most, |room| read(wire, readable, hung_up, room))?,
        };
        self.ended |= read == Some(0) && most > 0;
        Ok(read)
    }

    /// The peer's message of the handshake, once it is complete.
    pub(crate) fn read_handshake(&mut self) -> io::Result<Option<Vec<u8>>> {
        let (wire, readable) = (&mut self.wire, &mut self.readable);
        let Some(records) = &mut self.records else { return Ok(None) };
        // It may have asked for less than there is.
        records.message(|room| read(wire, readable, true, room))
    }

    /// The first byte that came, which stays where it is.
    pub(crate) fn first_byte(&mut self) -> io::Result<Option<u8>> {
        match self.wire.peek() {
            Ok(first) => Ok(Some(first)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether there may be something to read.
    pub(crate) fn has_input(&self) -> bool {
        self.readable || self.records.as_ref().is_some_and(|records| records.has_text())
    }

    /// Whether bytes can go to the machine and come from it: on a sealed connection, after the handshake.
    pub(crate) fn is_ready(&self) -> bool {
        !self.connecting && self.records.as_ref().is_none_or(|records| records.is_open())
    }

    /// Whether it waits for a tracker to join it to another.
    pub(crate) fn is_attaching(&self) -> bool {
        self.records.as_ref().is_some_and(|records| records.is_attaching())
    }

    /// Whether what is written now goes out now.
    pub(crate) fn is_free(&self) -> bool {
        self.writable && self.outbound.is_empty() && self.is_ready()
    }

    /// Writes a message after everything before it, at once where that is possible: then nothing is kept or
    /// allocated. Whether all of it has left; if not, the machine is told later, where it wants to be (`told`).
    pub(crate) fn send(&mut self, message: &[u8], told: bool) -> io::Result<bool> {
        if !self.is_free() {
            let bytes = Bytes { bytes: message.to_vec(), written: 0, sealed: false, told };
            self.outbound.push_back(Outbound::Bytes(bytes));
            return Ok(false);
        }
        let sealed = self.records.as_mut().map(|records| records.seal(message)).transpose()?;
        let wire = sealed.as_deref().unwrap_or(message);
        let written = self.write(wire)?.unwrap_or(0);
        if written == wire.len() {
            return Ok(true);
        }
        let bytes = Bytes { bytes: wire[written..].to_vec(), written: 0, sealed: true, told };
        self.outbound.push_back(Outbound::Bytes(bytes));
        Ok(false)
    }

    /// Writes what the socket takes; `None` when it takes nothing now.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        loop {
            match self.wire.write(bytes) {
                Ok(count) => {
                    // A socket that takes a part is full, and says when it is not.
                    self.writable = count == bytes.len() || !cfg!(target_os = "linux");
                    return Ok(Some(count));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.writable = false;
                    return Ok(None);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The stream by RDT that it goes through, if it does.
    pub(crate) fn tunnel(&mut self) -> Option<&mut Tunnel> {
        match &mut self.wire {
            Wire::Socket(_) => None,
            Wire::Tunnel(tunnel) => Some(tunnel),
        }
    }
}

/// Reads once. On Linux a socket that gave less than there was room for is empty, and says when it is not: that saves
/// a call, unless the end is there too and will not be said again.
fn read(wire: &mut Wire, readable: &mut bool, hung_up: bool, room: &mut [u8]) -> io::Result<Option<usize>> {
    loop {
        match wire.read(room) {
            Ok(count) => {
                if cfg!(target_os = "linux") && !hung_up && count > 0 && count < room.len() {
                    *readable = false;
                }
                return Ok(Some(count));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                *readable = false;
                return Ok(None);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
