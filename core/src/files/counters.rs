//! What a server has done, in numbers.

/// Counts since the server was made. They stop at their maximum instead of starting again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Counters {
    /// Streams that found no room.
    pub turned_away: u64,
    /// Requests that came whole, and those of which enough came to see that they are malformed.
    pub requests: u64,
    /// Downloads handed to their streams whole.
    pub downloads: u64,
    /// Uploads stored durably.
    pub uploads: u64,
    /// Requests answered by an error, or refused without one where the dialect has none.
    pub refused: u64,
    /// Requests that broke off, and transfers that broke off or failed after they had started.
    pub broken: u64,
    /// Streams ended because their request did not come in time. They count as broken too.
    pub timed_out: u64,
    /// Bytes of content of the downloads that were handed over whole.
    pub bytes_out: u64,
    /// Bytes of content of the uploads that were stored.
    pub bytes_in: u64,
}

impl Counters {
    pub(super) const ZERO: Self = Self {
        turned_away: 0,
        requests: 0,
        downloads: 0,
        uploads: 0,
        refused: 0,
        broken: 0,
        timed_out: 0,
        bytes_out: 0,
        bytes_in: 0,
    };
}
