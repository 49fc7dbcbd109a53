//! The guard of sealed TCP: connections whose handshake is not done, and how many may begin.
//!
//! ```text
//!   accepted ─► enter: room for the prefix? ──no──► closed at once, unless its oldest one has had OWN: that goes
//!                 │ yes (the oldest goes when all places are taken)
//!               HELLO ─► may_agree: under load, a token of the prefix? ──no──► closed
//!                 │ yes
//!               key agreement ─► leave          DEADLINE over ─► closed
//! ```
//!
//! An address is proven by the connection itself, so there are no cookies here; all else is as for UDP
//! ([`skep_core::guard`]).

use super::prefix::{Hasher, Prefix};
use skep_core::{
    Instant,
    guard::{Buckets, HOST_BUCKETS, LOAD_HOLD},
};
use std::{collections::VecDeque, net::IpAddr, time::Duration};

/// Connections in the handshake, in all. When there are more, the oldest one goes: it had the most time.
pub(crate) const HANDSHAKES_MAX: usize = 256;

/// The same, from one prefix. When there are more, the oldest one goes if it has had [`OWN`], and else the new one.
pub(crate) const HANDSHAKES_OF_PREFIX: usize = 32;

/// How long a peer may take for its HELLO. On a path that loses much TCP repeats what is lost after 1, 3, 7 and 15 s.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// For how long its place is a connection's own, whoever else of its prefix comes.
const OWN: Duration = Duration::from_secs(5);

/// Key agreements in a second up to which no tokens are asked for: so many scripts fetch one small file after the other
/// from a machine, and it is a fifth of a core.
const CALM_RATE: u32 = 1_000;

/// A connection in the handshake.
#[derive(Debug)]
struct Entry {
    stream: usize,
    prefix: Prefix,
    until: Instant,
}

/// The connections in the handshake, the oldest one in front.
#[derive(Debug)]
pub(crate) struct Handshakes {
    entries: VecDeque<Entry>,
    hasher: Hasher,
    buckets: Buckets<HOST_BUCKETS>,
    /// Key agreements since then.
    counted: (Instant, u32),
    /// Until when tokens are asked for.
    loaded: Instant,
}

