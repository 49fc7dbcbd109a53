//! A UDP socket that moves batches: many datagrams a system call, where the system can (GSO, GRO, recvmmsg).

use self::source::Sources;
use mio::net::UdpSocket;
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    array,
    io::{self, IoSliceMut},
    net::SocketAddr,
};

#[cfg(target_os = "linux")]
mod many;
pub(crate) mod outgoing;
mod source;

/// What a socket's buffers are asked to be: a full window each way, bookkeeping included. The system gives what it
/// allows: on Linux, all of it to a privileged process, and to others `net.core.rmem_max` and `wmem_max`.
const BUFFER: usize = 12 << 20;

/// The largest datagram, and the largest train of datagrams that the system joins into one.
const TRAIN_MAX: usize = 65_535;

/// A socket with what is known about its abilities.
#[derive(Debug)]
pub(crate) struct Udp {
    pub(crate) socket: UdpSocket,
    state: UdpSocketState,
    /// The most datagrams that the system is given as one (GSO), if it takes so many.
    joined: usize,
    sources: Option<Sources>,
    /// Where the system sends nothing now, and why: the last such address.
    unsent: Option<(SocketAddr, io::Error)>,
}

impl Udp {
    /// Binds a socket. `[::]` takes IPv4 too.
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(false)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let socket = std::net::UdpSocket::from(socket);
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        // A smaller buffer than wished for costs rate, not correctness: the window follows what was granted.
        #[cfg(target_os = "linux")]
        let is_forced = rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, BUFFER).is_ok();
        #[cfg(not(target_os = "linux"))]
        let is_forced = false;
        if !is_forced {
            let _ = state.set_recv_buffer_size(UdpSockRef::from(&socket), BUFFER);
        }
        let _ = state.set_send_buffer_size(UdpSockRef::from(&socket), BUFFER);
        Ok(Self {
            socket: UdpSocket::from_std(socket),
            state,
            joined: usize::MAX,
            sources: Sources::new(address),
            unsent: None,
        })
    }

    /// How many segments of `size` bytes the receive buffer surely holds. The kernel charges a datagram with its
    /// bookkeeping, about as much again.
    pub(crate) fn holds(&self, size: usize) -> u32 {
        let buffer = self.state.recv_buffer_size(UdpSockRef::from(&self.socket)).unwrap_or(0);
        (buffer / (2 * size.max(1))) as u32
    }

    /// Has the system join no datagrams.
    pub(crate) fn never_join(&mut self) {
        self.joined = 1;
    }

    /// Sends equal datagrams, back to back in `bytes`. What the system does not take is datagrams lost, which the endpoint can
    /// deal with.
    pub(crate) fn send<'b>(&mut self, to: SocketAddr, bytes: &'b [u8], size: usize) -> Sent<'b> {
        let (mut rest, mut is_too_long) = (bytes, false);
        while !rest.is_empty() {
            // Fewer, once the system has failed at it.
            let joined = self.state.max_gso_segments().min(self.joined);
            let (length, sent) = if joined > 1 {
                let length = rest.len().min(size.saturating_mul(joined));
                (length, self.send_train(to, &rest[..length], size))
            } else {
                let sent = self.send_each(rest.chunks(size).map(|datagram| (to, datagram)));
                (size.saturating_mul(*sent.as_ref().unwrap_or(&1)), sent.map(drop))
            };
            match sent {
                Err(error) if is_blocked(&error) => break,
                Err(error) => {
                    is_too_long |= says_too_long(&error);
                    self.refused(to, error);
                }
                Ok(()) => {}
            }
            rest = rest.get(length..).unwrap_or_default();
        }
        Sent { rest, is_too_long }
    }

    /// Sends datagrams that the system takes as one and divides.
    fn send_train(&mut self, to: SocketAddr, contents: &[u8], size: usize) -> io::Result<()> {
        let segment_size = (contents.len() > size).then_some(size);
        let (destination, src_ip) = self.sources.as_ref().map_or((to, None), |sources| sources.of(to));
        let socket = UdpSockRef::from(&self.socket);
        let mut transmit = Transmit { destination, ecn: None, contents, segment_size, src_ip };
        match self.state.try_send(socket, &transmit) {
            Err(error) if src_ip.is_some() && !is_blocked(&error) && !says_too_long(&error) => {
                // The address may have gone from the host. Sealed sessions go on from another one; and that is no reason to
                // join no datagrams for anybody from now on.
                self.state = UdpSocketState::new(UdpSockRef::from(&self.socket))?;
                transmit.src_ip = None;
                self.state.try_send(UdpSockRef::from(&self.socket), &transmit)
            }
            sent => sent,
        }
    }

    /// Sends the first datagrams of these in one system call, where there is one for that: how many, at least one. An error
    /// is that of the first one.
    fn send_each<'b>(
        &mut self,
        datagrams: impl Iterator<Item = (SocketAddr, &'b [u8])> + Clone,
    ) -> io::Result<usize> {
        #[cfg(target_os = "linux")]
        match many::send(&self.socket, self.sources.as_ref(), datagrams.clone()) {
            Err(error) if !is_blocked(&error) => {}
            sent => return sent,
        }
        let mut datagrams = datagrams;
        let Some((to, datagram)) = datagrams.next() else { return Ok(1) };
        self.send_train(to, datagram, datagram.len()).map(|()| 1)
    }

    /// The system has refused a datagram.
    fn refused(&mut self, to: SocketAddr, error: io::Error) {
        if has_no_way(&error) {
            self.unsent = Some((to, error));
        }
    }

    /// Where the system has sent nothing since the last call of this, and why.
    pub(crate) fn take_unsent(&mut self) -> Option<(SocketAddr, io::Error)> {
        self.unsent.take()
    }

    /// Notes that this address is called.
    pub(crate) fn call(&mut self, to: SocketAddr) {
        if let Some(sources) = &mut self.sources {
            sources.call(to);
        }
    }

    /// Whether nothing waits any more behind so many trains that came at once: of a batch that is not full, Linux has found
    /// that. Elsewhere trains may come one by one, until there is none.
    pub(crate) const fn are_last(trains: usize) -> bool {
        cfg!(target_os = "linux") && trains < BATCH_SIZE
    }

    /// Receives what has come, up to the batch's room; how many trains.
    pub(crate) fn receive(&mut self, trains: &mut Trains) -> io::Result<usize> {
        let mut rooms = trains.bytes.chunks_mut(TRAIN_MAX);
        let mut slices: [_; BATCH_SIZE] =
            array::from_fn(|_| IoSliceMut::new(rooms.next().unwrap_or_default()));
        let count = self.state.recv(UdpSockRef::from(&self.socket), &mut slices, &mut trains.meta)?;
        if let Some(sources) = &mut self.sources {
            for meta in &mut trains.meta[..count] {
                meta.addr = meta.dst_ip.map_or(meta.addr, |called| sources.note(meta.addr, called));
            }
        }
        Ok(count)
    }
}

