//! A TCP connection as a stream: what is to be written, what was read and not taken.

use super::records::Records;
use mio::net::TcpStream;
use skep_core::stream::FileId;
use socket2::{SockRef, TcpKeepalive};
use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    time::Duration,
};

/// Bytes that the machine did not take are kept up to so many; then the peer has to wait.
pub(crate) const UNTAKEN_MAX: usize = 16 << 10;

/// How long a connection may be quiet before the system asks whether its peer is still there, and how often then.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Something to be sent, in its order.
#[derive(Debug)]
pub(crate) enum Outbound {
    /// `sealed`: as they go on the wire.
    Bytes {
        bytes: Vec<u8>,
        written: usize,
        sealed: bool,
    },
    Range {
        file: FileId,
        offset: u64,
        left: u64,
    },
    Finish,
}

#[derive(Debug)]
pub(crate) struct Tcp {
    pub(crate) socket: TcpStream,
    /// What makes it a sealed one.
    pub(crate) records: Option<Box<Records>>,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    /// Its connect call has not been answered yet.
    pub(crate) connecting: bool,
    pub(crate) outbound: VecDeque<Outbound>,
    /// Read, offered and not taken.
    pub(crate) untaken: Vec<u8>,
    /// The peer finished its direction.
    pub(crate) ended: bool,
    /// We finished ours, and the socket knows.
    pub(crate) finished: bool,
}

impl Tcp {
    pub(crate) fn new(socket: TcpStream, connecting: bool, records: Option<Records>) -> Self {
        // An answer must not wait for the acknowledgement of the one before it.
        let _ = socket.set_nodelay(true);
        // A peer that vanished while it waits for its turn is noticed by the system.
        let keepalive = TcpKeepalive::new().with_time(KEEP_ALIVE).with_interval(KEEP_ALIVE);
        let _ = SockRef::from(&socket).set_tcp_keepalive(&keepalive);
        Self {
            socket,
            records: records.map(Box::new),
            readable: true,
            writable: true,
            connecting,
            outbound: VecDeque::new(),
            untaken: Vec::new(),
            ended: false,
            finished: false,
        }
    }

    /// Reads into `room`; `None` when there is nothing now. 0 is the end.
    pub(crate) fn read(&mut self, room: &mut [u8]) -> io::Result<Option<usize>> {
        let (socket, readable) = (&mut self.socket, &mut self.readable);
        let read = match &mut self.records {
            None => read(socket, readable, room)?,
            Some(records) => records.read(room, |room| read(socket, readable, room))?,
        };
        self.ended |= read == Some(0) && !room.is_empty();
        Ok(read)
    }

    /// The peer's message of the handshake, once it is complete.
    pub(crate) fn read_handshake(&mut self) -> io::Result<Option<Vec<u8>>> {
        let (socket, readable) = (&mut self.socket, &mut self.readable);
        let Some(records) = &mut self.records else { return Ok(None) };
        records.message(|room| read(socket, readable, room))
    }

    /// Whether there may be something to read.
    pub(crate) fn has_input(&self) -> bool {
        self.readable || self.records.as_ref().is_some_and(|records| records.has_text())
    }

    /// Whether bytes can go to the machine and come from it: on a sealed connection, after the handshake.
    pub(crate) fn is_ready(&self) -> bool {
        !self.connecting && self.records.as_ref().is_none_or(|records| records.is_open())
    }

    /// Writes what the socket takes; `None` when it takes nothing now.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        loop {
            match self.socket.write(bytes) {
                Ok(count) => return Ok(Some(count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.writable = false;
                    return Ok(None);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Makes the end of the socket one that the peer notices: a reset.
    pub(crate) fn abort(&self) {
        let _ = SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
    }
}

fn read(socket: &mut TcpStream, readable: &mut bool, room: &mut [u8]) -> io::Result<Option<usize>> {
    loop {
        match socket.read(room) {
            Ok(count) => return Ok(Some(count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                *readable = false;
                return Ok(None);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
