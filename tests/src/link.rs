//! The links of docs/performance.md, in virtual time.

use crate::{Path, Simulated};
use std::time::Duration;

/// A link: the same in both directions.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// What the document calls it.
    pub name: char,
    /// One way.
    pub delay: Duration,
    /// Of a thousand.
    pub loss: u32,
    /// Bytes per second, with the headers of UDP and IPv4; 0 for no limit.
    pub rate: u64,
    /// Bytes in the queue before it.
    pub queue: u64,
}

const fn link(name: char, millis: u64, loss: u32, rate: u64) -> Link {
    Link { name, delay: Duration::from_millis(millis), loss, rate, queue: 256_000 }
}

impl Link {
    /// 20 ms, and what an emulator on a small machine carries.
    pub const B: Self = Self { queue: 4_000_000, ..link('b', 10, 0, 388_000_000) };
    /// The same with 1 % loss each way.
    pub const C: Self = Self { name: 'c', loss: 10, ..Self::B };
    /// The same with 10 % loss each way.
    pub const D: Self = Self { name: 'd', loss: 100, ..Self::B };
    /// 100 ms, 100 Mbit/s, 1 % loss.
    pub const E: Self = link('e', 50, 10, 12_500_000);
    /// 2 ms, 1 Gbit/s, 0.1 % loss.
    pub const F: Self = link('f', 1, 1, 125_000_000);

    /// A network of it.
    pub fn network(&self, seed: u64) -> Simulated {
        Simulated::new(seed).both(|path| self.set(path))
    }

    /// Makes a path one of its directions.
    pub fn set(&self, path: &mut Path) {
        path.delay = self.delay;
        path.loss = self.loss;
        path.rate = self.rate;
        path.queue = self.queue;
    }
}
