//! Calling: the endpoint's OPEN becomes message 1.

use crate::{
    seal::{CheckKey, Initiator, KeyPair, Provider, Secret, Transport, initiation::Call},
    wire::{
        rdt::Own,
        seal::{ConnectionId, Cookie, Init1, Offer, Proof, Purpose, Suites},
    },
};
use heapless::Vec;

/// The longest OPEN or ACCEPT without its padding: 17 bytes and a magic.
pub(super) const OPEN_MAX: usize = 32;

/// The longest message 1 that is sent.
const MESSAGE_MAX: usize = 96 + 2 + OPEN_MAX;

/// How often a cookie is tried.
const COOKIE_USES: u8 = 2;

pub(super) struct Calling<V> {
    pub(super) call: Call,
    pub(super) attempt: Option<Attempt<V>>,
}

/// A handshake under way, for one OPEN of the endpoint's.
pub(super) struct Attempt<V> {
    pub(super) initiator: Initiator<V>,
    message: Vec<u8, MESSAGE_MAX>,
    /// The server's cookie, and how often it was used.
    cookie: Option<(Cookie, u8)>,
    open: Vec<u8, OPEN_MAX>,
    /// The most that INIT1 was padded to.
    size: usize,
}

impl<V: Provider> Calling<V> {
    /// The handshake for the OPEN in `plain`, which goes out in a datagram of `size` bytes: the one under way if it is
    /// the same, or a new one.
    pub(super) fn prepare(
        &mut self,
        own: &KeyPair<V>,
        (suites, largest): (Suites, u16),
        plain: &[u8],
        size: usize,
        ephemeral: Secret,
    ) -> Option<()> {
        let open = without_padding(plain)?;
        if self.attempt.as_ref().is_none_or(|attempt| attempt.open != open) {
            let cookie = self.attempt.take().and_then(|attempt| attempt.cookie);
            let attempt = Attempt::begin(&self.call, own, suites, largest, open, ephemeral)?;
            self.attempt = Some(Attempt { cookie, ..attempt });
        }
        // Who is asked for a cookie cannot know which of several sizes came through.
        self.attempt.as_mut().map(|attempt| attempt.size = attempt.size.max(size))
    }

    /// Writes INIT1 for the handshake under way, padded to `size` bytes, or to the most so far; its length.
    pub(super) fn emit(
        &mut self,
        client: ConnectionId,
        suites: Suites,
        size: Option<usize>,
        out: &mut [u8],
    ) -> Option<usize> {
        let attempt = self.attempt.as_mut()?;
        let size = size.unwrap_or(attempt.size);
        if let Some((_, uses)) = &mut attempt.cookie {
            *uses = uses.saturating_add(1);
        }
        // A server that was restarted is silent about a cookie that it does not know: ask for another.
        attempt.cookie = attempt.cookie.filter(|(_, uses)| *uses <= COOKIE_USES);
        let init1 = Init1 {
            suites,
            purpose: self.call.purpose,
            client,
            message: &attempt.message,
            cookie: attempt.cookie.map(|(cookie, _)| cookie),
        };
        let check = self.call.check::<V>();
        init1.emit(size, |covered| check.stamp(covered), out)
    }

    /// The server asks for this cookie; whether INIT1 is to be sent again, with it.
    pub(super) fn challenged(&mut self, cookie: Cookie, proof: &Proof<'_>) -> bool {
        if !CheckKey::<V>::new(&self.call.server, None).verify(proof) {
            return false;
        }
        // Nobody is asked for a cookie who has sent one: who forges this on the path, and knows the server's key, spoils
        // two calls of three.
        let Some(attempt) = self.attempt.as_mut().filter(|attempt| attempt.cookie.is_none()) else {
            return false;
        };
        attempt.cookie = Some((cookie, 0));
        true
    }
}

impl<V: Provider> Attempt<V> {
    fn begin(
        call: &Call,
        own: &KeyPair<V>,
        suites: Suites,
        largest: u16,
        open: Vec<u8, OPEN_MAX>,
        ephemeral: Secret,
    ) -> Option<Self> {
        if is_for_tcp(&call.purpose) {
            return None;
        }
        let mut message = Vec::new();
        message.resize(MESSAGE_MAX, 0).ok()?;
        let (terms, offer) = ((Transport::Datagrams, suites), Offer { largest, body: &open });
        let (initiator, length) = call.start(own, terms, &offer, ephemeral, &mut message).ok()?;
        message.truncate(length);
        Some(Self { initiator, message, cookie: None, open, size: 0 })
    }
}

/// Whether what a purpose has to say stands where the OPEN is.
pub(super) const fn is_for_tcp(purpose: &Purpose) -> bool {
    matches!(purpose, Purpose::Salt | Purpose::Enrol { .. })
}

/// An OPEN as it goes into message 1.
fn without_padding(plain: &[u8]) -> Option<Vec<u8, OPEN_MAX>> {
    let Some((number, packet @ Own::Open { .. })) = Own::parse(plain)? else { return None };
    emitted(number, &packet)
}

/// An ACCEPT as it goes into message 2.
pub(super) fn accept_without_padding(plain: &[u8]) -> Option<Vec<u8, OPEN_MAX>> {
    let Some((number, packet @ Own::Accept { .. })) = Own::parse(plain)? else { return None };
    emitted(number, &packet)
}

fn emitted(number: u32, packet: &Own<'_>) -> Option<Vec<u8, OPEN_MAX>> {
    let mut bytes = Vec::new();
    bytes.resize(OPEN_MAX, 0).ok()?;
    let length = packet.emit(number, &mut bytes)?;
    bytes.truncate(length);
    Some(bytes)
}
