//! Calling: the endpoint's OPEN becomes message 1.

use crate::{
    seal::{
        Initiator, InitiatorKeys, KeyPair, Prologue, Provider, Psk, Public, Secret, Transport,
    },
    wire::{
        rdt::Own,
        seal::{Cookie, Offer, Purpose, Suites},
    },
};
use heapless::Vec;

/// The longest OPEN or ACCEPT without its padding: 17 bytes and a magic.
pub(super) const OPEN_MAX: usize = 32;

/// The longest message 1 that is sent.
const MESSAGE_MAX: usize = 96 + 2 + OPEN_MAX;

/// How often a cookie is tried.
const COOKIE_USES: u8 = 2;

/// Whom to call, and as what.
#[derive(Clone, Debug)]
pub struct Call {
    /// The server's public key, known beforehand.
    pub server: Public,
    /// What for.
    pub purpose: Purpose,
    /// The pre-shared key, for the purposes that have one.
    pub psk: Option<Psk>,
}

pub(super) struct Calling<V> {
    pub(super) call: Call,
    pub(super) attempt: Option<Attempt<V>>,
}

/// A handshake under way, for one OPEN of the endpoint's.
pub(super) struct Attempt<V> {
    pub(super) initiator: Initiator<V>,
    pub(super) message: Vec<u8, MESSAGE_MAX>,
    /// The server's cookie, and how often it was used.
    pub(super) cookie: Option<(Cookie, u8)>,
    open: Vec<u8, OPEN_MAX>,
}

impl<V: Provider> Calling<V> {
    /// The handshake for the OPEN in `plain`: the one under way if it is the same, or a new one.
    pub(super) fn attempt(
        &mut self,
        own: &KeyPair<V>,
        suites: Suites,
        largest: u16,
        plain: &[u8],
        ephemeral: Secret,
    ) -> Option<(&Attempt<V>, &Call)> {
        let open = without_padding(plain)?;
        let is_same = self.attempt.as_ref().is_some_and(|attempt| attempt.open == open);
        if !is_same {
            let cookie = self.attempt.take().and_then(|attempt| attempt.cookie);
            self.attempt = Some(self.call.begin(own, suites, largest, open, ephemeral, cookie)?);
        }
        let attempt = self.attempt.as_mut()?;
        if let Some((_, uses)) = &mut attempt.cookie {
            *uses = uses.saturating_add(1);
        }
        // A server that was restarted is silent about a cookie that it does not know: ask for another.
        attempt.cookie = attempt.cookie.filter(|(_, uses)| *uses <= COOKIE_USES);
        Some((attempt, &self.call))
    }
}

impl Call {
    fn begin<V: Provider>(
        &self,
        own: &KeyPair<V>,
        suites: Suites,
        largest: u16,
        open: Vec<u8, OPEN_MAX>,
        ephemeral: Secret,
        cookie: Option<(Cookie, u8)>,
    ) -> Option<Attempt<V>> {
        let peer = &self.server;
        let keys = match (&self.purpose, &self.psk) {
            (Purpose::Member, _) => InitiatorKeys::Ik { own, peer },
            (Purpose::Guest | Purpose::Salt, _) => InitiatorKeys::Nk { peer },
            (Purpose::Enrol { .. }, Some(psk)) => InitiatorKeys::NkPsk0 { peer, psk },
            (Purpose::Peer { .. }, Some(psk)) => InitiatorKeys::KkPsk0 { own, peer, psk },
            _ => return None,
        };
        let prologue =
            Prologue { transport: Transport::Datagrams, suites, purpose: self.purpose, context: [0; 32] };
        let mut payload = [0; OPEN_MAX + 2];
        let used = Offer { largest, body: &open }.emit(&mut payload)?;
        let mut message = Vec::new();
        message.resize(MESSAGE_MAX, 0).ok()?;
        let (initiator, length) =
            Initiator::start(&keys, &prologue, ephemeral, payload.get(..used)?, &mut message).ok()?;
        message.truncate(length);
        Some(Attempt { initiator, message, cookie, open })
    }
}

/// An OPEN as it goes into message 1.
fn without_padding(plain: &[u8]) -> Option<Vec<u8, OPEN_MAX>> {
    let Some((number, packet @ Own::Open { .. })) = Own::parse(plain)? else { return None };
    emitted(number, &packet)
}

/// An ACCEPT as it goes into message 2; or a RESET, when there is no room for the caller.
pub(super) fn answer_without_padding(plain: &[u8]) -> Option<Vec<u8, OPEN_MAX>> {
    let Some((number, packet @ (Own::Accept { .. } | Own::Reset))) = Own::parse(plain)? else { return None };
    emitted(number, &packet)
}

fn emitted(number: u32, packet: &Own<'_>) -> Option<Vec<u8, OPEN_MAX>> {
    let mut bytes = Vec::new();
    bytes.resize(OPEN_MAX, 0).ok()?;
    let length = packet.emit(number, &mut bytes)?;
    bytes.truncate(length);
    Some(bytes)
}
