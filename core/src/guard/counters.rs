//! What a guard has done, in numbers.

/// Counts since the guard was made. They stop at their maximum instead of starting again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Counters {
    /// First packets, whatever became of them: the sum of the next eight.
    pub first_packets: u64,
    /// Key agreements that were let through.
    pub agreements: u64,
    /// Retransmissions of half-open handshakes.
    pub repeats: u64,
    /// Challenges.
    pub challenges: u64,
    /// Dropped for a bad cookie.
    pub bad_cookies: u64,
    /// Dropped because the bucket of the prefix was empty.
    pub over_rate: u64,
    /// Dropped because the half-open table was full; also permits that found it so afterwards.
    pub table_full: u64,
    /// Dropped because the key agreements of a turn were used up.
    pub busy: u64,
    /// Dropped because a challenge would have been longer.
    pub too_short: u64,
    /// Half-open handshakes that another one displaced.
    pub displaced: u64,
    /// Half-open handshakes whose client answered.
    pub confirmed: u64,
    /// Half-open handshakes whose client did not answer in time.
    pub expired: u64,
}

impl Counters {
    pub(super) const ZERO: Self = Self {
        first_packets: 0,
        agreements: 0,
        repeats: 0,
        challenges: 0,
        bad_cookies: 0,
        over_rate: 0,
        table_full: 0,
        busy: 0,
        too_short: 0,
        displaced: 0,
        confirmed: 0,
        expired: 0,
    };
}
