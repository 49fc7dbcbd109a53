//! Keys: what is secret is wiped when it is dropped, compared in constant time, and never shown.

use super::{Provider, RustCrypto};
use core::{fmt, marker::PhantomData};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Wipes secret bytes, and no compiler may leave it out. Under Miri, where each of them takes its time, they are only set.
pub(super) fn wipe(bytes: &mut [u8]) {
    if cfg!(miri) { bytes.fill(0) } else { bytes.zeroize() }
}

/// 32 secret bytes: a private key, a shared secret, a key of a cipher.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl Secret {
    /// Takes the bytes over. Where they came from they are still to be wiped: see [`Secret::take`].
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Takes the bytes over, and wipes them where they were.
    pub fn take(bytes: &mut [u8; 32]) -> Self {
        let secret = Self(*bytes);
        wipe(bytes);
        secret
    }

    /// The bytes, for a key file or a primitive.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for Secret {
    // Half a kilobyte of a device's flash otherwise.
    #[inline(never)]
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl PartialEq for Secret {
    /// In constant time.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

/// A public key of X25519, 32 bytes. Any 32 bytes are one; those of low order are refused when they are used.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Public(pub [u8; 32]);

impl Public {
    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The first eight bytes in hexadecimal, enough to tell keys apart in a log. Not enough to trust a key by: an
/// attacker finds another key with the same start. For that compare all 32 bytes.
impl fmt::Debug for Public {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Public(")?;
        for byte in self.0.iter().take(8) {
            write!(formatter, "{byte:02x}")?;
        }
        formatter.write_str("..)")
    }
}

/// A private key with its public key.
pub struct KeyPair<P = RustCrypto> {
    secret: Secret,
    public: Public,
    provider: PhantomData<P>,
}

impl<P: Provider> KeyPair<P> {
    /// The pair of a private key: 32 random bytes, clamped when they are used (RFC 7748, section 5). Costs
    /// one multiplication on the curve.
    pub fn new(secret: Secret) -> Self {
        let public = P::public(&P::private(&secret));
        Self { public, secret, provider: PhantomData }
    }
}

impl<P> KeyPair<P> {
    /// The private key.
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The public key.
    pub const fn public(&self) -> &Public {
        &self.public
    }
}

impl<P> Clone for KeyPair<P> {
    fn clone(&self) -> Self {
        Self { secret: self.secret.clone(), public: self.public, provider: PhantomData }
    }
}

impl<P> fmt::Debug for KeyPair<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("KeyPair").field(&self.public).finish()
    }
}

/// A key that two sides share before the handshake: 32 bytes that nobody can guess.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Psk(Secret);

impl Psk {
    /// 32 random bytes that both sides were given.
    pub const fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// From the code of an invitation, 16 random bytes: BLAKE2s("invite" || code) (docs/security.md).
    pub fn invite<P: Provider>(code: &[u8; 16]) -> Self {
        Self(Secret::take(&mut P::hash(&[b"invite", code])))
    }

    /// The bytes.
    pub const fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

/// What a handshake ends with.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Keys {
    /// For what this side sends.
    pub send: Secret,
    /// For what it receives.
    pub receive: Secret,
    /// The hash of the whole handshake, the same on both sides and different for every handshake. Not secret.
    /// An application can bind other proofs to the channel by it (the Noise specification, section 11.2).
    pub binding: [u8; 32],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_shown() {
        let pair = KeyPair::<RustCrypto>::new(Secret::new([0xab; 32]));
        let keys = Keys { send: Secret::new([0xab; 32]), receive: Secret::new([0xab; 32]), binding: [0; 32] };
        let psk = Psk::new(Secret::new([0xab; 32]));
        let shown = format!("{pair:?} {keys:?} {psk:?}");
        assert!(!shown.contains("ab, ab") && !shown.contains("171") && !shown.contains("abab"), "{shown}");
    }

    #[test]
    fn a_public_key_is_shown_by_its_first_bytes() {
        assert_eq!(format!("{:?}", Public([0x1f; 32])), "Public(1f1f1f1f1f1f1f1f..)");
    }

    #[test]
    fn taking_a_secret_wipes_where_it_was() {
        let mut bytes = [7; 32];
        assert_eq!(Secret::take(&mut bytes), Secret::new([7; 32]));
        assert_eq!(bytes, [0; 32]);
        assert_ne!(Secret::new([7; 32]), Secret::new([8; 32]));
    }

    #[test]
    fn a_pair_has_the_public_key_of_rfc_7748() {
        // Section 6.1, Alice's.
        let secret = *b"\x77\x07\x6d\x0a\x73\x18\xa5\x7d\x3c\x16\xc1\x72\x51\xb2\x66\x45\
            \xdf\x4c\x2f\x87\xeb\xc0\x99\x2a\xb1\x77\xfb\xa5\x1d\xb9\x2c\x2a";
        let public = *b"\x85\x20\xf0\x09\x89\x30\xa7\x54\x74\x8b\x7d\xdc\xb4\x3e\xf7\x5a\
            \x0d\xbf\x3a\x0d\x26\x38\x1a\xf4\xeb\xa4\xa9\x8e\xaa\x9b\x4e\x6a";
        assert_eq!(KeyPair::<RustCrypto>::new(Secret::new(secret)).public().0, public);
    }
}
