//! ChaCha20-Poly1305.
//!
//! Put together here (RFC 8439, section 2.8) from the crates chacha20 and poly1305, and not taken from the
//! crate chacha20poly1305: that one calls what panics at the end of the key stream, and the compiler cannot
//! see that no text is so long. The steps are the same.

use crate::seal::{Aead, Secret, TAG_LENGTH};
use chacha20::{
    ChaCha20,
    cipher::{KeyIvInit, StreamCipher},
};
use poly1305::{
    Block, Poly1305,
    universal_hash::{KeyInit, UniversalHash},
};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// ChaCha20-Poly1305 with its key: 32 bytes.
pub struct ChaCha(Secret);

impl ChaCha {
    /// The key stream after its first block, and the authenticator keyed with that (RFC 8439, section 2.6).
    fn begin(&self, number: u64) -> Option<(ChaCha20, Poly1305)> {
        let mut stream = ChaCha20::new(self.0.expose().into(), &nonce(number).into());
        let mut first = [0; 64];
        stream.try_apply_keystream(&mut first).ok()?;
        let authenticator = first.first_chunk::<32>().map(|key| Poly1305::new(key.into()));
        first.zeroize();
        authenticator.map(|authenticator| (stream, authenticator))
    }
}

impl Aead for ChaCha {
    fn new(material: &Secret) -> Option<Self> {
        Some(Self(material.clone()))
    }

    fn seal(&self, number: u64, header: &[u8], text: &mut [u8]) -> Option<[u8; TAG_LENGTH]> {
        let (mut stream, authenticator) = self.begin(number)?;
        stream.try_apply_keystream(text).ok()?;
        Some(tag(authenticator, header, text))
    }

    fn open(&self, number: u64, header: &[u8], text: &mut [u8], tag: &[u8; TAG_LENGTH]) -> bool {
        let Some((mut stream, authenticator)) = self.begin(number) else { return false };
        let expected = self::tag(authenticator, header, text);
        expected.ct_eq(tag).into() && stream.try_apply_keystream(text).is_ok()
    }
}

fn tag(mut authenticator: Poly1305, header: &[u8], sealed: &[u8]) -> [u8; TAG_LENGTH] {
    authenticator.update_padded(header);
    authenticator.update_padded(sealed);
    let [a, b, c, d, e, f, g, h] = (header.len() as u64).to_le_bytes();
    let [i, j, k, l, m, n, o, p] = (sealed.len() as u64).to_le_bytes();
    authenticator.update(&[Block::from([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])]);
    authenticator.finalize().into()
}

/// The nonce of the Noise specification, section 12.3.
fn nonce(number: u64) -> [u8; 12] {
    let [a, b, c, d, e, f, g, h] = number.to_le_bytes();
    [0, 0, 0, 0, a, b, c, d, e, f, g, h]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::miri::fewer;

    #[test]
    fn it_is_the_construction_of_rfc_8439_for_every_length_of_header_and_text() {
        // Against the crate that is not used because it could panic.
        use chacha20poly1305::{AeadInOut, KeyInit as _};
        let key = [0x42; 32];
        let (ours, theirs) =
            (ChaCha::new(&Secret::new(key)).unwrap(), chacha20poly1305::ChaCha20Poly1305::new(&key.into()));
        for length in (0..300).step_by(fewer(1, 67)).chain([fewer(1_170, 1), fewer(65_519, 131)]) {
            let header = vec![3; length % 40];
            let (mut one, mut other) = (vec![7; length], vec![7; length]);
            let tag = ours.seal(length as u64, &header, &mut one).unwrap();
            let expected = theirs
                .encrypt_inout_detached(&nonce(length as u64).into(), &header, other.as_mut_slice().into())
                .unwrap();
            assert_eq!((one.clone(), tag), (other, expected.into()), "{length}");
            assert!(ours.open(length as u64, &header, &mut one, &tag));
            assert_eq!(one, vec![7; length]);
        }
    }
}
