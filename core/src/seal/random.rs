//! Random bytes out of a seed.

use super::{Provider, Secret};
use core::marker::PhantomData;

/// A generator of random bytes: each step hashes the state into 32 bytes and into the next state, so that who
/// learns the state learns nothing of what came before.
pub struct Random<P> {
    state: Secret,
    provider: PhantomData<P>,
}

impl<P: Provider> Random<P> {
    /// A generator. `seed` must be 32 random bytes, secret, and others at every start.
    pub const fn new(seed: Secret) -> Self {
        Self { state: seed, provider: PhantomData }
    }

    /// 32 bytes that nobody can guess.
    #[expect(clippy::should_implement_trait, reason = "it never ends, and is asked one at a time")]
    pub fn next(&mut self) -> Secret {
        let out = Secret::take(&mut P::hash(&[b"skep random", self.state.expose(), &[0]]));
        self.state = Secret::take(&mut P::hash(&[b"skep random", self.state.expose(), &[1]]));
        out
    }

    /// 64 bits, for a name that nobody can guess.
    pub fn number(&mut self) -> u64 {
        let bytes = self.next();
        bytes.expose().first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }
}

impl<P> core::fmt::Debug for Random<P> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("Random(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::Tested;

    #[test]
    fn a_seed_gives_always_the_same_bytes_and_never_the_same_twice() {
        let mut one = Random::<Tested>::new(Secret::new([1; 32]));
        let mut same = Random::<Tested>::new(Secret::new([1; 32]));
        let mut other = Random::<Tested>::new(Secret::new([2; 32]));
        let first = one.next();
        assert_eq!(first, same.next());
        assert_ne!(first, other.next());
        assert_ne!(first, one.next());
        assert_ne!(one.number(), one.number());
    }
}
