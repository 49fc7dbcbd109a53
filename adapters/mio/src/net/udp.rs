//! A UDP socket that moves batches: many datagrams a system call, where the system can (GSO, GRO, recvmmsg).

use mio::net::UdpSocket;
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    io::{self, IoSliceMut},
    net::SocketAddr,
};

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
        Ok(Self { socket: UdpSocket::from_std(socket), state })
    }

    /// How many segments of `size` bytes the receive buffer surely holds. The kernel charges a datagram with its
    /// bookkeeping, about as much again.
    pub(crate) fn holds(&self, size: usize) -> u32 {
        let buffer = self.state.recv_buffer_size(UdpSockRef::from(&self.socket)).unwrap_or(0);
        (buffer / (2 * size.max(1))) as u32
    }

    /// How many datagrams one call can send.
    pub(crate) fn batch(&self) -> u16 {
        self.state.max_gso_segments().clamp(1, 64) as u16
    }

    /// Sends equal datagrams, back to back in `bytes`.
    pub(crate) fn send(&self, to: SocketAddr, bytes: &[u8], size: usize) -> io::Result<()> {
        let segment_size = (bytes.len() > size).then_some(size);
        let transmit = Transmit { destination: to, ecn: None, contents: bytes, segment_size, src_ip: None };
        self.state.try_send(UdpSockRef::from(&self.socket), &transmit)
    }

    /// Receives what has come, up to the batch's room; how many trains.
    pub(crate) fn receive(&self, trains: &mut Trains) -> io::Result<usize> {
        let mut slices: Vec<IoSliceMut<'_>> =
            trains.bytes.chunks_mut(TRAIN_MAX).map(IoSliceMut::new).collect();
        self.state.recv(UdpSockRef::from(&self.socket), &mut slices, &mut trains.meta)
    }
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
