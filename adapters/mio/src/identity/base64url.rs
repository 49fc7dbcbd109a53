//! Bytes as text that can be copied: the alphabet of RFC 4648 section 5, without padding.
//!
//! The time that it takes does not depend on the bytes, for some of them are secret. There is one text for one value:
//! padding, white space and stray bits at the end are refused.

use base64ct::{Base64UrlUnpadded, Encoding};
use zeroize::Zeroizing;

/// Enough for 32 bytes.
const TEXT_MAX: usize = 43;

/// At most 32 bytes as text.
pub(super) fn encode<const N: usize>(bytes: &[u8; N]) -> Zeroizing<String> {
    const { assert!(N <= 32, "the buffer is too short") };
    let mut buffer = Zeroizing::new([0; TEXT_MAX]);
    let text = Base64UrlUnpadded::encode(bytes, &mut *buffer).unwrap_or_default();
    Zeroizing::new(text.to_owned())
}

/// The bytes of a text, if there are exactly so many.
pub(super) fn decode<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    let length = Base64UrlUnpadded::decode(text, &mut *bytes).ok()?.len();
    (length == N).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        for fill in [0, 1, 0x7f, 0xff] {
            assert_eq!(*decode::<32>(&encode(&[fill; 32])).unwrap(), [fill; 32]);
            assert_eq!(*decode::<16>(&encode(&[fill; 16])).unwrap(), [fill; 16]);
            assert_eq!(*decode::<8>(&encode(&[fill; 8])).unwrap(), [fill; 8]);
        }
        assert_eq!(*encode(&[0xfb, 0xff]), "-_8");
    }

    #[test]
    fn one_value_has_one_text() {
        assert!(decode::<2>("-_8").is_some());
        // Padding, the other alphabet, bits that are left over, white space, too short, too long, nothing.
        for text in ["-_8=", "+/8", "-_9", "-_8 ", " -_8", "-_8\n", "-_", "-_8A", "-_8AA", "", "-ä8"] {
            assert!(decode::<2>(text).is_none(), "{text:?}");
        }
    }
}
