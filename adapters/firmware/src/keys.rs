//! All that is secret or random follows from one seed.

use skep_core::seal::{Provider, RustCrypto, Secret};

/// A secret that follows from the seed.
pub fn secret(seed: &[u8; 32], purpose: &[u8]) -> Secret {
    Secret::take(&mut RustCrypto::hash(&[seed, purpose]))
}

/// A number that follows from it.
pub fn word(seed: &[u8; 32], purpose: u8) -> u64 {
    let secret = secret(seed, &[purpose]);
    u64::from_le_bytes(*secret.expose().first_chunk().unwrap_or(&[0; 8]))
}
