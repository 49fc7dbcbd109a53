//! The start: what leaves before anything is known of the path but its round-trip time, and how fast.

/// Without a round-trip time nothing can be spread: so much at once.
const BLIND_FLIGHT: u32 = 32;
/// A shorter round trip, in microseconds, is that of a path that may well carry a gigabit a second.
const SHORT: u32 = 30_000;
/// On a longer path a first flight takes so many microseconds at least: before 100 Mbit/s a queue of 256 kB holds what is
/// too much until its rate is heard of. Who fetches a MiB over a gigabit at 40 ms waits 40 ms longer for that.
const LONG_FLIGHT: u32 = 75_000;
/// A first flight with so many of it under way, on such a path, tells how fast that is before it is over.
const FLIGHT_TELLS: u32 = 384;
/// Only on paths longer than this the start doubles each round.
const HURRY: u32 = 10_000;
/// The fastest that is sent before anything is known, in bytes a second: a little less than a gigabit on a path that is
/// heard of soon, and else so much more that a queue of 256 kB before a gigabit holds what is too much in a first flight.
const BLIND_RATE: [u64; 2] = [117_000_000, 145_000_000];

/// The first flight.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct FirstFlight {
    /// So many transmissions at most.
    size: u32,
    /// It is not over.
    pub(super) goes_on: bool,
    /// It begins with this transmission: what was sent before tells nothing of it.
    pub(super) from: u32,
}

impl FirstFlight {
    pub(super) fn new(size: u32) -> Self {
        Self { size: size.max(1), goes_on: true, from: 0 }
    }

    /// How much may be under way, of at most `most`, before a round-trip time is known, and from then on.
    pub(super) fn blind(&self, most: u32) -> u32 {
        self.size.min(BLIND_FLIGHT).min(most)
    }

    pub(super) fn window(&self, most: u32) -> u32 {
        self.size.min(most)
    }

    /// Whether more of it has to be heard of before it is known how fast it came through: what is sent faster before that
    /// fills the queue of a slow link.
    pub(super) const fn is_unheard(&self, round_trip: u32, under_way: u32) -> bool {
        self.goes_on && round_trip >= SHORT && under_way >= FLIGHT_TELLS
    }

    /// The window when the flight ends, of which so much was used: less may have been sent than was allowed.
    pub(super) fn end(&mut self, window: u32, used: u32) -> u32 {
        if core::mem::take(&mut self.goes_on) { window.min(used.max(BLIND_FLIGHT)) } else { window }
    }

    /// At how many bytes a second so many leave, on a path with this round-trip time in microseconds: over three quarters of
    /// a long one in the first flight, and a third of a short one; what follows comes faster.
    pub(super) fn pace(&self, bytes: u64, round_trip: u32) -> u64 {
        let [near, far] = BLIND_RATE;
        let (flight, most) = match self.goes_on {
            true if round_trip < HURRY => (round_trip / 3, near),
            true if round_trip < SHORT => (round_trip / 3, far),
            true => ((round_trip - round_trip / 4).max(LONG_FLIGHT), far),
            false if round_trip < HURRY => (round_trip, u64::MAX),
            false => (round_trip / 2, u64::MAX),
        };
        bytes.saturating_mul(1_000_000).checked_div(flight.into()).unwrap_or(most).min(most)
    }
}

/// How much the window grows for so many that were acknowledged: to twice itself in a round. On a short path a round costs
/// little, and one that is a gigabit's is full soon.
pub(super) const fn growth(acknowledged: u32, round_trip: u32) -> u32 {
    if round_trip < HURRY { acknowledged / 4 } else { acknowledged }
}
