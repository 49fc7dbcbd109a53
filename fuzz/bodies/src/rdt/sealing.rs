//! The sealed transport under an endpoint, and the books of who was sent how much.

use crate::Choices;
use skep_core::{
    Cell, Instant, guard,
    rdt::{Peer, Transmit},
    seal::{
        KeyPair, Layer, Psk, Public, RustCrypto, Secret,
        layer::{Access, Call, Caller, Decision, Session, Settings},
    },
    table::Slot,
    wire::seal::{Purpose, Suite},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

type Small = Layer<RustCrypto, heapless::Vec<Slot<Session<RustCrypto>>, 4>, heapless::Vec<Cell, 4>, 2, 8>;

/// One side's layer.
pub(crate) struct Sealing {
    layer: Box<Small>,
    call: Call,
    /// The addresses that the caller is at or was at. It may have moved before its session began.
    others: BTreeSet<SocketAddr>,
    /// Bytes that came from an address, and bytes that went there.
    traffic: BTreeMap<SocketAddr, (usize, usize)>,
    /// A session has been confirmed: its peer's addresses have no bound any more.
    is_confirmed: bool,
    calls: bool,
}

/// Everybody may come in who knows the secrets.
struct Everybody;

impl Access for Everybody {
    fn decide(&mut self, _: &Caller, _: bool) -> Decision {
        Decision::Admit
    }

    fn invite(&mut self, _: &[u8; 8]) -> Option<Psk> {
        Some(psk())
    }

    fn introduction(&mut self, _: &[u8; 16]) -> Option<(Public, Psk)> {
        Some((*pair(1).public(), psk()))
    }
}

fn psk() -> Psk {
    Psk::new(Secret::new([3; 32]))
}

fn pair(number: u8) -> KeyPair<RustCrypto> {
    KeyPair::new(Secret::new([number; 32]))
}

impl Sealing {
    /// The layers of a caller and of who is called.
    pub(crate) fn pair(choices: &mut Choices<'_>) -> (Self, Self) {
        let suites = [&[Suite::ChaCha][..], &[Suite::Aes, Suite::ChaCha]][choices.below(2)];
        let calm_rate = [100, 0][choices.below(2)];
        let guard = guard::Settings { calm_rate, ..guard::Settings::HOST };
        let purpose = match choices.below(4) {
            0 => Purpose::Member,
            1 | 2 => Purpose::Guest,
            _ => Purpose::Peer { introduction: [1; 16] },
        };
        let psk = (!purpose.id().is_empty()).then(psk);
        let call = Call { server: *pair(2).public(), purpose, psk };
        let one = |number: u8| Self {
            layer: Box::new(Layer::new(
                Settings { suites, largest: 1_500, guard },
                pair(number),
                Secret::new(choices.key(number | 16)),
                heapless::Vec::new(),
                heapless::Vec::new(),
            )),
            call: call.clone(),
            others: BTreeSet::new(),
            traffic: BTreeMap::new(),
            is_confirmed: false,
            calls: number == 1,
        };
        (one(1), one(2))
    }

    pub(crate) fn connect(&mut self, now: Instant, to: SocketAddr) -> Peer {
        self.layer.connect(now, to, self.call.clone()).expect("an empty layer has room")
    }

    pub(crate) fn turn(&mut self, now: Instant, late: bool) {
        self.layer.turn(now, late);
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.layer.deadline()
    }

    pub(crate) fn ended(&mut self, now: Instant, peer: Peer) {
        self.layer.ended(now, peer);
    }

    /// Whether this is the one whose call counts, and not a stranger with a copy of it.
    pub(crate) fn is_caller(&self, peer: Peer) -> bool {
        self.layer.address(peer).is_some_and(is_true)
    }

    pub(crate) fn receive<'d>(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &'d mut [u8],
    ) -> Option<(Peer, &'d [u8])> {
        self.traffic.entry(from).or_default().0 += datagram.len();
        self.others.insert(from);
        let (peer, plain) = self.layer.receive(now, from, datagram, &mut Everybody)?;
        self.is_confirmed |= self.layer.is_confirmed(peer);
        Some((peer, plain))
    }

    pub(crate) fn seal(&mut self, transmit: &mut Transmit<'_>) -> Option<SocketAddr> {
        let to = self.layer.seal(transmit)?;
        self.note(to, transmit.bytes.len());
        Some(to)
    }

    pub(crate) fn poll(&mut self, now: Instant) -> Option<(SocketAddr, Vec<u8>)> {
        let mut room = vec![0; 1_500];
        let polled = self.layer.poll(now, &mut room);
        assert!(self.layer.deadline().is_none_or(|deadline| deadline > now), "the layer waits for the past");
        let (to, length) = polled?;
        room.truncate(length);
        self.note(to, length);
        Some((to, room))
    }

    /// So many bytes go there.
    fn note(&mut self, to: SocketAddr, length: usize) {
        assert!(self.calls || self.others.contains(&to), "an address from which nothing came");
        let (received, sent) = self.traffic.entry(to).or_default();
        *sent += length;
        let is_proven = self.calls || self.is_confirmed && is_true(to);
        assert!(is_proven || *sent <= *received, "more was sent to {to} than came from there");
    }
}

/// Whether a caller that is none of the strangers is here.
fn is_true(address: SocketAddr) -> bool {
    address.ip() == SocketAddr::from(([10, 0, 0, 1], 0)).ip()
}
