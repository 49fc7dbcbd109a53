//! The side that answers.

use super::{Prologue, symmetric::Symmetric};
use crate::{
    seal::{KeyPair, Keys, Provider, Psk, Public, Refused, RustCrypto, Secret},
    wire::seal::Pattern,
};

/// What the responder knows before message 1 comes.
pub enum ResponderKeys<'k, P = RustCrypto> {
    /// Its own static key.
    Ik {
        /// Its own.
        own: &'k KeyPair<P>,
    },
    /// Its own static key.
    Nk {
        /// Its own.
        own: &'k KeyPair<P>,
    },
    /// Its own static key, and a pre-shared one.
    NkPsk0 {
        /// Its own.
        own: &'k KeyPair<P>,
        /// The pre-shared key.
        psk: &'k Psk,
    },
    /// Both static keys, and a pre-shared one.
    KkPsk0 {
        /// Its own.
        own: &'k KeyPair<P>,
        /// The initiator's.
        peer: &'k Public,
        /// The pre-shared key.
        psk: &'k Psk,
    },
}

impl<'k, P> ResponderKeys<'k, P> {
    const fn parts(&self) -> (Pattern, &'k KeyPair<P>, Option<&'k Public>, Option<&'k Psk>) {
        match *self {
            Self::Ik { own } => (Pattern::Ik, own, None, None),
            Self::Nk { own } => (Pattern::Nk, own, None, None),
            Self::NkPsk0 { own, psk } => (Pattern::NkPsk0, own, None, Some(psk)),
            Self::KkPsk0 { own, peer, psk } => (Pattern::KkPsk0, own, Some(peer), Some(psk)),
        }
    }
}

/// A handshake whose message 1 was read and is to be answered.
pub struct Responder<P = RustCrypto> {
    symmetric: Symmetric<P>,
    pattern: Pattern,
    ephemeral: Public,
    initiator: Option<Public>,
}

impl<P: Provider> Responder<P> {
    /// Reads message 1: a responder, and how long the payload is, which is at the beginning of `payload`.
    /// Costs one multiplication on the curve, two when the initiator has a static key.
    ///
    /// # Errors
    /// [`Refused::Malformed`] when the keys are not those of the prologue's purpose; [`Refused::Length`] when
    /// the message is shorter than [`first_overhead`](super::first_overhead), or `payload` is too short;
    /// [`Refused::Key`],
    /// [`Refused::Forged`]: also when the prologue is another, or the message was made for another responder.
    pub fn read(
        keys: &ResponderKeys<'_, P>,
        prologue: &Prologue,
        message: &[u8],
        payload: &mut [u8],
    ) -> Result<(Self, usize), Refused> {
        if prologue.purpose.pattern() != keys.parts().0 {
            return Err(Refused::Malformed);
        }
        Self::read_with(keys, &prologue.bytes(), message, payload)
    }

    /// The same with any prologue.
    pub(super) fn read_with(
        keys: &ResponderKeys<'_, P>,
        prologue: &[u8],
        message: &[u8],
        payload: &mut [u8],
    ) -> Result<(Self, usize), Refused> {
        let (pattern, own, mut initiator, psk) = keys.parts();
        if message.len() < super::first_overhead(pattern) {
            return Err(Refused::Length);
        }
        let mut symmetric = Symmetric::<P>::new(pattern, prologue);
        if let Some(initiator) = initiator {
            symmetric.mix_hash(initiator.as_bytes());
        }
        symmetric.mix_hash(own.public().as_bytes());
        if let Some(psk) = psk {
            symmetric.mix_psk(psk);
        }
        // e
        let (ephemeral, mut sealed) = message.split_first_chunk::<32>().ok_or(Refused::Length)?;
        symmetric.mix_ephemeral(pattern, ephemeral);
        let ephemeral = Public(*ephemeral);
        // es
        let prepared = P::private(own.secret());
        let mut key = symmetric.mix_agreement(&prepared, &ephemeral)?;
        // s
        let mut sent = Public([0; 32]);
        if pattern == Pattern::Ik {
            let (public, rest) = sealed.split_first_chunk::<48>().ok_or(Refused::Length)?;
            symmetric.decrypt(&key, public, &mut sent.0)?;
            initiator = Some(&sent);
            sealed = rest;
        }
        // ss
        if let Some(initiator) = initiator {
            key = symmetric.mix_agreement(&prepared, initiator)?;
        }
        let length = symmetric.decrypt(&key, sealed, payload)?;
        Ok((Self { symmetric, pattern, ephemeral, initiator: initiator.copied() }, length))
    }

    /// The initiator's static key, in the patterns that have one. It is proven for good only when the first
    /// datagram or record from the initiator opens.
    pub const fn initiator(&self) -> Option<&Public> {
        self.initiator.as_ref()
    }

    /// Writes message 2 with this payload to the beginning of `out`: the keys, and how long it is.
    /// `ephemeral` is 32 fresh random bytes. Costs two multiplications on the curve, three when the initiator
    /// has a static key.
    ///
    /// # Errors
    /// [`Refused::Key`] when a key of the initiator is none; [`Refused::Length`] when `out` is shorter than
    /// the payload and [`SECOND_OVERHEAD`](super::SECOND_OVERHEAD).
    pub fn answer(
        mut self,
        ephemeral: Secret,
        payload: &[u8],
        out: &mut [u8],
    ) -> Result<(Keys, usize), Refused> {
        let length = super::SECOND_OVERHEAD.checked_add(payload.len()).ok_or(Refused::Length)?;
        let out = out.get_mut(..length).ok_or(Refused::Length)?;
        let ephemeral = P::private(&ephemeral);
        // e
        let (public, out) = out.split_first_chunk_mut::<32>().ok_or(Refused::Length)?;
        *public = P::public(&ephemeral).0;
        self.symmetric.mix_ephemeral(self.pattern, public);
        // ee
        let mut key = self.symmetric.mix_agreement(&ephemeral, &self.ephemeral)?;
        // se
        if let Some(initiator) = &self.initiator {
            key = self.symmetric.mix_agreement(&ephemeral, initiator)?;
        }
        out.get_mut(..payload.len()).ok_or(Refused::Length)?.copy_from_slice(payload);
        self.symmetric.encrypt(&key, out)?;
        let Keys { send, receive, binding } = self.symmetric.split();
        Ok((Keys { send: receive, receive: send, binding }, length))
    }
}

impl<P> core::fmt::Debug for Responder<P> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Responder").field("initiator", &self.initiator).finish()
    }
}
