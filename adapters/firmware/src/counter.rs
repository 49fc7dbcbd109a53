//! A clock out of a counter that wraps.

use skep_core::Instant;

/// Makes microseconds in 64 bits of a counter of the hardware that has fewer, and counts down.
///
/// It must be looked at more often than the counter wraps, which bounds how long a board may sleep. It does without
/// division by 64 bits, which a Cortex-M3 has no instruction for.
pub(crate) struct Counter {
    /// All ones in as many bits as the counter has.
    mask: u32,
    /// So many ticks are so many microseconds.
    rate: (u32, u32),
    /// Ticks when it was looked at last.
    last: u32,
    /// Ticks that did not make whole microseconds.
    rest: u32,
    micros: u64,
}

impl Counter {
    /// A counter of `bits` bits that begins at all ones, of which `ticks` ticks are `micros` microseconds.
    pub(crate) const fn new(bits: u32, ticks: u32, micros: u32) -> Self {
        Self { mask: u32::MAX >> (32 - bits), rate: (ticks, micros), last: 0, rest: 0, micros: 0 }
    }

    /// The time since the beginning, where the hardware stands at `value`.
    pub(crate) fn at(&mut self, value: u32) -> Instant {
        let ticks = !value & self.mask;
        let passed = ticks.wrapping_sub(self.last) & self.mask;
        self.last = ticks;
        let (per, micros) = self.rate;
        let rest = self.rest + passed % per;
        self.micros += u64::from(passed / per) * u64::from(micros);
        self.micros += u64::from(rest / per * micros);
        self.rest = rest % per;
        Instant::from_micros(self.micros)
    }
}
