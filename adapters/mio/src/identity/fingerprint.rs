//! A public key as people see it.
//!
//! It is the key itself and no hash of it: whoever calls a server has to know the key before the first byte, so a hash
//! would have to be looked up. 43 characters are short enough to be copied.

use std::{
    fmt::{self, Debug, Display, Formatter},
    str::FromStr,
};

use skep_core::seal::Public;

use super::base64url::{decode, encode};

/// A public key of X25519. As text: 43 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(Public);

/// A text is no fingerprint; says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadFingerprint {
    /// It has another length.
    Length(usize),
    /// There is something else in it than the characters of base64url, or bits are left over at its end.
    Text,
    /// It is a second way to write another key, or a point with which every agreement gives a known result.
    Key,
}

/// The prime of the curve, 2^255 - 19, with the least significant byte first.
const PRIME: [u8; 32] = {
    let mut prime = [0xff; 32];
    prime[0] = 0xed;
    prime[31] = 0x7f;
    prime
};

/// The points of low order in their shortest form: 0, 1, p - 1, and the two of order 8.
const WEAK: [[u8; 32]; 5] = {
    let mut points = [[0; 32]; 5];
    points[1][0] = 1;
    points[2] = PRIME;
    points[2][0] -= 1;
    points[3] = [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda,
        0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
    ];
    points[4] = [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04,
        0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
    ];
    points
};

impl Fingerprint {
    /// How many characters it has.
    pub const LENGTH: usize = 43;

    /// The fingerprint of a key.
    ///
    /// # Errors
    /// [`BadFingerprint::Key`]: X25519 would take it, but two texts for one key would slip past a list of keys, and a
    /// weak point makes a secret that everybody knows.
    pub fn new(key: Public) -> Result<Self, BadFingerprint> {
        // From the most significant byte down, as numbers are compared. A number with the highest bit is larger too.
        let is_reduced = key.0.iter().rev().lt(PRIME.iter().rev());
        if is_reduced && !WEAK.contains(&key.0) { Ok(Self(key)) } else { Err(BadFingerprint::Key) }
    }

    /// The fingerprint of a key that was computed from a secret one: it is always reduced and never weak.
    pub(super) fn of(key: Public) -> Self {
        Self(key)
    }

    /// The key, for a handshake.
    pub fn key(&self) -> &Public {
        &self.0
    }
}

impl FromStr for Fingerprint {
    type Err = BadFingerprint;

    fn from_str(text: &str) -> Result<Self, BadFingerprint> {
        if text.len() != Self::LENGTH {
            return Err(BadFingerprint::Length(text.chars().count()));
        }
        Self::new(Public(*decode(text).ok_or(BadFingerprint::Text)?))
    }
}

impl Display for Fingerprint {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&encode(&self.0.0))
    }
}

impl Debug for Fingerprint {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "Fingerprint({self})")
    }
}

impl Display for BadFingerprint {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(length) => write!(formatter, "a fingerprint has 43 characters, this has {length}"),
            Self::Text => formatter.write_str(
                "a fingerprint has 43 letters, digits, - and _; this one is damaged, so copy it again",
            ),
            Self::Key => formatter.write_str("this is not the fingerprint of a key that can be used"),
        }
    }
}

impl std::error::Error for BadFingerprint {}

#[cfg(test)]
mod tests {
    use skep_core::seal::{Provider, RustCrypto, Secret};

    use super::*;

    const GOOD: &str = "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo";

    fn text(bytes: &[u8; 32]) -> String {
        encode(bytes).to_string()
    }

    #[test]
    fn it_is_shown_as_it_is_read() {
        let key: Fingerprint = GOOD.parse().unwrap();
        assert_eq!(key.to_string(), GOOD);
        assert_eq!(Fingerprint::new(*key.key()), Ok(key));
    }

    #[test]
    fn only_one_text_is_one_key() {
        assert_eq!("".parse::<Fingerprint>(), Err(BadFingerprint::Length(0)));
        assert_eq!(GOOD[1..].parse::<Fingerprint>(), Err(BadFingerprint::Length(42)));
        assert_eq!(format!("{GOOD}=").parse::<Fingerprint>(), Err(BadFingerprint::Length(44)));
        for (from, to) in [("_Og", "/Og"), ("Tmo", "Tmp"), ("hSD", " SD"), ("hSD", "\nSD"), ("Tmo", "Tm=")] {
            assert_eq!(GOOD.replace(from, to).parse::<Fingerprint>(), Err(BadFingerprint::Text), "{to}");
        }
    }

    #[test]
    fn a_number_that_is_not_reduced_is_refused() {
        let mut largest = PRIME;
        largest[0] -= 2;
        assert!(Fingerprint::new(Public(largest)).is_ok());
        for add in 0..19 {
            let mut unreduced = PRIME;
            unreduced[0] += add;
            assert_eq!(text(&unreduced).parse::<Fingerprint>(), Err(BadFingerprint::Key));
        }
        let mut with_high_bit = GOOD.parse::<Fingerprint>().unwrap().key().0;
        with_high_bit[31] |= 0x80;
        assert_eq!(text(&with_high_bit).parse::<Fingerprint>(), Err(BadFingerprint::Key));
    }

    #[test]
    fn every_weak_point_is_refused_and_is_weak() {
        for point in WEAK {
            assert_eq!(RustCrypto::agree(&&Secret::new([0x5a; 32]), &Public(point)), None);
            assert_eq!(text(&point).parse::<Fingerprint>(), Err(BadFingerprint::Key));
        }
    }
}
