//! How often each prefix may do something: token buckets of one byte.
//!
//! ```text
//!   prefix ──hash──►  A       B         two buckets each; what counts is the one with fewer tokens used
//!   used   [ 0 ][ 7 ][ 3 ][ 20 ] …      of BURST; every TICK gives one back, to all buckets at once
//! ```
//!
//! This is a count-min sketch with conservative update: a prefix that is alone in one of its two buckets is
//! counted exactly, so another one is hindered by an attacker only if attackers empty both of its buckets, which
//! is the square of the chance with one. Only those buckets are raised that hold the lower count.
//!
//! All are refilled when the first one after a tick draws: a subtraction over a few hundred bytes, once a tick at most,
//! is cheaper than a time in each bucket.

use crate::Instant;

/// Tokens of a full bucket, for key agreements.
const AGREEMENTS: u8 = 20;
/// One of them comes back every so many microseconds: 20 in a second.
const AGREEMENT_MICROS: u64 = 50_000;

/// `N` buckets of `BURST` tokens, of which one comes back every `TICK_MICROS` microseconds. Without other parameters,
/// those of key agreements: 20, and 20 a second.
#[derive(Debug)]
pub struct Buckets<const N: usize, const BURST: u8 = AGREEMENTS, const TICK_MICROS: u64 = AGREEMENT_MICROS> {
    used: [u8; N],
    tick: u64,
}

impl<const N: usize, const BURST: u8, const TICK_MICROS: u64> Default for Buckets<N, BURST, TICK_MICROS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize, const BURST: u8, const TICK_MICROS: u64> Buckets<N, BURST, TICK_MICROS> {
    /// All of them full.
    pub const fn new() -> Self {
        const { assert!(N >= 1 && TICK_MICROS >= 1) };
        Self { used: [0; N], tick: 0 }
    }

    /// Takes a token out of the buckets that these two hashes of a prefix fall into: keyed ones, so that nobody
    /// chooses whose buckets he shares. `false`: there is none.
    pub fn take(&mut self, now: Instant, hashes: [u64; 2]) -> bool {
        let (places, used, fewest) = self.look(now, hashes);
        if fewest >= BURST {
            return false;
        }
        for (place, used) in places.into_iter().zip(used) {
            if used == fewest
                && let Some(bucket) = self.used.get_mut(place)
            {
                *bucket = fewest.saturating_add(1);
            }
        }
        true
    }

    /// Whether there is a token to take.
    pub fn has(&mut self, now: Instant, hashes: [u64; 2]) -> bool {
        self.look(now, hashes).2 < BURST
    }

    /// The buckets of these hashes, the tokens used of each, and the lower number of them.
    fn look(&mut self, now: Instant, hashes: [u64; 2]) -> ([usize; 2], [u8; 2], u8) {
        self.refill(now);
        // Multiply and shift instead of a division: the high half decides.
        let places = hashes.map(|hash| (((hash >> 32) * (N as u64 & 0xffff_ffff)) >> 32) as usize);
        let used = places.map(|place| self.used.get(place).copied().unwrap_or(BURST));
        (places, used, used.into_iter().fold(BURST, u8::min))
    }

    fn refill(&mut self, now: Instant) {
        let tick = now.as_micros() / TICK_MICROS;
        // A clock that was set back gives nothing, and does not stop the refilling either.
        let back = tick.saturating_sub(core::mem::replace(&mut self.tick, tick)).min(u64::from(BURST)) as u8;
        if back > 0 {
            for used in &mut self.used {
                *used = used.saturating_sub(back);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_micros(millis * 1_000)
    }

    fn drain<const N: usize>(buckets: &mut Buckets<N>, now: Instant, hashes: [u64; 2]) -> usize {
        (0..1_000).take_while(|_| buckets.take(now, hashes)).count()
    }

    /// Hashes that fall into the buckets `one` and `other` of four.
    fn of_four(one: u64, other: u64) -> [u64; 2] {
        [one << 62, other << 62]
    }

    #[test]
    fn a_prefix_gets_its_burst_and_then_twenty_a_second() {
        for hashes in [of_four(0, 1), of_four(2, 2)] {
            let mut buckets = Buckets::<4>::new();
            assert_eq!(drain(&mut buckets, at(0), hashes), 20);
            assert_eq!(drain(&mut buckets, at(49), hashes), 0);
            assert_eq!(drain(&mut buckets, at(50), hashes), 1);
            assert_eq!(drain(&mut buckets, at(550), hashes), 10);
            // As many ticks later as a byte counts to, and one more.
            assert_eq!(drain(&mut buckets, at(550 + 256 * 50), hashes), 20);
        }
    }

    #[test]
    fn a_prefix_that_shares_one_of_its_buckets_has_all_its_tokens() {
        let mut buckets = Buckets::<4>::new();
        assert_eq!(drain(&mut buckets, at(0), of_four(0, 1)), 20);
        assert_eq!(drain(&mut buckets, at(0), of_four(1, 2)), 20);
        assert_eq!(drain(&mut buckets, at(0), of_four(3, 0)), 20);
        assert_eq!(drain(&mut buckets, at(0), of_four(2, 3)), 0);
    }

    #[test]
    fn a_neighbour_in_one_bucket_gives_an_attacker_no_tokens_back() {
        let mut buckets = Buckets::<4>::new();
        assert_eq!(drain(&mut buckets, at(0), of_four(0, 1)), 20);
        assert!(buckets.take(at(0), of_four(1, 2)));
        assert!(!buckets.take(at(0), of_four(0, 1)));
    }

    #[test]
    fn every_hash_has_a_bucket() {
        let mut buckets = Buckets::<3>::new();
        for hash in [0, u64::MAX / 2, u64::MAX] {
            assert_eq!(drain(&mut buckets, at(0), [hash; 2]), 20);
        }
    }

    #[test]
    fn looking_takes_nothing_and_the_rate_is_a_parameter() {
        // 5 at once, and one in 12 s.
        let mut buckets = Buckets::<4, 5, 12_000_000>::new();
        let hashes = of_four(0, 1);
        for _ in 0..5 {
            assert!(buckets.has(at(0), hashes) && buckets.has(at(0), hashes));
            assert!(buckets.take(at(0), hashes));
        }
        assert!(!buckets.has(at(11_999), hashes) && !buckets.take(at(11_999), hashes));
        assert!(buckets.has(at(12_000), hashes) && buckets.take(at(12_000), hashes));
        assert!(!buckets.take(at(12_000), hashes));
    }

    #[test]
    fn a_single_bucket_is_everybodys() {
        let mut buckets = Buckets::<1>::new();
        assert_eq!(drain(&mut buckets, at(0), [0, 1]), 20);
        assert!(!buckets.take(at(0), [u64::MAX; 2]));
    }

    #[test]
    fn a_clock_set_back_refills_from_there() {
        let mut buckets = Buckets::<1>::new();
        assert_eq!(drain(&mut buckets, at(3_600_000), [0; 2]), 20);
        assert_eq!(drain(&mut buckets, at(0), [0; 2]), 0);
        assert_eq!(drain(&mut buckets, at(100), [0; 2]), 2);
    }
}
