//! A peer that may come in, and then says what it likes.

use crate::{Host, Member, Seal, ServerNode, Sessions, Tap, own_settings, sealed_settings};
use skep_core::{
    Instant,
    rdt::{Peer, Transmit},
    seal::{TAG_LENGTH, datagram::FRONT},
    wire::{
        rdt::{Own, Pass, Terms},
        seal::Purpose,
    },
};
use std::net::SocketAddr;

/// The number of its connection.
const NUMBER: u32 = 7;

/// The peer: a session, and packets made by hand.
pub struct Rogue {
    seal: Seal,
    peer: Peer,
    server: SocketAddr,
    /// Where it is.
    pub address: SocketAddr,
    /// The plain packets that came to it.
    pub heard: Vec<Vec<u8>>,
}

impl Rogue {
    /// A peer that calls the server at that address; nothing was said yet.
    pub fn new(now: Instant, server: SocketAddr, purpose: Purpose) -> Self {
        let settings = sealed_settings(own_settings(64, 1_000));
        let mut seal = Seal::new(1, &settings, 1, purpose);
        let peer = seal.connect(now, server).expect("room for a session");
        Self { seal, peer, server, address: ([10, 0, 0, 66], 4_000).into(), heard: Vec::new() }
    }

    /// The datagram in which it says this, padded to `size`.
    pub fn datagram(&mut self, packet: &Own<'_>, size: usize) -> Vec<u8> {
        let mut bytes = vec![0; 2_000];
        let length = packet.emit(NUMBER, &mut bytes[FRONT..]).expect("a packet that fits");
        bytes.truncate(FRONT + length.max(size) + TAG_LENGTH);
        let size = bytes.len();
        let mut transmit = Transmit { to: self.peer, bytes: &mut bytes, size, load: None };
        assert_eq!(self.seal.layer.seal(&mut transmit), Some(self.server));
        transmit.bytes.to_vec()
    }

    /// Says this, and hears what comes back at once.
    pub fn tell(
        &mut self,
        now: Instant,
        packet: &Own<'_>,
        server: &mut ServerNode<Host, Sessions>,
        tap: &mut Tap,
    ) {
        let size = if let Own::Open { .. } = packet { 1_017 } else { 0 };
        let datagram = self.datagram(packet, size);
        server.arrive(now, self.address, &datagram);
        self.hear(now, server, tap);
    }

    /// Hears what the server has to say now.
    pub fn hear(&mut self, now: Instant, server: &mut ServerNode<Host, Sessions>, tap: &mut Tap) {
        tap.now = now;
        server.poll(now, tap);
        for (to, mut datagram) in tap.sent.drain(..) {
            if to == self.address
                && let Some((_, plain)) = self.seal.receive(now, self.server, &mut datagram)
            {
                self.heard.push(plain.to_vec());
            }
        }
    }

    /// Calls, and gives its sign of life.
    pub fn meet(
        &mut self,
        now: Instant,
        window: u32,
        server: &mut ServerNode<Host, Sessions>,
        tap: &mut Tap,
    ) {
        let terms = Terms { window, segment: 1_000 };
        let realm = server.endpoint.settings().magic;
        self.tell(now, &Own::Open { terms, realm, pass: Pass::NONE }, server, tap);
        assert!(matches!(Own::parse(&self.heard[0]), Some(Some((NUMBER, Own::Accept { .. })))));
        self.tell(now, &Own::Ping { token: 0 }, server, tap);
    }
}
