//! Message 1, whatever carries it: which keys its purpose takes, on both sides.
//!
//! ```text
//!   Call::start ── message 1 and the check of its packet ──► Host::known ── Host::read
//! ```

use super::{
    CheckKey, Initiator, InitiatorKeys, KeyPair, Prologue, Provider, Psk, Public, Refused, Responder,
    ResponderKeys, Secret, Transport, layer::Access,
};
use crate::wire::seal::{Offer, Proof, Purpose, Suites};

/// The longest name of an account that a salt is asked for, in bytes.
pub const ACCOUNT_MAX: usize = 64;

/// The longest payload of message 1 that is sent here: that of who asks for a salt.
const PAYLOAD_MAX: usize = 2 + ACCOUNT_MAX;

/// The longest message 1 that is sent here, in bytes.
pub(super) const MESSAGE_MAX: usize = 96 + PAYLOAD_MAX;

/// Whom to call, and as what.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Call {
    /// The server's public key, known beforehand.
    pub server: Public,
    /// What for.
    pub purpose: Purpose,
    /// The pre-shared key, for the purposes that have one.
    pub psk: Option<Psk>,
}

impl Call {
    /// Writes message 1 with this offer to the beginning of `out`; how long it is. `ephemeral` is 32 fresh random bytes.
    ///
    /// # Errors
    /// [`Refused::Malformed`] when the purpose needs a pre-shared key that is not there, [`Refused::Key`] when the
    /// server's key is none, [`Refused::Length`] when `out` is too small, or the offer too long.
    pub(super) fn start<V: Provider>(
        &self,
        own: &KeyPair<V>,
        (transport, suites): (Transport, Suites),
        offer: &Offer<'_>,
        ephemeral: Secret,
        out: &mut [u8],
    ) -> Result<(Initiator<V>, usize), Refused> {
        let peer = &self.server;
        let keys = match (&self.purpose, &self.psk) {
            (Purpose::Member, _) => InitiatorKeys::Ik { own, peer },
            (Purpose::Guest | Purpose::Salt, _) => InitiatorKeys::Nk { peer },
            (Purpose::Enrol { .. }, Some(psk)) => InitiatorKeys::NkPsk0 { peer, psk },
            (Purpose::Peer { .. }, Some(psk)) => InitiatorKeys::KkPsk0 { own, peer, psk },
            _ => return Err(Refused::Malformed),
        };
        let mut payload = [0; PAYLOAD_MAX];
        let used = offer.emit(&mut payload).ok_or(Refused::Length)?;
        let payload = payload.get(..used).ok_or(Refused::Length)?;
        let prologue = Prologue::new(transport, suites, self.purpose);
        Initiator::start(&keys, &prologue, ephemeral, payload, out)
    }

    /// The key of the checks that its packet carries.
    pub(super) fn check<V: Provider>(&self) -> CheckKey<V> {
        CheckKey::new(&self.server, self.psk.as_ref())
    }
}

/// A server's identity, and the key of its checks.
pub struct Host<'h, V> {
    /// Its key.
    pub own: &'h KeyPair<V>,
    /// [`CheckKey::new`] for it, without a pre-shared key.
    pub check: &'h CheckKey<V>,
}

/// What a purpose says of the keys of a call before message 1 is read: the caller's own, and the pre-shared one.
pub(super) type Known = (Option<Public>, Option<Psk>);

impl<V: Provider> Host<'_, V> {
    /// The keys that the purpose of a call names, if the check of its packet is right.
    pub(super) fn known(
        &self,
        purpose: &Purpose,
        proof: &Proof<'_>,
        access: &mut (impl Access + ?Sized),
    ) -> Option<Known> {
        let (key, psk) = match purpose {
            Purpose::Member | Purpose::Guest | Purpose::Salt => (None, None),
            Purpose::Enrol { invite } => (None, Some(access.invite(invite)?)),
            Purpose::Peer { introduction } => {
                let (key, psk) = access.introduction(introduction)?;
                (Some(key), Some(psk))
            }
        };
        let is_right = match &psk {
            None => self.check.verify(proof),
            Some(psk) => CheckKey::<V>::new(self.own.public(), Some(psk)).verify(proof),
        };
        is_right.then_some((key, psk))
    }

    /// Reads message 1; what it offers is in `payload`. `None`: it was not made for these keys, or offers nothing.
    pub(super) fn read<'p>(
        &self,
        (key, psk): &Known,
        prologue: &Prologue,
        message: &[u8],
        payload: &'p mut [u8],
    ) -> Option<(Responder<V>, Offer<'p>)> {
        let own = self.own;
        let keys = match (&prologue.purpose, key, psk) {
            (Purpose::Member, ..) => ResponderKeys::Ik { own },
            (Purpose::Guest | Purpose::Salt, ..) => ResponderKeys::Nk { own },
            (Purpose::Enrol { .. }, _, Some(psk)) => ResponderKeys::NkPsk0 { own, psk },
            (Purpose::Peer { .. }, Some(peer), Some(psk)) => ResponderKeys::KkPsk0 { own, peer, psk },
            _ => return None,
        };
        let (responder, used) = Responder::read(&keys, prologue, message, payload).ok()?;
        Some((responder, payload.get(..used).and_then(Offer::parse)?))
    }
}
