//! The cipher of a direction: the suite's, with its key, and the key after it.

use super::{Aead, Provider, Secret, TAG_LENGTH, hash::Hkdf};
use crate::wire::seal::Suite;

/// The cipher that one direction uses for a while.
pub(super) enum Cipher<P: Provider> {
    ChaCha(P::ChaCha),
    Aes(P::Aes),
}

impl<P: Provider> Cipher<P> {
    /// From the key that the handshake gave. `None`: the provider has no such suite.
    ///
    /// ChaCha20-Poly1305 takes the key as it is, as the Noise specification says. AES-128-GCM takes the first
    /// output of HKDF(key, "skep AES-128-GCM"): 16 bytes of key, 12 bytes of mask for the nonces, the rest
    /// unused.
    pub(super) fn new(suite: Suite, key: &Secret) -> Option<Self> {
        match suite {
            Suite::ChaCha => P::ChaCha::new(key).map(Self::ChaCha),
            Suite::Aes => P::Aes::new(&Hkdf::new::<P>(key, b"skep AES-128-GCM").first).map(Self::Aes),
        }
    }

    /// The cipher after this one: REKEY of the Noise specification, section 4.2: its material is what 32
    /// bytes of zero become under the number 2^64 - 1, which no text ever gets.
    pub(super) fn next(&self) -> Option<Self> {
        let mut material = [0; 32];
        self.seal(u64::MAX, &[], &mut material)?;
        let material = Secret::take(&mut material);
        match self {
            Self::ChaCha(_) => P::ChaCha::new(&material).map(Self::ChaCha),
            Self::Aes(_) => P::Aes::new(&material).map(Self::Aes),
        }
    }

    /// The cipher so many steps after this one, one at the least.
    pub(super) fn after(&self, steps: u64) -> Option<Self> {
        let mut cipher = self.next()?;
        for _ in 1..steps {
            cipher = cipher.next()?;
        }
        Some(cipher)
    }

    pub(super) fn seal(&self, number: u64, header: &[u8], text: &mut [u8]) -> Option<[u8; TAG_LENGTH]> {
        match self {
            Self::ChaCha(cipher) => cipher.seal(number, header, text),
            Self::Aes(cipher) => cipher.seal(number, header, text),
        }
    }

    pub(super) fn open(&self, number: u64, header: &[u8], text: &mut [u8], tag: &[u8; TAG_LENGTH]) -> bool {
        match self {
            Self::ChaCha(cipher) => cipher.open(number, header, text, tag),
            Self::Aes(cipher) => cipher.open(number, header, text, tag),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::RustCrypto;

    #[test]
    fn what_a_suite_seals_it_opens_and_nothing_else() {
        for suite in Suite::ALL {
            let Some(cipher) = Cipher::<RustCrypto>::new(suite, &Secret::new([1; 32])) else { continue };
            let mut text = *b"hello";
            let tag = cipher.seal(7, b"head", &mut text).unwrap();
            assert_ne!(&text, b"hello");
            let sealed = text;
            assert!(!cipher.open(8, b"head", &mut text, &tag));
            assert!(!cipher.open(7, b"haed", &mut text, &tag));
            assert!(!cipher.next().unwrap().open(7, b"head", &mut text, &tag));
            assert_eq!(text, sealed);
            assert!(cipher.open(7, b"head", &mut text, &tag));
            assert_eq!(&text, b"hello");
        }
    }

    #[cfg(not(feature = "aes"))]
    #[test]
    fn a_suite_that_is_not_built_in_is_absent() {
        assert!(Cipher::<RustCrypto>::new(Suite::Aes, &Secret::new([1; 32])).is_none());
        assert_eq!(size_of::<Cipher<RustCrypto>>(), 32);
    }
}
