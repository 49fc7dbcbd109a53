//! What nobody else can guess: tokens, secrets of introductions, the hash of names. All from one seed.

use siphasher::{sip::SipHasher13, sip128::SipHasher24};

/// The keys that the seed makes.
#[derive(Clone)]
pub(super) struct Secrets {
    key: (u64, u64),
    names: (u64, u64),
    count: u64,
}

/// What a secret is for, so that none serves two purposes.
#[derive(Clone, Copy)]
enum Purpose {
    Epoch = 1,
    Token = 2,
    Introduction = 3,
    Resume = 4,
}

impl core::fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("Secrets")
    }
}

impl Secrets {
    pub(super) const fn new(seed: [u8; 32]) -> Self {
        let words = seed.as_chunks::<8>().0;
        let (key, names) = match words {
            [a, b, c, d] => (
                (u64::from_le_bytes(*a), u64::from_le_bytes(*b)),
                (u64::from_le_bytes(*c), u64::from_le_bytes(*d)),
            ),
            _ => ((0, 0), (0, 0)),
        };
        Self { key, names, count: 0 }
    }

    /// A number that was not used before.
    pub(super) const fn next(&mut self) -> u64 {
        self.count = self.count.saturating_add(1);
        self.count
    }

    /// Which run of the tracker this is.
    pub(super) fn epoch(&self) -> u64 {
        u64::from_le_bytes(half(&self.secret(Purpose::Epoch, 0, 0))) | 1
    }

    /// The token of a transfer.
    pub(super) fn token(&self, number: u64) -> [u8; 16] {
        self.secret(Purpose::Token, number, 0)
    }

    /// What proves that a session is the one with this number.
    pub(super) fn resume(&self, number: u64) -> [u8; 16] {
        self.secret(Purpose::Resume, number, 0)
    }

    /// The secret that the two sides of a transfer share.
    pub(super) fn introduction(&self, number: u64) -> [u8; 32] {
        let mut secret = [0; 32];
        let halves = (1..).flat_map(|part| self.secret(Purpose::Introduction, number, part));
        secret.iter_mut().zip(halves).for_each(|(to, from)| *to = from);
        secret
    }

    /// The hash of a name, below a user or (`u32::MAX`) of a user.
    pub(super) fn name(&self, user: u32, name: &[u8]) -> u32 {
        SipHasher13::new_with_keys(self.names.0, self.names.1 ^ u64::from(user)).hash(name) as u32
    }

    fn secret(&self, purpose: Purpose, number: u64, part: u64) -> [u8; 16] {
        let words = [(purpose as u64).to_le_bytes(), number.to_le_bytes(), part.to_le_bytes()];
        let hash = SipHasher24::new_with_keys(self.key.0, self.key.1).hash(words.as_flattened());
        (u128::from(hash.h1) | u128::from(hash.h2) << 64).to_le_bytes()
    }
}

fn half(secret: &[u8; 16]) -> [u8; 8] {
    secret.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_by_seed_purpose_and_number_and_are_the_same_again() {
        let (one, other) = (Secrets::new([1; 32]), Secrets::new([2; 32]));
        assert_eq!(one.token(1), Secrets::new([1; 32]).token(1));
        assert_ne!(one.token(1), one.token(2));
        assert_ne!(one.token(1), one.resume(1));
        assert_ne!(one.token(1), other.token(1));
        assert_ne!(one.introduction(1)[..16], one.introduction(1)[16..]);
        assert_ne!(one.name(1, b"x"), one.name(2, b"x"));
    }
}
