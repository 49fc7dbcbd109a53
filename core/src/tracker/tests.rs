//! Scenarios over a driver in memory: see `world.rs`.

mod bad_input;
mod chaos;
mod commands;
mod list;
mod seats;
mod speaker;
mod transfers;
pub(crate) mod world;

use super::{Fixed, Settings, Tracker};
use crate::miri::fewer;

/// Room for what most scenarios need.
type Small = Fixed<24, 12, 64, { fewer(512, 160) }, 16, 8>;

fn tracker(settings: Settings) -> Tracker<Small> {
    Tracker::fixed(settings, [7; 32])
}

/// Numbers that look random, the same for the same seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}
