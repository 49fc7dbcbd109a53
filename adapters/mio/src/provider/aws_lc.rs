//! The ciphers and the key agreement of AWS-LC; the hash, which it does not have, is that of the default provider.

mod key;

use crate::memory::Whole;
use aws_lc_rs::{
    agreement::{PrivateKey, UnparsedPublicKey, X25519, agree},
    error::Unspecified,
};
use key::Key;
pub(super) use key::rest;
use skep_core::seal::{Aead, Provider, Public, RustCrypto, Secret, TAG_LENGTH, datagram::WORDS};
use zeroize::Zeroize;

#[cfg(test)]
mod tests;

/// X25519, ChaCha20-Poly1305 and AES-128-GCM of AWS-LC, BLAKE2s of [`RustCrypto`].
#[derive(Clone, Copy, Debug)]
pub enum AwsLc {}

impl Provider for AwsLc {
    type ChaCha = ChaCha;
    type Aes = Aes;
    type Numbers = Whole<u64, WORDS>;
    type Private<'k> = Private<'k>;

    fn private(secret: &Secret) -> Private<'_> {
        Private { made: PrivateKey::from_private_key(&X25519, secret.expose()).ok(), secret }
    }

    fn public(private: &Private<'_>) -> Public {
        let made = private.made.as_ref().and_then(|key| key.compute_public_key().ok());
        let bytes = made.and_then(|public| public.as_ref().try_into().ok());
        bytes.map_or_else(|| RustCrypto::public(&private.secret), Public)
    }

    fn agree(private: &Private<'_>, public: &Public) -> Option<Secret> {
        let Some(made) = &private.made else { return RustCrypto::agree(&private.secret, public) };
        // A result of zeros is an error.
        let public = UnparsedPublicKey::new(&X25519, &public.0);
        let copied = |shared: &[u8]| Ok(Secret::new(shared.try_into().map_err(|_| Unspecified)?));
        agree(made, public, Unspecified, copied).ok()
    }

    fn hash(parts: &[&[u8]]) -> [u8; 32] {
        RustCrypto::hash(parts)
    }
}

/// A private key as AWS-LC wants it, which wipes its own copy. Should it have no memory for one, there is another way to
/// the same.
pub struct Private<'k> {
    made: Option<PrivateKey>,
    secret: &'k Secret,
}

/// ChaCha20-Poly1305 (RFC 8439).
pub struct ChaCha(Key<32>);

impl Aead for ChaCha {
    fn new(material: &Secret) -> Option<Self> {
        Some(Self(Key::new(*material.expose())))
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
    key: Key<16>,
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
        Some(Self { key: Key::new(*key), mask: *mask })
    }

    fn seal(&self, number: u64, header: &[u8], text: &mut [u8]) -> Option<[u8; TAG_LENGTH]> {
        self.key.seal(self.nonce(number), header, text)
    }

    fn open(&self, number: u64, header: &[u8], text: &mut [u8], tag: &[u8; TAG_LENGTH]) -> bool {
        self.key.open(self.nonce(number), header, text, tag)
    }
}

/// The nonce of the Noise specification, section 12.3.
fn chacha_nonce(number: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&number.to_le_bytes());
    nonce
}
