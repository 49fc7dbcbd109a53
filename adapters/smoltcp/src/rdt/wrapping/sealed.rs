//! The sealed transport (docs/protocol.md section 7).

use super::Wrapping;
use crate::Origin;
use core::{net::SocketAddr, ops::Range};
use heapless::Vec;
use skep_core::{
    Cell, Instant, guard,
    rdt::{Envelope, Peer, Settings, Transmit},
    seal::{
        KeyPair, Layer, RustCrypto, Secret, TAG_LENGTH,
        datagram::FRONT,
        layer::{self, Access, Call, Counters, Session},
    },
    table::Slot,
    wire::seal::Suite,
};

type DeviceLayer<const SESSIONS: usize> = Layer<
    RustCrypto,
    Vec<Slot<Session<RustCrypto>>, SESSIONS>,
    Vec<Cell, SESSIONS>,
    { guard::DEVICE_SLOTS },
    { guard::DEVICE_BUCKETS },
>;

/// Sealed, with room for `SESSIONS` sessions: [`guard::DEVICE_SLOTS`] more than are to be open at once. `A` says who
/// may come in.
#[derive(Debug)]
pub struct Sealed<A, const SESSIONS: usize> {
    layer: DeviceLayer<SESSIONS>,
    /// Who may come in.
    pub access: A,
}

/// What suits a device: ChaCha20-Poly1305 alone, and one key agreement a turn.
pub const fn device_settings() -> layer::Settings {
    layer::Settings {
        suites: &[Suite::ChaCha],
        largest: super::super::DATAGRAM as u16,
        guard: guard::Settings::DEVICE,
    }
}

impl<A, const SESSIONS: usize> Sealed<A, SESSIONS> {
    /// For who has the key pair `own`. `seed` must be 32 random bytes, secret, and others at every start.
    pub fn new(settings: layer::Settings, own: KeyPair<RustCrypto>, seed: Secret, access: A) -> Self {
        Self { layer: Layer::new(settings, own, seed, Vec::new(), Vec::new()), access }
    }

    /// What it has done and seen.
    pub const fn counters(&self) -> Counters {
        self.layer.counters()
    }

    /// How many sessions there are, those whose connections have ended within three seconds among them.
    pub const fn count(&self) -> usize {
        self.layer.count()
    }

    pub(crate) fn connect(&mut self, now: Instant, to: SocketAddr, call: Call) -> Option<Peer> {
        self.layer.connect(now, to, call)
    }
}

impl<A: Access, const SESSIONS: usize> Wrapping for Sealed<A, SESSIONS> {
    const ENVELOPE: Envelope = Envelope { front: FRONT as u8, back: TAG_LENGTH as u8 };

    fn adjust(settings: &mut Settings) {
        // The session of who does not confirm it is freed by then.
        settings.half_open = guard::HALF_OPEN_LIFE.into();
    }

    fn receive(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &mut [u8],
    ) -> Option<(Peer, Range<usize>)> {
        let start = datagram.as_ptr();
        let (peer, plain) = self.layer.receive(now, from, datagram, &mut self.access)?;
        let offset = (plain.as_ptr() as usize).saturating_sub(start as usize);
        Some((peer, offset..offset.saturating_add(plain.len())))
    }

    fn take_moved(&mut self) -> Option<(Peer, SocketAddr)> {
        let peer = self.layer.take_moved()?;
        Some((peer, self.layer.address(peer)?))
    }

    fn seal(&mut self, transmit: &mut Transmit<'_>) -> Option<SocketAddr> {
        self.layer.seal(transmit)
    }

    fn poll(&mut self, now: Instant, room: &mut [u8]) -> Option<(SocketAddr, usize)> {
        self.layer.turn(now, false);
        self.layer.poll(now, room)
    }

    fn deadline(&self) -> Option<Instant> {
        self.layer.deadline()
    }

    fn origin(&self, peer: Peer) -> Option<Origin> {
        let caller = self.layer.caller(peer)?;
        Some(Origin::of(caller.address, caller))
    }

    fn ended(&mut self, now: Instant, peer: Peer) {
        self.layer.ended(now, peer);
    }
}
