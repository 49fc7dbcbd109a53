//! What a node needs to run sealed: an identity, a layer, and who may come in.

use crate::host::{self, HostLayer};
use skep_core::{
    Instant, guard,
    rdt::{self, Envelope, Peer},
    seal::{
        KeyPair, Psk, Public, RustCrypto, Secret, TAG_LENGTH,
        datagram::{FRONT, OVERHEAD},
        layer::{self, Access, Call, Caller, Decision},
    },
    wire::{
        rdt::Own,
        seal::{Purpose, Suite},
    },
};
use std::net::SocketAddr;

/// The invitation that every server here has given out.
pub const INVITE: Purpose = Purpose::Enrol { invite: *b"invitatn" };
/// The introduction that every server here knows of: of the identity 1.
pub const INTRODUCTION: Purpose = Purpose::Peer { introduction: *b"introduction-16b" };

/// The key pair with this number.
pub fn identity(number: u8) -> KeyPair<RustCrypto> {
    KeyPair::new(Secret::new([number; 32]))
}

/// A call to the server with the identity 0.
pub fn call(purpose: Purpose) -> Call {
    let psk = matches!(purpose, INVITE | INTRODUCTION).then(psk);
    Call { server: *identity(0).public(), purpose, psk }
}

fn psk() -> Psk {
    Psk::new(Secret::new([0x55; 32]))
}

/// The same settings behind a layer.
pub fn sealed_settings(settings: rdt::Settings) -> rdt::Settings {
    let envelope = Envelope { front: FRONT as u8, back: TAG_LENGTH as u8 };
    rdt::Settings { envelope, half_open: guard::HALF_OPEN_LIFE.into(), ..settings }
}

/// Who may come in.
#[derive(Clone, Copy, Debug)]
pub struct Doors {
    /// Whether anybody may.
    pub are_open: bool,
    /// How often that was asked.
    pub asked: u64,
}

impl Access for Doors {
    fn decide(&mut self, _: &Caller, _: bool) -> Decision {
        self.asked += 1;
        Decision::admit_if(self.are_open)
    }

    fn invite(&mut self, id: &[u8; 8]) -> Option<Psk> {
        (INVITE.id() == id).then(psk)
    }

    fn introduction(&mut self, id: &[u8; 16]) -> Option<(Public, Psk)> {
        (INTRODUCTION.id() == id).then(|| (*identity(1).public(), psk()))
    }
}

/// A layer and its doors.
pub struct Seal {
    /// The layer.
    pub layer: HostLayer,
    /// Who may come in.
    pub doors: Doors,
    purpose: Purpose,
}

impl Seal {
    /// For the endpoint with these settings; who calls with it does it with this purpose.
    pub fn new(number: u8, settings: &rdt::Settings, seed: u64, purpose: Purpose) -> Self {
        let largest = usize::from(settings.terms.segment) + Own::DATA_HEADER + OVERHEAD;
        let rules = layer::Settings {
            suites: &[Suite::ChaCha],
            largest: largest as u16,
            guard: guard::Settings::HOST,
        };
        let mut secret = [number; 32];
        secret[..8].copy_from_slice(&seed.to_le_bytes());
        let layer = host::layer(rules, identity(number), Secret::new(secret));
        Self { layer, doors: Doors { are_open: true, asked: 0 }, purpose }
    }

    /// Whom the endpoint is to call, to reach the server with the identity 0.
    pub fn connect(&mut self, now: Instant, to: SocketAddr) -> Option<Peer> {
        self.layer.connect(now, to, call(self.purpose))
    }

    /// A plain packet out of a datagram.
    pub fn receive<'d>(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &'d mut [u8],
    ) -> Option<(Peer, &'d [u8])> {
        self.layer.receive(now, from, datagram, &mut self.doors)
    }
}
