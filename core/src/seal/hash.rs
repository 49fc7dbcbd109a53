//! HMAC and HKDF as the Noise specification has them (section 4.3), over a provider's BLAKE2s.

use super::{Provider, Secret, keys::wipe};

/// HMAC-HASH(key, first || second) (RFC 2104; the block of BLAKE2s has 64 bytes, so the key fits in one).
fn hmac<P: Provider>(key: &Secret, first: &[u8], second: &[u8]) -> Secret {
    let mut inner = [0x36; 64];
    let mut outer = [0x5c; 64];
    for (byte, (inner, outer)) in key.expose().iter().zip(inner.iter_mut().zip(outer.iter_mut())) {
        *inner ^= byte;
        *outer ^= byte;
    }
    let mut digest = P::hash(&[&inner, first, second]);
    let mac = Secret::take(&mut P::hash(&[&outer, &digest]));
    wipe(&mut inner);
    wipe(&mut outer);
    wipe(&mut digest);
    mac
}

/// The first two outputs of HKDF(chaining, input). Nobody needs the third.
pub(super) struct Hkdf {
    pub(super) first: Secret,
    pub(super) second: Secret,
}

impl Hkdf {
    pub(super) fn new<P: Provider>(chaining: &Secret, input: &[u8]) -> Self {
        let temporary = hmac::<P>(chaining, input, &[]);
        let first = hmac::<P>(&temporary, &[1], &[]);
        let second = hmac::<P>(&temporary, first.expose(), &[2]);
        Self { first, second }
    }
}
