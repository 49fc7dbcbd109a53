//! The side that begins.

use super::{Prologue, symmetric::Symmetric};
use crate::{
    seal::{KeyPair, Keys, Provider, Psk, Public, Refused, RustCrypto, Secret},
    wire::seal::Pattern,
};

/// What the initiator knows before it begins.
pub enum InitiatorKeys<'k, P = RustCrypto> {
    /// Its own static key, and the responder's.
    Ik {
        /// Its own.
        own: &'k KeyPair<P>,
        /// The responder's.
        peer: &'k Public,
    },
    /// The responder's static key.
    Nk {
        /// The responder's.
        peer: &'k Public,
    },
    /// The responder's static key, and a pre-shared one.
    NkPsk0 {
        /// The responder's.
        peer: &'k Public,
        /// The pre-shared key.
        psk: &'k Psk,
    },
    /// Both static keys, and a pre-shared one.
    KkPsk0 {
        /// Its own.
        own: &'k KeyPair<P>,
        /// The responder's.
        peer: &'k Public,
        /// The pre-shared key.
        psk: &'k Psk,
    },
}

impl<'k, P> InitiatorKeys<'k, P> {
    const fn parts(&self) -> (Pattern, &'k Public, Option<&'k KeyPair<P>>, Option<&'k Psk>) {
        match *self {
            Self::Ik { own, peer } => (Pattern::Ik, peer, Some(own), None),
            Self::Nk { peer } => (Pattern::Nk, peer, None, None),
            Self::NkPsk0 { peer, psk } => (Pattern::NkPsk0, peer, None, Some(psk)),
            Self::KkPsk0 { own, peer, psk } => (Pattern::KkPsk0, peer, Some(own), Some(psk)),
        }
    }
}

/// A handshake that waits for message 2.
pub struct Initiator<P = RustCrypto> {
    /// Gone when the keys have been given.
    waiting: Option<Waiting<P>>,
}

struct Waiting<P> {
    symmetric: Symmetric<P>,
    pattern: Pattern,
    ephemeral: Secret,
    own: Option<Secret>,
}

impl<P: Provider> Initiator<P> {
    /// Writes message 1 with this payload to the beginning of `out`; how long it is. `ephemeral` is 32 fresh
    /// random bytes. Costs two multiplications on the curve, three when there is a static key of its own.
    ///
    /// To send the message again, send the same bytes again.
    ///
    /// # Errors
    /// [`Refused::Malformed`] when the keys are not those of the prologue's purpose, [`Refused::Key`] when
    /// the responder's is none, [`Refused::Length`] when `out` is shorter than the payload and
    /// [`first_overhead`](super::first_overhead).
    pub fn start(
        keys: &InitiatorKeys<'_, P>,
        prologue: &Prologue,
        ephemeral: Secret,
        payload: &[u8],
        out: &mut [u8],
    ) -> Result<(Self, usize), Refused> {
        if prologue.purpose.pattern() != keys.parts().0 {
            return Err(Refused::Malformed);
        }
        Self::start_with(keys, &prologue.bytes(), ephemeral, payload, out)
    }

    /// The same with any prologue.
    pub(super) fn start_with(
        keys: &InitiatorKeys<'_, P>,
        prologue: &[u8],
        ephemeral: Secret,
        payload: &[u8],
        out: &mut [u8],
    ) -> Result<(Self, usize), Refused> {
        let (pattern, peer, own, psk) = keys.parts();
        let length = super::first_overhead(pattern).checked_add(payload.len()).ok_or(Refused::Length)?;
        let out = out.get_mut(..length).ok_or(Refused::Length)?;
        let prepared = P::private(&ephemeral);
        let ephemeral_public = P::public(&prepared);
        let mut symmetric = Symmetric::<P>::new(pattern, prologue);
        if let (Pattern::KkPsk0, Some(own)) = (pattern, own) {
            symmetric.mix_hash(own.public().as_bytes());
        }
        symmetric.mix_hash(peer.as_bytes());
        if let Some(psk) = psk {
            symmetric.mix_psk(psk);
        }
        // e
        let (public, mut out) = out.split_first_chunk_mut::<32>().ok_or(Refused::Length)?;
        *public = ephemeral_public.0;
        symmetric.mix_ephemeral(pattern, public);
        // es
        let mut key = symmetric.mix_agreement(&prepared, peer)?;
        if let Some(own) = own {
            // s
            if pattern == Pattern::Ik {
                let (sealed, rest) = out.split_first_chunk_mut::<48>().ok_or(Refused::Length)?;
                *sealed.first_chunk_mut::<32>().ok_or(Refused::Length)? = *own.public().as_bytes();
                symmetric.encrypt(&key, sealed)?;
                out = rest;
            }
            // ss
            key = symmetric.mix_agreement(&P::private(own.secret()), peer)?;
        }
        out.get_mut(..payload.len()).ok_or(Refused::Length)?.copy_from_slice(payload);
        symmetric.encrypt(&key, out)?;
        let own = own.map(|own| own.secret().clone());
        drop(prepared);
        let waiting = Waiting { symmetric, pattern, ephemeral, own };
        Ok((Self { waiting: Some(waiting) }, length))
    }

    /// Reads message 2: the keys, and how long its payload is, which is at the beginning of `payload`. Costs
    /// one multiplication on the curve, two when there is a static key of its own.
    ///
    /// When it is refused the handshake is as it was, and waits on. When it is not, the handshake is over.
    ///
    /// # Errors
    /// [`Refused::Length`] when the message is shorter than [`SECOND_OVERHEAD`](super::SECOND_OVERHEAD), or
    /// `payload` is too short; [`Refused::Key`], [`Refused::Forged`]; [`Refused::Closed`] when the keys have
    /// been given already.
    pub fn finish(&mut self, message: &[u8], payload: &mut [u8]) -> Result<(Keys, usize), Refused> {
        let read = self.read(message, payload)?;
        self.waiting = None;
        Ok(read)
    }

    /// The same, and the handshake goes on waiting: over UDP message 2 may come again in a datagram of another size.
    pub(in crate::seal) fn read(&self, message: &[u8], payload: &mut [u8]) -> Result<(Keys, usize), Refused> {
        let waiting = self.waiting.as_ref().ok_or(Refused::Closed)?;
        let mut symmetric = waiting.symmetric.again();
        // e
        let (public, sealed) = message.split_first_chunk::<32>().ok_or(Refused::Length)?;
        symmetric.mix_ephemeral(waiting.pattern, public);
        let public = Public(*public);
        // ee
        let mut key = symmetric.mix_agreement(&P::private(&waiting.ephemeral), &public)?;
        // se
        if let Some(own) = &waiting.own {
            key = symmetric.mix_agreement(&P::private(own), &public)?;
        }
        let length = symmetric.decrypt(&key, sealed, payload)?;
        Ok((symmetric.split(), length))
    }
}

impl<P> core::fmt::Debug for Initiator<P> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Initiator").field("over", &self.waiting.is_none()).finish()
    }
}
