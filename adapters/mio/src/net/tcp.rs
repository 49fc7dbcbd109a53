//! A TCP connection as a stream: what is to be written, what was read and not taken.

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
    Bytes { bytes: Vec<u8>, written: usize },
    Range { file: FileId, offset: u64, left: u64 },
    Finish,
}

#[derive(Debug)]
pub(crate) struct Tcp {
    pub(crate) socket: TcpStream,
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
    pub(crate) fn new(socket: TcpStream, connecting: bool) -> Self {
        // An answer must not wait for the acknowledgement of the one before it.
        let _ = socket.set_nodelay(true);
        // A peer that vanished while it waits for its turn is noticed by the system.
        let keepalive = TcpKeepalive::new().with_time(KEEP_ALIVE).with_interval(KEEP_ALIVE);
        let _ = SockRef::from(&socket).set_tcp_keepalive(&keepalive);
        Self {
            socket,
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
        loop {
            match self.socket.read(room) {
                Ok(count) => {
                    self.ended |= count == 0 && !room.is_empty();
                    return Ok(Some(count));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    return Ok(None);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
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
