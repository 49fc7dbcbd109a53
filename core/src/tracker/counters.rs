//! What a tracker has done, in numbers.

/// Counts since the tracker was made. They stop at their maximum instead of starting again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Counters {
    /// Streams that found no room.
    pub turned_away: u64,
    /// Log-ins that were granted.
    pub logins: u64,
    /// Log-ins that were refused.
    pub logins_refused: u64,
    /// Sessions that died: no word came, or their stream broke.
    pub died: u64,
    /// Requests in sessions that were refused, whatever they were.
    pub refused: u64,
    /// Messages that broke the format, or came where they are not permitted.
    pub malformed: u64,
    /// Messages that this version does not know.
    pub unknown: u64,
    /// Answers for transfers that are over, or somebody else's.
    pub strangers: u64,
    /// Transfers that were asked for and could begin.
    pub transfers: u64,
    /// Transfers that came to nothing: refused, silent, gone, broken off.
    pub transfers_failed: u64,
    /// Relayed transfers whose streams were joined.
    pub relayed: u64,
    /// Commands that were answered.
    pub commands: u64,
    /// Commands that were answered by anything but 0.
    pub commands_failed: u64,
    /// Commands that stopped in the middle, and were let go.
    pub commands_broken: u64,
    /// Events that found no room before they were taken: nobody was told.
    pub events_lost: u64,
}

impl Counters {
    pub(super) const ZERO: Self = Self {
        turned_away: 0,
        logins: 0,
        logins_refused: 0,
        died: 0,
        refused: 0,
        malformed: 0,
        unknown: 0,
        strangers: 0,
        transfers: 0,
        transfers_failed: 0,
        relayed: 0,
        commands: 0,
        commands_failed: 0,
        commands_broken: 0,
        events_lost: 0,
    };
}
