//! What is computed from keys, with the primitives of the sealed transport.

use std::io;

use skep_core::seal::{Provider, Secret};

use super::Fingerprint;
use crate::provider::HostProvider;

/// A new secret key.
pub(super) fn random() -> io::Result<Secret> {
    let mut bytes = [0; 32];
    fill(&mut bytes)?;
    Ok(Secret::take(&mut bytes))
}

/// Random bytes of the system.
pub(super) fn fill(bytes: &mut [u8]) -> io::Result<()> {
    getrandom::fill(bytes).map_err(io::Error::other)
}

/// The public key that belongs to a secret one.
pub(super) fn public(secret: &Secret) -> Fingerprint {
    Fingerprint::of(HostProvider::public(&HostProvider::private(secret)))
}

/// BLAKE2s over the parts one after another. Some of what is hashed is secret, so the result is taken for secret.
pub(super) fn hash(parts: &[&[u8]]) -> Secret {
    Secret::take(&mut HostProvider::hash(parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_random_keys_are_the_same() {
        assert_ne!(random().unwrap(), random().unwrap());
    }
}
