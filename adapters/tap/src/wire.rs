//! The network card: a TAP device, or a link of datagrams with one frame in each.

mod tap;

use crate::args::{Args, Ends};
use skep::exit::Failure;
use smoltcp::{
    phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken},
    time::Instant,
};
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    net::UdpSocket,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::{fs::FileTypeExt, net::UnixDatagram},
    },
    path::{Path, PathBuf},
};

/// The largest frame, without the check sum that Ethernet puts behind it.
const FRAME: usize = 1_514;

/// What frames go over.
#[derive(Debug)]
enum Cable {
    Tap(File),
    Udp(UdpSocket),
    Unix(UnixEnd),
}

/// A link of Unix sockets: the own end, which has a name as long as it is there, and the name of the other.
#[derive(Debug)]
struct UnixEnd {
    socket: UnixDatagram,
    ends: Ends<PathBuf>,
}

impl UnixEnd {
    fn bind(ends: &Ends<PathBuf>) -> io::Result<Self> {
        let socket = match UnixDatagram::bind(&ends.local) {
            // One that was killed has left it.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_left(&ends.local)? => {
                fs::remove_file(&ends.local)?;
                UnixDatagram::bind(&ends.local)?
            }
            bound => bound?,
        };
        let end = Self { socket, ends: ends.clone() };
        end.socket.set_nonblocking(true)?;
        Ok(end)
    }
}

impl Drop for UnixEnd {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.ends.local);
    }
}

/// Whether nobody is at a Unix socket any more.
fn is_left(path: &Path) -> io::Result<bool> {
    let is_refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    let is_socket = fs::symlink_metadata(path)?.file_type().is_socket();
    Ok(is_socket && UnixDatagram::unbound()?.connect(path).is_err_and(is_refused))
}

/// A network card.
#[derive(Debug)]
pub(crate) struct Wire {
    cable: Cable,
    burst: Option<usize>,
    frame: [u8; FRAME],
    /// A frame for which there was no room: others wait until it has left.
    held: Option<Vec<u8>>,
}

impl Wire {
    /// The card that the command line names.
    pub(crate) fn open(args: &Args) -> Result<Self, Failure> {
        let cable = if let Some(name) = &args.tap {
            let tap = tap::open(name);
            let help = "is it there (ip tuntap add NAME mode tap), and are you allowed to use it?";
            Cable::Tap(tap.map_err(|error| Failure::network(format!("cannot use {name}: {error}; {help}")))?)
        } else if let Some(ends) = &args.udp {
            let opened = UdpSocket::bind(ends.local).and_then(|socket| {
                socket.connect(ends.remote)?;
                socket.set_nonblocking(true)?;
                Ok(Cable::Udp(socket))
            });
            opened.map_err(|error| Failure::cannot(format_args!("link to {}", ends.remote), &error))?
        } else if let Some(ends) = &args.unix {
            let bound = UnixEnd::bind(ends).map(Cable::Unix);
            bound.map_err(|error| Failure::cannot(format_args!("bind {}", ends.local.display()), &error))?
        } else {
            return Err(Failure::usage("name a network card: --tap, --udp or --unix"));
        };
        Ok(Self { cable, burst: args.burst.map(usize::from), frame: [0; FRAME], held: None })
    }

    /// Whether the other end has no room for what is to be sent.
    pub(crate) fn is_blocked(&self) -> bool {
        self.held.is_some()
    }

    fn send_held(&mut self) -> bool {
        self.held.take_if(|frame| self.cable.send(frame));
        self.held.is_none()
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.cable {
            Cable::Tap(file) => file.as_fd(),
            Cable::Udp(socket) => socket.as_fd(),
            Cable::Unix(end) => end.socket.as_fd(),
        }
    }
}

impl Cable {
    fn receive(&mut self, frame: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tap(file) => file.read(frame),
            Self::Udp(socket) => socket.recv(frame),
            Self::Unix(end) => end.socket.recv(frame),
        }
    }

    /// Sends a frame. `false`: the other end has no room for it now. Any other failure is a frame that is lost: the other
    /// end may not be there.
    fn send(&mut self, frame: &[u8]) -> bool {
        let sent = match self {
            Self::Tap(file) => file.write(frame),
            Self::Udp(socket) => socket.send(frame),
            Self::Unix(end) => end.socket.send_to(frame, &end.ends.remote),
        };
        !sent.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

/// A frame that came.
#[derive(Debug)]
pub(crate) struct Came<'w>(&'w [u8]);

/// The way out.
#[derive(Debug)]
pub(crate) struct Way<'w> {
    cable: &'w mut Cable,
    held: &'w mut Option<Vec<u8>>,
}

impl RxToken for Came<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

impl TxToken for Way<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut frame = [0; FRAME];
        let frame = &mut frame[..length];
        let written = write(frame);
        // An answer to a frame that came does not wait for room twice.
        if self.held.is_none() && !self.cable.send(frame) {
            *self.held = Some(frame.to_vec());
        }
        written
    }
}

impl Device for Wire {
    type RxToken<'w> = Came<'w>;
    type TxToken<'w> = Way<'w>;

    fn receive(&mut self, _: Instant) -> Option<(Came<'_>, Way<'_>)> {
        // A link whose other end is not there says so by errors: then nothing has come.
        let length = self.cable.receive(&mut self.frame).ok()?;
        Some((Came(&self.frame[..length]), Way { cable: &mut self.cable, held: &mut self.held }))
    }

    fn transmit(&mut self, _: Instant) -> Option<Way<'_>> {
        self.send_held().then_some(Way { cable: &mut self.cable, held: &mut self.held })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME;
        capabilities.max_burst_size = self.burst;
        capabilities
    }
}