impl Handshakes {
    pub(crate) fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            hasher: Hasher::default(),
            buckets: Buckets::new(),
            counted: (Instant::ZERO, 0),
            loaded: Instant::ZERO,
        }
    }

    /// A connection that has come; `Err`: it is too many of its prefix. `Ok`: it has a place, perhaps that of another
    /// stream, which is to be closed.
    pub(crate) fn enter(&mut self, now: Instant, stream: usize, from: IpAddr) -> Result<Option<usize>, ()> {
        let prefix = Prefix::site(from);
        let is_full =
            self.entries.iter().filter(|entry| entry.prefix == prefix).count() >= HANDSHAKES_OF_PREFIX;
        let displaced = if is_full {
            let had_its_time =
                |entry: &Entry| entry.prefix == prefix && entry.until.since(now) <= DEADLINE - OWN;
            let oldest = self.entries.iter().position(had_its_time).ok_or(())?;
            self.entries.remove(oldest)
        } else if self.entries.len() < HANDSHAKES_MAX {
            None
        } else {
            self.entries.pop_front()
        };
        if self.entries.len() >= HANDSHAKES_MAX / 4 {
            self.loaded = now + LOAD_HOLD;
        }
        self.entries.push_back(Entry { stream, prefix, until: now + DEADLINE });
        Ok(displaced.map(|entry| entry.stream))
    }

    /// The handshake of a stream is over, or the stream is.
    pub(crate) fn leave(&mut self, stream: usize) {
        self.entries.retain(|entry| entry.stream != stream);
    }

    /// Whether a key agreement may be made with who is there.
    pub(crate) fn may_agree(&mut self, now: Instant, from: IpAddr) -> bool {
        let (since, count) = &mut self.counted;
        if now.since(*since) >= Duration::from_secs(1) {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        if *count > CALM_RATE {
            self.loaded = now + LOAD_HOLD;
        }
        now >= self.loaded || self.buckets.take(now, self.hasher.hashes(Prefix::site(from)))
    }

    /// A stream that has taken too long; it has left with this.
    pub(crate) fn expired(&mut self, now: Instant) -> Option<usize> {
        let is_due = self.entries.front().is_some_and(|entry| entry.until <= now);
        let entry = if is_due { self.entries.pop_front() } else { None };
        entry.map(|entry| entry.stream)
    }

    /// When the next one has taken too long.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.entries.front().map(|entry| entry.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_micros(millis * 1_000)
    }

    fn ip(network: u8, host: u8) -> IpAddr {
        [10, 0, network, host].into()
    }

    #[test]
    fn case_34_a_prefix_has_so_many_handshakes_under_way_and_others_have_theirs() {
        let mut handshakes = Handshakes::new();
        for stream in 0..HANDSHAKES_OF_PREFIX {
            assert_eq!(handshakes.enter(at(0), stream, ip(1, stream as u8)), Ok(None));
        }
        assert_eq!(handshakes.enter(at(0), 500, ip(1, 200)), Err(()));
        assert_eq!(handshakes.enter(at(0), 501, ip(2, 200)), Ok(None));
        handshakes.leave(3);
        assert_eq!(handshakes.enter(at(0), 502, ip(1, 200)), Ok(None));
        // Who has had some time goes for one that comes: the oldest one first.
        assert_eq!(handshakes.enter(at(4_999), 503, ip(1, 201)), Err(()));
        assert_eq!(handshakes.enter(at(5_000), 503, ip(1, 201)), Ok(Some(0)));
        assert_eq!(handshakes.enter(at(5_000), 504, ip(1, 202)), Ok(Some(1)));
        assert_eq!(handshakes.entries.len(), HANDSHAKES_OF_PREFIX + 1);
    }

    #[test]
    fn case_34_when_all_places_are_taken_the_oldest_one_goes() {
        let mut handshakes = Handshakes::new();
        for stream in 0..HANDSHAKES_MAX {
            assert_eq!(handshakes.enter(at(0), stream, ip(stream as u8, 1)), Ok(None));
        }
        for stream in 0..1_000 {
            let came = handshakes.enter(at(1), HANDSHAKES_MAX + stream, ip(stream as u8, 1));
            assert_eq!(came, Ok(Some(stream)));
        }
        assert_eq!(handshakes.entries.len(), HANDSHAKES_MAX);
    }

    #[test]
    fn case_34_who_says_nothing_is_let_go_at_the_deadline() {
        let mut handshakes = Handshakes::new();
        handshakes.enter(at(0), 7, ip(1, 1)).unwrap();
        handshakes.enter(at(100), 8, ip(1, 1)).unwrap();
        assert_eq!((handshakes.deadline(), handshakes.expired(at(19_999))), (Some(at(20_000)), None));
        assert_eq!((handshakes.expired(at(20_000)), handshakes.expired(at(20_000))), (Some(7), None));
        handshakes.leave(8);
        assert_eq!(handshakes.deadline(), None);
    }

    #[test]
    fn case_38_a_prefix_agrees_on_so_many_keys_when_there_is_much_to_do() {
        let mut handshakes = Handshakes::new();
        // A script that fetches one file after the other is no load.
        for number in 0..300 {
            assert!(handshakes.may_agree(at(number * 20), ip(1, 1)));
        }
        let from = |handshakes: &mut Handshakes, network, now| {
            (0..3_000).filter(|_| handshakes.may_agree(at(now), ip(network, 9))).count()
        };
        let calm = CALM_RATE as usize;
        assert!((calm - 60..=calm + 20).contains(&from(&mut handshakes, 2, 6_000)));
        assert_eq!((from(&mut handshakes, 2, 6_010), from(&mut handshakes, 3, 6_010)), (0, 20));
        // 20 a second from then on, for as long as it lasts.
        assert_eq!(from(&mut handshakes, 2, 7_000), 20);
        assert!(handshakes.may_agree(at(13_000), ip(2, 9)));
    }
}
