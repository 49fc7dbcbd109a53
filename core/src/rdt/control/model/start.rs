//! The start: what leaves before anything is known of the path but its round-trip time, and how fast.

/// Without a round-trip time nothing can be spread: so much at once.
const BLIND_FLIGHT: u32 = 32;
/// A shorter round trip, in microseconds, is that of a path that may well carry a gigabit a second.
const SHORT: u32 = 30_000;
/// On a longer path a first flight takes so many microseconds at least, as long as 100 Mbit/s take for it. Who fetches a
/// MiB over a gigabit at 40 ms waits 25 ms longer for that.
const LONG_FLIGHT: u32 = 85_000;
/// So many of it go ahead there as fast as anything is sent blindly: how far the path spreads them tells its rate before
/// much is sent, and a queue of 256 kB before 100 Mbit/s has room for them and for a third of that from somebody else.
const AHEAD: u32 = 128;
/// So many of these tell of a rate that is less than a quarter of that with which they were sent.
pub(super) const AHEAD_TELLS: u32 = 96;
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
    /// So many of it have left.
    sent: u32,
}

impl FirstFlight {
    pub(super) fn new(size: u32) -> Self {
        Self { size: size.max(1), goes_on: true, from: 0, sent: 0 }
    }

    /// How much may be under way, of at most `most`, before a round-trip time is known, and from then on.
    pub(super) fn blind(&self, most: u32) -> u32 {
        self.size.min(BLIND_FLIGHT).min(most)
    }

    pub(super) fn window(&self, most: u32) -> u32 {
        self.size.min(most)
    }

    /// The newest transmission is this one. Whether as many of the flight have left as go ahead of others on a long path: on a
    /// short one, with a round trip of so many microseconds, that is nothing special.
    pub(super) fn sent(&mut self, newest: u32, round_trip: u32) -> bool {
        let before = core::mem::replace(&mut self.sent, newest.wrapping_sub(self.from).wrapping_add(1));
        self.goes_on && round_trip >= HURRY && before < AHEAD && self.sent >= AHEAD
    }

    /// Whether more of it has to be heard of before it is known how fast it came through: what is sent faster before that
    /// fills the queue of a slow link.
    pub(super) const fn is_unheard(&self, round_trip: u32, under_way: u32) -> bool {
        self.is_long(round_trip) && under_way >= FLIGHT_TELLS
    }

    /// The window when the flight ends, of which so much was used: less may have been sent than was allowed.
    pub(super) fn end(&mut self, window: u32, used: u32) -> u32 {
        if core::mem::take(&mut self.goes_on) { window.min(used.max(BLIND_FLIGHT)) } else { window }
    }

    /// At how many bytes a second a window of so many datagrams of so many bytes leaves, on a path with this round-trip time
    /// in microseconds: over a third of a short one in the first flight; what follows comes faster.
    pub(super) fn pace(&self, window: u32, datagram: u64, round_trip: u32) -> u64 {
        let [near, far] = BLIND_RATE;
        let over = |micros: u32, most: u64| per_second(window, datagram, micros.into()).min(most);
        match self.goes_on {
            true if round_trip < HURRY => over(round_trip / 3, near),
            true if round_trip < SHORT => over(round_trip / 3, far),
            true if self.sent < self.ahead() => far,
            true => self.behind(datagram, round_trip).min(far),
            false if round_trip < HURRY => over(round_trip, u64::MAX),
            false => over(round_trip / 2, u64::MAX),
        }
    }

    /// How many go ahead of the others on a long path: none of a flight that is short itself.
    fn ahead(&self) -> u32 {
        if self.size > 2 * AHEAD { AHEAD } else { 0 }
    }

    /// At how many bytes a second the others leave: over three quarters of a round trip.
    fn behind(&self, datagram: u64, round_trip: u32) -> u64 {
        let [_, far] = BLIND_RATE;
        let flight = (round_trip - round_trip / 4).max(LONG_FLIGHT);
        let ahead = micros(self.ahead(), datagram, far);
        per_second(self.size.saturating_sub(self.ahead()), datagram, u64::from(flight).saturating_sub(ahead))
    }

    /// Whether it goes on, on a long path.
    pub(super) const fn is_long(&self, round_trip: u32) -> bool {
        self.goes_on && round_trip >= SHORT
    }
}

/// So many datagrams of so many bytes in so many microseconds, in bytes a second.
fn per_second(count: u32, datagram: u64, micros: u64) -> u64 {
    let bytes = u64::from(count).saturating_mul(datagram);
    bytes.saturating_mul(1_000_000).checked_div(micros).unwrap_or(u64::MAX)
}

/// How many microseconds so many datagrams of so many bytes take at so many bytes a second.
fn micros(count: u32, datagram: u64, rate: u64) -> u64 {
    let bytes = u64::from(count).saturating_mul(datagram);
    bytes.saturating_mul(1_000_000).checked_div(rate).unwrap_or(0)
}

/// How much the window grows for so many that were acknowledged: to twice itself in a round. On a short path a round costs
/// little, and one that is a gigabit's is full soon.
pub(super) const fn growth(acknowledged: u32, round_trip: u32) -> u32 {
    if round_trip < HURRY { acknowledged / 4 } else { acknowledged }
}
