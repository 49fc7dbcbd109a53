//! The same over one UDP socket: a bare datagram to each of so many, and the acknowledgement of each.

use std::{
    io::{self, IoSlice, IoSliceMut},
    net::{SocketAddr, UdpSocket},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSockRef, UdpSocketState};
use rustix::net::{
    MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg,
    sockopt::{set_socket_recv_buffer_size, set_socket_recv_buffer_size_force, set_socket_send_buffer_size},
};
use skep_core::{seal::datagram::OVERHEAD, wire::rdt::Own};

use super::{EVENT, PAUSE, ROUNDS, thread_nanoseconds};
use crate::crowd::{PER_SOCKET, address};

/// An event in a sealed datagram.
const DATAGRAM: usize = EVENT + Own::DATA_HEADER + OVERHEAD;
/// An acknowledgement of one.
const ACKNOWLEDGEMENT: usize = 24 + OVERHEAD;
const BUFFER: usize = 12 << 20;
/// Datagrams in a call that sends many.
const BATCH: usize = 64;

/// Sends one datagram to each receiver.
type Send = fn(&UdpSocket, &[SocketAddr]);

/// So many receivers, ten on a socket, as with `fanout rdt`.
pub(crate) fn floor(receivers: usize) {
    let socket = bind(SocketAddr::from(([127, 0, 0, 1], 0)));
    let others: Vec<_> = (0..receivers.div_ceil(PER_SOCKET)).map(|number| bind(address(number))).collect();
    let to: Vec<_> =
        (0..receivers).map(|number| others[number % others.len()].local_addr().unwrap()).collect();
    for (what, send) in [("sendmsg", one_by_one as Send), ("sendmmsg", many_at_once)] {
        measure(what, &socket, &others, &to, send);
    }
}

fn measure(what: &str, socket: &UdpSocket, others: &[UdpSocket], to: &[SocketAddr], send: Send) {
    let is_over = AtomicBool::new(false);
    let (mut sending, mut receiving) = (0, 0);
    thread::scope(|scope| {
        scope.spawn(|| answer(others, &is_over));
        let state = UdpSocketState::new(UdpSockRef::from(socket)).unwrap();
        for _ in 0..ROUNDS {
            let begin = thread_nanoseconds();
            send(socket, to);
            sending += thread_nanoseconds() - begin;
            // As a tracker that is behind: all acknowledgements are there.
            thread::sleep(PAUSE);
            let begin = thread_nanoseconds();
            let count = receive(socket, &state);
            receiving += thread_nanoseconds() - begin;
            assert_eq!(count, to.len(), "not everything came: is the socket's buffer too small?");
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let count = (ROUNDS * to.len()) as f64 * 1e9;
    println!(
        "{what} to {} receivers, {ROUNDS} times: {:.0} a CPU-second; with their acknowledgements received by \
         recvmmsg {:.0}",
        to.len(),
        count / sending as f64,
        count / (sending + receiving) as f64,
    );
}

fn bind(address: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind(address).unwrap();
    socket.set_nonblocking(true).unwrap();
    let _ = set_socket_recv_buffer_size_force(&socket, BUFFER)
        .or_else(|_| set_socket_recv_buffer_size(&socket, BUFFER));
    let _ = set_socket_send_buffer_size(&socket, BUFFER);
    socket
}

fn one_by_one(socket: &UdpSocket, to: &[SocketAddr]) {
    for to in to {
        socket.send_to(&[1; DATAGRAM], to).unwrap();
    }
}

fn many_at_once(socket: &UdpSocket, to: &[SocketAddr]) {
    let bytes = [1; DATAGRAM];
    for to in to.chunks(BATCH) {
        let addresses: Vec<SocketAddrAny> = to.iter().map(|to| (*to).into()).collect();
        let slices = [IoSlice::new(&bytes)];
        let mut controls: Vec<_> = to.iter().map(|_| SendAncillaryBuffer::default()).collect();
        let mut messages: Vec<_> = addresses
            .iter()
            .zip(&mut controls)
            .map(|(to, control)| MMsgHdr::new_with_addr(to, &slices, control))
            .collect();
        assert_eq!(sendmmsg(socket, &mut messages, SendFlags::empty()), Ok(to.len()));
    }
}

fn receive(socket: &UdpSocket, state: &UdpSocketState) -> usize {
    let mut room = vec![0; BATCH_SIZE << 16];
    let mut meta = [RecvMeta::default(); BATCH_SIZE];
    let mut datagrams = 0;
    loop {
        let mut slices: Vec<_> = room.chunks_mut(1 << 16).map(IoSliceMut::new).collect();
        match state.recv(UdpSockRef::from(socket), &mut slices, &mut meta) {
            Ok(count) => {
                datagrams += meta[..count].iter().map(|meta| meta.len.div_ceil(meta.stride)).sum::<usize>();
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return datagrams,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Answers each datagram.
fn answer(sockets: &[UdpSocket], is_over: &AtomicBool) {
    let mut room = [0; 2_048];
    while !is_over.load(Ordering::Relaxed) {
        for socket in sockets {
            while let Ok((_, from)) = socket.recv_from(&mut room) {
                socket.send_to(&[2; ACKNOWLEDGEMENT], from).unwrap();
            }
        }
        thread::sleep(Duration::from_millis(1));
    }
}
