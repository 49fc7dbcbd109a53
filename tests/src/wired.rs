//! Who speaks datagrams, plugged into a cable: smoltcp's UDP below it, and nothing of skep's driver.

use crate::{
    Card, Member, Network, Seat, Tap,
    board::{ip, send, stack},
    cable::{PORT, udp},
};
use skep_core::Instant;
use skep_smoltcp::Stack;
use smoltcp::{iface::SocketHandle, socket::udp::Socket, wire::IpEndpoint};
use std::{any::Any, net::SocketAddr};

/// Datagrams that the socket holds.
const DATAGRAMS: usize = 64;

/// A member of a network of datagrams, on a cable.
pub struct Wired<M> {
    seat: Seat,
    stack: Stack<'static, Card>,
    socket: SocketHandle,
    /// Who it is.
    pub member: M,
    /// What it says.
    said: Tap,
}

impl<M: Member> Wired<M> {
    /// This member, on this seat.
    pub fn new(seat: Seat, member: M) -> Self {
        let mut stack = stack(seat, Card::default(), seat.0 as u64);
        let socket = udp(&mut stack, DATAGRAMS);
        stack.sockets.get_mut::<Socket<'_>>(socket).bind(PORT).unwrap();
        Self { seat, stack, socket, member, said: Tap::default() }
    }

    /// Where who sits here is called.
    pub fn address(seat: Seat) -> SocketAddr {
        SocketAddr::new(ip(seat).into(), PORT)
    }

    fn take(&mut self, now: Instant) {
        while self.stack.receive(now) {
            let socket = self.stack.sockets.get_mut::<Socket<'_>>(self.socket);
            while let Ok((datagram, meta)) = socket.recv() {
                self.member.arrive(now, meta.endpoint.into(), datagram);
            }
        }
    }
}

impl<M: Member> Member for Wired<M> {
    fn arrive(&mut self, _: Instant, _: SocketAddr, frame: &[u8]) {
        self.stack.device.arrive(frame);
    }

    fn poll(&mut self, now: Instant, network: &mut dyn Network) -> Option<Instant> {
        self.take(now);
        self.said.now = now;
        let deadline = self.member.poll(now, &mut self.said);
        let socket = self.stack.sockets.get_mut::<Socket<'_>>(self.socket);
        for (to, datagram) in self.said.sent.drain(..) {
            let SocketAddr::V4(to) = to else { panic!("{to} is not on this cable") };
            socket.send_slice(&datagram, IpEndpoint::from(to)).expect("room for what is said at once");
        }
        self.stack.transmit(now);
        while let Some(frame) = self.stack.device.leave() {
            send(self.seat, &frame, network);
        }
        let deadlines = [deadline, self.stack.deadline(now).filter(|at| *at > now)];
        deadlines.into_iter().flatten().min()
    }

    fn is_quiet(&self, now: Instant) -> bool {
        self.member.is_quiet(now)
    }

    fn check_over(&self) {
        self.member.check_over();
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
