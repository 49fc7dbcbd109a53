//! A clock out of a counter that wraps.

/// Extends a counter of the hardware to 64 bits.
///
/// It must be looked at more often than the counter wraps, which bounds how long a board may sleep.
pub(crate) struct Counter {
    /// All ones in as many bits as the counter has.
    mask: u32,
    ticks: u64,
}

impl Counter {
    /// A counter of `bits` bits that begins at 0.
    pub(crate) const fn new(bits: u32) -> Self {
        Self { mask: u32::MAX >> (32 - bits), ticks: 0 }
    }

    /// Ticks since the beginning, where the hardware, which counts down from all ones, stands at `value`.
    pub(crate) fn at(&mut self, value: u32) -> u64 {
        let low = self.mask - (value & self.mask);
        let passed = low.wrapping_sub(self.ticks as u32) & self.mask;
        self.ticks += u64::from(passed);
        self.ticks
    }
}
