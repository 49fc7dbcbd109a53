//! The check of a first message: garbage is told apart for the price of a hash, not of a key agreement.
//!
//! ```text
//!  key   = BLAKE2s("skep check" || public key of the responder || pre-shared key, if the purpose has one)
//!  check = first 16 bytes of BLAKE2s(key || 32 bytes of zero || everything in the packet before the check)
//! ```
//!
//! Who does not know the responder's public key cannot make one: a port stays silent to a scan. Who does not
//! know the pre-shared key of the invitation or of the introduction cannot either: nobody can make the
//! responder calculate for these but whom they were given to. It says nothing about who sent the packet, and
//! replays pass it; the handshake is what authenticates. WireGuard's mac1 is the precedent.
//!
//! The zeros fill the first block, so that the key stands in a block of its own, as in keyed BLAKE2s (RFC
//! 7693).

use super::{Provider, Psk, Public, RustCrypto, Secret};
use crate::wire::seal::Proof;
use core::marker::PhantomData;
use subtle::ConstantTimeEq;

/// The length of a check in bytes.
pub const CHECK_LENGTH: usize = 16;

/// The key of the checks for one responder, and for one pre-shared key where there is one. Worth keeping:
/// making it costs as much as making a check.
#[derive(Clone, Debug)]
pub struct CheckKey<P = RustCrypto> {
    key: Secret,
    provider: PhantomData<P>,
}

impl<P: Provider> CheckKey<P> {
    /// The key for messages to `responder`.
    pub fn new(responder: &Public, psk: Option<&Psk>) -> Self {
        let psk: &[u8] = psk.map_or(&[], |psk| psk.expose());
        let key = Secret::take(&mut P::hash(&[b"skep check", responder.as_bytes(), psk]));
        Self { key, provider: PhantomData }
    }

    /// The check over everything that stands before it.
    pub fn stamp(&self, covered: &[u8]) -> [u8; CHECK_LENGTH] {
        let hash = P::hash(&[self.key.expose(), &[0; 32], covered]);
        let mut check = [0; CHECK_LENGTH];
        for (to, from) in check.iter_mut().zip(hash) {
            *to = from;
        }
        check
    }

    /// Whether the check of a packet is right; in constant time.
    #[must_use]
    pub fn verify(&self, proof: &Proof<'_>) -> bool {
        self.stamp(proof.covered).ct_eq(proof.check).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{miri::fewer, seal::Tested};

    #[test]
    fn a_check_holds_for_these_bytes_this_responder_and_this_psk_only() {
        let key = |public, psk: Option<u8>| {
            let psk = psk.map(|byte| Psk::new(Secret::new([byte; 32])));
            CheckKey::<Tested>::new(&Public([public; 32]), psk.as_ref())
        };
        let check = key(1, Some(2)).stamp(b"covered");
        let proof = Proof { covered: b"covered", check: &check };
        assert!(key(1, Some(2)).verify(&proof));
        assert!(!key(2, Some(2)).verify(&proof));
        assert!(!key(1, Some(1)).verify(&proof));
        assert!(!key(1, None).verify(&proof));
        assert!(!key(1, Some(2)).verify(&Proof { covered: b"Covered", check: &check }));
        for place in (0..CHECK_LENGTH).step_by(fewer(1, 5)) {
            let mut check = check;
            check[place] ^= 1;
            assert!(!key(1, Some(2)).verify(&Proof { covered: b"covered", check: &check }));
        }
    }
}
