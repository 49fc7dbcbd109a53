//! Moments in half the room, for what is kept of every session.

use crate::Instant;

/// A moment of the last eight years, to a fifteenth of a second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coarse(u32);

impl Coarse {
    /// Microseconds of its steps, as a power of two.
    const STEP: u32 = 16;

    pub(super) const fn new(now: Instant) -> Self {
        Self((now.as_micros() >> Self::STEP) as u32)
    }

    /// How long ago it was, in microseconds, in whole steps.
    pub(super) const fn age(self, now: Instant) -> u64 {
        (Self::new(now).0.wrapping_sub(self.0) as u64) << Self::STEP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coarse_moment_is_as_old_as_it_is_also_when_its_steps_have_wrapped() {
        for heard in [0, 1 << 16, (1 << 48) - 1, 5 << 48] {
            let moment = Coarse::new(Instant::from_micros(heard));
            let age = moment.age(Instant::from_micros(heard + 60_000_000));
            assert!(age.abs_diff(60_000_000) <= 1 << 16, "{age}");
        }
    }
}
