//! What carries the bytes of a connection: a socket, or a stream by RDT in place of one.

use super::tunnel::Tunnel;
use mio::net::TcpStream;
use socket2::{SockRef, TcpKeepalive};
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr},
    time::Duration,
};

/// How long a connection may be quiet before the system asks whether its peer is still there, and how often then.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

#[derive(Debug)]
pub(crate) enum Wire {
    Socket(TcpStream),
    Tunnel(Box<Tunnel>),
}

impl Wire {
    /// Sets a new socket up.
    pub(crate) fn prepare(&self) {
        let Self::Socket(socket) = self else { return };
        // An answer must not wait for the acknowledgement of the one before it.
        let _ = socket.set_nodelay(true);
        // A peer that vanished while it waits for its turn is noticed by the system.
        let keepalive = TcpKeepalive::new().with_time(KEEP_ALIVE).with_interval(KEEP_ALIVE);
        let _ = SockRef::from(socket).set_tcp_keepalive(&keepalive);
    }

    /// The address of ours from which it goes, by itself.
    pub(crate) fn source(&self) -> Option<SocketAddr> {
        match self {
            Self::Socket(socket) => socket.local_addr().ok(),
            Self::Tunnel(_) => None,
        }
    }

    /// Whether a call has been answered by now.
    pub(crate) fn is_connected(&self) -> io::Result<bool> {
        match self {
            Self::Tunnel(tunnel) => Ok(tunnel.is_connected),
            Self::Socket(socket) => {
                if let Some(error) = socket.take_error()? {
                    return Err(error);
                }
                match socket.peer_addr() {
                    Ok(_) => Ok(true),
                    Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// The first byte that came, which stays where it is.
    pub(crate) fn peek(&self) -> io::Result<u8> {
        let mut first = [0];
        match self {
            // Nobody calls that way who has not said what he is.
            Self::Tunnel(_) => Err(io::ErrorKind::Unsupported.into()),
            Self::Socket(socket) => match socket.peek(&mut first)? {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                _ => Ok(first[0]),
            },
        }
    }

    /// Finishes our direction, when all that was written has gone on. `false`: it has not yet.
    pub(crate) fn finish(&self) -> bool {
        match self {
            // A peer that is gone already is found out by reading.
            Self::Socket(socket) => _ = socket.shutdown(Shutdown::Write),
            Self::Tunnel(tunnel) => return tunnel.leaving().is_empty(),
        }
        true
    }

    /// How many bytes that were written the other side has not acknowledged, as far as that is known.
    pub(crate) fn unacknowledged(&self) -> u64 {
        match self {
            Self::Socket(socket) => unacknowledged(socket),
            Self::Tunnel(tunnel) => tunnel.leaving().len() as u64,
        }
    }

    /// Makes the end of a socket one that the peer notices: a reset.
    pub(crate) fn abort(&self) {
        if let Self::Socket(socket) = self {
            let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
        }
    }
}

/// What the system keeps of a socket, to send or to send again.
#[cfg(target_os = "linux")]
fn unacknowledged(socket: &TcpStream) -> u64 {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the descriptor is that of a socket that is borrowed, and so open; the call writes one int, to where it is told.
    let outcome = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    if outcome == 0 { u64::try_from(bytes).unwrap_or(0) } else { 0 }
}

/// Elsewhere what the system took counts as if it had arrived.
#[cfg(not(target_os = "linux"))]
const fn unacknowledged(_: &TcpStream) -> u64 {
    0
}

impl Read for Wire {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Socket(socket) => socket.read(room),
            Self::Tunnel(tunnel) => tunnel.read(room),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Socket(socket) => socket.write(bytes),
            Self::Tunnel(tunnel) => tunnel.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
