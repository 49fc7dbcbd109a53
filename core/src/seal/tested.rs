//! The provider of the tests.

#[cfg(not(miri))]
pub(crate) type Tested = super::RustCrypto;

/// Miri is some ten thousand times slower than the machine, and a key agreement takes it seconds: with it, most tests
/// use primitives that protect nothing. The right ones have tests of their own, and so have handshakes by vectors and
/// with snow, datagrams and records by their bytes: Miri runs these too.
#[cfg(miri)]
pub(crate) enum Tested {}

#[cfg(miri)]
mod toys {
    use super::{
        super::{Absent, Aead, Provider, Public, Secret, TAG_LENGTH},
        Tested,
    };

    /// Diffie and Hellman over the field of this prime.
    const PRIME: u128 = (1 << 61) - 1;
    const BASE: u128 = 3;

    fn number(bytes: &[u8; 32]) -> u64 {
        bytes.first_chunk().copied().map_or(0, u64::from_le_bytes)
    }

    fn power(base: u128, exponent: u64) -> [u8; 32] {
        let mut power = 1;
        for bit in (0..u64::BITS).rev() {
            power = power * power % PRIME;
            if exponent >> bit & 1 == 1 {
                power = power * base % PRIME;
            }
        }
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&power.to_le_bytes());
        bytes
    }

    // Wide words: what counts is how many there are.
    const fn mixed(state: u128, word: u128) -> u128 {
        (state ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).rotate_left(61)
    }

    impl Provider for Tested {
        type ChaCha = Cipher;
        type Aes = Absent;
        type Numbers = [u64; crate::seal::datagram::WORDS];
        type Private<'k> = &'k Secret;

        fn private(secret: &Secret) -> &Secret {
            secret
        }

        fn public(private: &&Secret) -> Public {
            Public(power(BASE, number(private.expose())))
        }

        fn agree(private: &&Secret, public: &Public) -> Option<Secret> {
            let base = u128::from(number(&public.0)) % PRIME;
            (base != 0).then(|| Secret::new(power(base, number(private.expose()))))
        }

        fn hash(parts: &[&[u8]]) -> [u8; 32] {
            let mut text = parts.concat();
            let mut state = text.len() as u128;
            text.resize(text.len().next_multiple_of(16), 0);
            for word in text.as_chunks().0 {
                state = mixed(state, u128::from_le_bytes(*word));
            }
            let mut hash = [0; 32];
            for bytes in hash.as_chunks_mut().0 {
                state = mixed(mixed(state, 1), 2);
                *bytes = state.to_le_bytes();
            }
            hash
        }
    }

    pub(crate) struct Cipher(u128);

    impl Cipher {
        fn apply(&self, number: u64, text: &mut [u8]) {
            let mut state = self.0 ^ u128::from(number);
            let (words, rest) = text.as_chunks_mut();
            for word in words {
                state = mixed(state, 0);
                *word = (u128::from_le_bytes(*word) ^ state).to_le_bytes();
            }
            for (byte, key) in rest.iter_mut().zip(mixed(state, 0).to_le_bytes()) {
                *byte ^= key;
            }
        }

        fn tag(&self, number: u64, header: &[u8], text: &[u8]) -> [u8; TAG_LENGTH] {
            let lengths = [self.0, number.into(), header.len() as u128].map(u128::to_le_bytes);
            let hash = Tested::hash(&[lengths.as_flattened(), header, text]);
            hash.first_chunk().copied().unwrap_or_default()
        }
    }

    impl Aead for Cipher {
        fn new(material: &Secret) -> Option<Self> {
            let hash = Tested::hash(&[material.expose()]);
            hash.first_chunk().copied().map(|word| Self(u128::from_le_bytes(word)))
        }

        fn seal(&self, number: u64, header: &[u8], text: &mut [u8]) -> Option<[u8; TAG_LENGTH]> {
            self.apply(number, text);
            Some(self.tag(number, header, text))
        }

        fn open(&self, number: u64, header: &[u8], text: &mut [u8], tag: &[u8; TAG_LENGTH]) -> bool {
            let is_right = self.tag(number, header, text) == *tag;
            if is_right {
                self.apply(number, text);
            }
            is_right
        }
    }
}
