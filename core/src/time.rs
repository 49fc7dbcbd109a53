//! Time as the machines see it: an input, never a clock that they read.

use core::time::Duration;

/// A moment, in microseconds since an origin that the driver chooses (its start, the boot of a board).
///
/// Drivers must not let it go backwards. 2^64 microseconds are 584,000 years, so arithmetic saturates
/// instead of wrapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Instant(u64);

impl Instant {
    /// The origin.
    pub const ZERO: Self = Self(0);
    /// Later than every deadline.
    pub const FAR: Self = Self(u64::MAX);

    /// The moment `micros` microseconds after the origin.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the origin.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to `self`; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// The same in microseconds: what the core calculates with, as `Duration::as_micros` is 128 bits wide.
    pub(crate) const fn micros_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The moment `micros` microseconds later.
    #[inline(never)] // for size: core/panic-check/run shows it
    pub(crate) const fn plus_micros(self, micros: u64) -> Self {
        Self(self.0.saturating_add(micros))
    }
}

impl core::ops::Add<Duration> for Instant {
    type Output = Self;

    #[inline(never)] // for size: core/panic-check/run shows it
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(micros(span)))
    }
}

/// A span of time that a protocol waits, in microseconds: at most 71 minutes, in a quarter of the room that a
/// [`Duration`] takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Span(u32);

impl Span {
    /// So many microseconds.
    pub const fn from_micros(micros: u32) -> Self {
        Self(micros)
    }

    /// So many milliseconds, or 71 minutes.
    pub const fn from_millis(millis: u32) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// So many seconds, or 71 minutes.
    pub const fn from_secs(secs: u32) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Its microseconds.
    pub const fn as_micros(self) -> u32 {
        self.0
    }
}

impl From<Duration> for Span {
    fn from(span: Duration) -> Self {
        Self(micros(span).min(u32::MAX.into()) as u32)
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        Self::from_micros(span.0.into())
    }
}

impl core::ops::Add<Span> for Instant {
    type Output = Self;

    fn add(self, span: Span) -> Self {
        self.plus_micros(span.0.into())
    }
}

/// A span in whole microseconds, without 128-bit arithmetic.
#[inline(never)] // for size: core/panic-check/run shows it
pub(crate) const fn micros(span: Duration) -> u64 {
    span.as_secs().saturating_mul(1_000_000).saturating_add(span.subsec_micros() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let late = Instant::FAR + Duration::from_secs(1);
        assert_eq!(late, Instant::FAR);
        assert_eq!(Instant::FAR + Span::from_secs(1), Instant::FAR);
        assert_eq!(Instant::FAR.plus_micros(u64::MAX), Instant::FAR);
        assert_eq!(Instant::ZERO.since(late), Duration::ZERO);
        assert_eq!((Instant::ZERO + Duration::from_millis(3)).as_micros(), 3_000);
        assert_eq!(Span::from(Duration::MAX), Span::from_secs(u32::MAX));
        assert_eq!(Instant::ZERO + Span::from_secs(3), Instant::ZERO + Duration::from_secs(3));
    }
}