/// What became of datagrams that a socket was given.
#[derive(Debug)]
pub(crate) struct Sent<'b> {
    /// What is left of them, when the socket takes no more for now.
    pub(crate) rest: &'b [u8],
    /// The system refused one: longer than the interface carries.
    pub(crate) is_too_long: bool,
}

fn is_blocked(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// Whether the system knows no way to the address, or forbids it. Others of its refusals are about the one datagram.
fn has_no_way(error: &io::Error) -> bool {
    use io::ErrorKind::{
        AddrNotAvailable, HostUnreachable, NetworkDown, NetworkUnreachable, PermissionDenied,
    };
    matches!(
        error.kind(),
        AddrNotAvailable | HostUnreachable | NetworkDown | NetworkUnreachable | PermissionDenied
    )
}

fn says_too_long(error: &io::Error) -> bool {
    #[cfg(unix)]
    let too_long = libc::EMSGSIZE;
    #[cfg(windows)]
    let too_long = 10_040; // WSAEMSGSIZE
    error.raw_os_error() == Some(too_long)
}

/// Room for a batch of received trains of datagrams.
#[derive(Debug)]
pub(crate) struct Trains {
    bytes: Vec<u8>,
    meta: [RecvMeta; BATCH_SIZE],
}

impl Trains {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; TRAIN_MAX * BATCH_SIZE], meta: [RecvMeta::default(); BATCH_SIZE] }
    }

    /// The datagrams of the first `count` trains, with their senders.
    pub(crate) fn datagrams(&mut self, count: usize) -> impl Iterator<Item = (SocketAddr, &mut [u8])> {
        let trains = self.bytes.chunks_mut(TRAIN_MAX).zip(&self.meta).take(count);
        trains.flat_map(|(bytes, meta)| {
            let length = meta.len.min(bytes.len());
            bytes[..length].chunks_mut(meta.stride.max(1)).map(|datagram| (meta.addr, datagram))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_batch_arrives_as_its_datagrams_whether_the_system_joins_them_or_not() {
        for singly in [false, true] {
            let mut from = Udp::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
            if singly {
                from.never_join();
            }
            let to = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let bytes: Vec<u8> = (0..=249).collect();
            assert!(from.send(to.local_addr().unwrap(), &bytes, 100).rest.is_empty());
            for datagram in bytes.chunks(100) {
                let mut room = [0; 200];
                let length = to.recv(&mut room).unwrap();
                assert_eq!(&room[..length], datagram);
            }
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_batch_that_is_not_full_is_the_last_one() {
        let from = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut to = Udp::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let mut trains = Trains::new();
        for (sent, calls) in [(1, 1), (BATCH_SIZE - 1, 1), (BATCH_SIZE, 2), (BATCH_SIZE + 1, 2)] {
            for _ in 0..sent {
                from.send_to(b"alone", to.socket.local_addr().unwrap()).unwrap();
            }
            let mut received = 0;
            for call in 1..=calls {
                let count = to.receive(&mut trains).unwrap_or(0);
                received += trains.datagrams(count).count();
                assert_eq!(Udp::are_last(count), call == calls, "{sent}");
            }
            assert_eq!(received, sent);
            assert!(to.receive(&mut trains).is_err_and(|error| is_blocked(&error)));
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn who_called_an_address_that_has_gone_is_answered_from_another_one() {
        let Ok(to) = std::net::UdpSocket::bind("[::1]:0") else { return };
        to.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
        let mut from = Udp::bind("[::]:0".parse().unwrap()).unwrap();
        let joined = from.state.max_gso_segments();
        let peer =
            from.sources.as_mut().unwrap().pretend(to.local_addr().unwrap(), "2001:db8::7".parse().unwrap());
        for size in [6, 3] {
            assert!(from.send(peer, b"answer", size).rest.is_empty());
            for part in b"answer".chunks(size) {
                let mut room = [0; 8];
                let length = to.recv(&mut room).unwrap();
                assert_eq!(&room[..length], part);
            }
            assert_eq!(from.state.max_gso_segments(), joined);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_the_system_does_not_take_for_its_length_is_told() {
        let mut from = Udp::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let to = from.socket.local_addr().unwrap();
        for (length, is_too_long) in [(1_452, false), (65_520, true)] {
            let bytes = vec![0; length];
            let sent = from.send(to, &bytes, length);
            assert!(sent.rest.is_empty() && sent.is_too_long == is_too_long, "{length}");
        }
    }
}
