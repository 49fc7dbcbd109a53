//! Where the primitives come from.

use super::{Public, Secret, TAG_LENGTH};
use crate::Memory;

/// The primitives that the engine is built on: X25519, BLAKE2s and the ciphers of the suites.
///
/// Everything is an associated function or type: which provider is used is decided when the program is built.
/// Put in a device's hardware engine, or another library, by implementing this.
/// [`RustCrypto`](super::RustCrypto) is the default.
///
/// Every function must take a time that does not depend on secrets.
pub trait Provider {
    /// ChaCha20-Poly1305 (RFC 8439). The handshake needs it: [`Aead::new`] must not return `None`.
    type ChaCha: Aead;

    /// AES-128-GCM (NIST SP 800-38D), or [`Absent`].
    type Aes: Aead;

    /// Room to remember which datagrams of a session were opened: [`WORDS`](super::datagram::WORDS) words. A session takes
    /// it only while some of them are missing, and gives it back, so that on a host it need not be a part of the session.
    type Numbers: Memory<u64> + Default;

    /// A private key, ready to calculate with. What it keeps of the key is wiped when it is dropped.
    type Private<'k>;

    /// Makes a private key ready. It is clamped here, or when it is used.
    fn private(secret: &Secret) -> Self::Private<'_>;

    /// The public key of a private one: X25519 with the base point (RFC 7748, section 6.1).
    fn public(private: &Self::Private<'_>) -> Public;

    /// X25519. `None` when the result is all zero: `public` is a point of low order, whatever `private` is.
    fn agree(private: &Self::Private<'_>, public: &Public) -> Option<Secret>;

    /// BLAKE2s (RFC 7693) with 32 bytes of output and no key, over the parts one after another.
    fn hash(parts: &[&[u8]]) -> [u8; 32];
}

/// A cipher with authentication, with its key.
///
/// The key is wiped when this is dropped.
pub trait Aead: Sized {
    /// A cipher from 32 bytes of key material; `None` when there is no such cipher here.
    ///
    /// ChaCha20-Poly1305 takes all of them as its key. AES-128-GCM takes bytes 0 to 15 as its key and bytes
    /// 16 to 27 as a secret that every nonce is XORed with (as RFC 9001, section 5.3, does), and ignores the
    /// rest.
    fn new(material: &Secret) -> Option<Self>;

    /// Encrypts `text` in place; the tag over it and `header`. `None` when `text` is too long for the cipher.
    ///
    /// The nonce is 4 bytes of zero and `number`: little-endian for ChaCha20-Poly1305, big-endian and XORed as
    /// [`Aead::new`] says for AES-128-GCM (the Noise specification, sections 12.3 and 12.4). A number must not be used
    /// twice.
    fn seal(&self, number: u64, header: &[u8], text: &mut [u8]) -> Option<[u8; TAG_LENGTH]>;

    /// Decrypts `text` in place when the tag fits. `false` when it does not: `text` may be anything then.
    #[must_use]
    fn open(&self, number: u64, header: &[u8], text: &mut [u8], tag: &[u8; TAG_LENGTH]) -> bool;
}

/// The cipher of a suite that a provider does not have. It has no values, and takes no room.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Absent {}

impl Aead for Absent {
    fn new(_: &Secret) -> Option<Self> {
        None
    }

    fn seal(&self, _: u64, _: &[u8], _: &mut [u8]) -> Option<[u8; TAG_LENGTH]> {
        match *self {}
    }

    fn open(&self, _: u64, _: &[u8], _: &mut [u8], _: &[u8; TAG_LENGTH]) -> bool {
        match *self {}
    }
}
