//! The same over UDP sockets of this machine, in real time.

use crate::{Arrival, Network, Seat};
use skep_core::Instant;
use std::{
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    time::Duration,
};

/// How long to sleep when nothing has come.
const NAP: Duration = Duration::from_micros(50);
/// How long nothing has to come before nothing is under way.
const SILENCE: Duration = Duration::from_millis(5);

/// Sockets on 127.0.0.1.
pub struct Loopback {
    sockets: Vec<(UdpSocket, SocketAddr)>,
    origin: std::time::Instant,
    /// Whose turn it is to be asked first.
    turn: usize,
    active: std::cell::Cell<std::time::Instant>,
}

impl Loopback {
    /// No socket yet.
    #[expect(clippy::new_without_default, reason = "it reads the clock")]
    pub fn new() -> Self {
        let origin = std::time::Instant::now();
        Self { sockets: Vec::new(), origin, turn: 0, active: std::cell::Cell::new(origin) }
    }

    fn receive(&mut self, seat: usize) -> Option<Arrival> {
        let mut room = [0; 65_536];
        match self.sockets[seat].0.recv_from(&mut room) {
            Ok((length, from)) => {
                self.active.set(std::time::Instant::now());
                Some(Arrival { seat: Seat(seat), from, bytes: room[..length].to_vec() })
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("{error}"),
        }
    }
}

impl Network for Loopback {
    fn join(&mut self) -> Seat {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        let address = socket.local_addr().unwrap();
        self.sockets.push((socket, address));
        Seat(self.sockets.len() - 1)
    }

    fn seats(&self) -> usize {
        self.sockets.len()
    }

    fn address(&self, seat: Seat) -> SocketAddr {
        self.sockets[seat.0].1
    }

    fn now(&self) -> Instant {
        Instant::from_micros(self.origin.elapsed().as_micros() as u64)
    }

    fn send(&mut self, from: Seat, to: SocketAddr, datagram: &[u8]) {
        self.active.set(std::time::Instant::now());
        // A full socket buffer is as good as a lossy network.
        let _ = self.sockets[from.0].0.send_to(datagram, to);
    }

    fn next(&mut self, until: Option<Instant>) -> Option<Arrival> {
        loop {
            for _ in 0..self.sockets.len() {
                self.turn = (self.turn + 1) % self.sockets.len();
                if let Some(arrival) = self.receive(self.turn) {
                    return Some(arrival);
                }
            }
            match until {
                Some(until) if self.now() >= until => return None,
                None if self.is_idle() => return None,
                _ => std::thread::sleep(NAP),
            }
        }
    }

    fn next_at_once(&mut self, seat: Seat) -> Option<Arrival> {
        self.receive(seat.0)
    }

    fn is_idle(&self) -> bool {
        self.active.get().elapsed() > SILENCE
    }

    fn is_virtual(&self) -> bool {
        false
    }
}
