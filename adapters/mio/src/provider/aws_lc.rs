//! The ciphers of AWS-LC; the handshake's primitives stay those of the default provider.

use aws_lc_rs::aead::{AES_128_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use skep_core::seal::{Aead, Provider, Public, RustCrypto, Secret, TAG_LENGTH};
use zeroize::Zeroize;

#[cfg(test)]
mod tests;

/// ChaCha20-Poly1305 and AES-128-GCM of AWS-LC, the rest of [`RustCrypto`].
#[derive(Clone, Copy, Debug)]
pub enum AwsLc {}

impl Provider for AwsLc {
    type ChaCha = ChaCha;
    type Aes = Aes;

    fn public(secret: &Secret) -> Public {
        RustCrypto::public(secret)
    }

    fn agree(secret: &Secret, public: &Public) -> Option<Secret> {
        RustCrypto::agree(secret, public)
    }

    fn hash(parts: &[&[u8]]) -> [u8; 32] {
        RustCrypto::hash(parts)
    }
}

/// ChaCha20-Poly1305 (RFC 8439).
pub struct ChaCha(Key);

impl Aead for ChaCha {
    fn new(material: &Secret) -> Option<Self> {
        Key::new(&CHACHA20_POLY1305, material.expose()).map(Self)
    }

    fn seal(&self, number: u64, header: &[u8], text: &mut [u8]) -> Option<[u8; TAG_LENGTH]> {
        self.0.seal(chacha_nonce(number), header, text)
    }

    fn open(&self, number: u64, header: &[u8], text: &mut [u8], tag: &[u8; TAG_LENGTH]) -> bool {
        self.0.open(chacha_nonce(number), header, text, tag)
    }
}

/// AES-128-GCM (NIST SP 800-38D), its nonces masked as [`Aead::new`] says.
pub struct Aes {
    key: Key,
    mask: [u8; 12],
}

impl Aes {
    /// The nonce of the Noise specification, section 12.4, masked.
    fn nonce(&self, number: u64) -> [u8; 12] {
        let mut nonce = self.mask;
        for (byte, number) in nonce[4..].iter_mut().zip(number.to_be_bytes()) {
            *byte ^= number;
        }
        nonce
    }
}

impl Drop for Aes {
    fn drop(&mut self) {
        self.mask.zeroize();
    }
}

impl Aead for Aes {
    fn new(material: &Secret) -> Option<Self> {
        let (key, rest) = material.expose().split_first_chunk::<16>()?;
        let mask = rest.first_chunk::<12>()?;
        Some(Self { key: Key::new(&AES_128_GCM, key)?, mask: *mask })
    }

    fn seal(&self, number: u64, header: &[u8], text: &mut [u8]) -> Option<[u8; TAG_LENGTH]> {
        self.key.seal(self.nonce(number), header, text)
    }

    fn open(&self, number: u64, header: &[u8], text: &mut [u8], tag: &[u8; TAG_LENGTH]) -> bool {
        self.key.open(self.nonce(number), header, text, tag)
    }
}

/// A key with its schedule, which AWS-LC keeps on its own heap, and wipes when it is freed.
struct Key(LessSafeKey);

impl Key {
    fn new(algorithm: &'static Algorithm, key: &[u8]) -> Option<Self> {
        UnboundKey::new(algorithm, key).ok().map(|key| Self(LessSafeKey::new(key)))
    }

    fn seal(&self, nonce: [u8; 12], header: &[u8], text: &mut [u8]) -> Option<[u8; TAG_LENGTH]> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(header), text).ok()?;
        tag.as_ref().try_into().ok()
    }

    fn open(&self, nonce: [u8; 12], header: &[u8], text: &mut [u8], tag: &[u8; TAG_LENGTH]) -> bool {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0.open_in_place_separate_tag(nonce, Aad::from(header), tag, text).is_ok()
    }
}

/// The nonce of the Noise specification, section 12.3.
fn chacha_nonce(number: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&number.to_le_bytes());
    nonce
}
