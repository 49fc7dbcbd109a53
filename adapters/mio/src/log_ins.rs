//! How often a password may be tried.
//!
//! A wrong password is a key that nobody has: it names no account. So each unknown key counts as a try at every
//! account, against the prefix that it came from (/24, /64) and against all prefixes together. Each may fail
//! [`TRIES`] times, and once more every [`TRY_MICROS`]. Then even the right key is refused, as the wrong one is:
//!
//! - from that prefix;
//! - when all together have used up theirs, from prefixes where that account was not logged in to before. So strangers
//!   cannot keep somebody out where he usually is.
//!
//! The same key again is no new try. Keys of the allow file are not passwords, and nobody guesses them: none of this is
//! about them.

use crate::net::prefix::{Hasher, Prefix};
use skep_core::{Instant, guard::Buckets, guard::HOST_BUCKETS, seal::Public};
use std::{collections::VecDeque, net::IpAddr};

/// Tries that may fail at once.
const TRIES: u8 = 5;

/// One more may fail every so many microseconds: five in a minute.
const TRY_MICROS: u64 = 12_000_000;

/// Unknown keys that are remembered.
const REFUSED_MAX: usize = 256;

/// Accounts and prefixes that are remembered.
const FAMILIAR_MAX: usize = 4_096;

/// The failed tries of a while.
#[derive(Debug)]
pub(crate) struct LogIns {
    hasher: Hasher,
    of_prefixes: Buckets<HOST_BUCKETS, TRIES, TRY_MICROS>,
    of_all: Buckets<1, TRIES, TRY_MICROS>,
    refused: VecDeque<Public>,
    familiar: VecDeque<(Public, Prefix)>,
}

impl LogIns {
    pub(crate) fn new() -> Self {
        Self {
            hasher: Hasher::default(),
            of_prefixes: Buckets::new(),
            of_all: Buckets::new(),
            refused: VecDeque::new(),
            familiar: VecDeque::new(),
        }
    }

    /// Somebody there has a key that is unknown.
    pub(crate) fn failed(&mut self, now: Instant, key: &Public, from: IpAddr) {
        if self.refused.contains(key) {
            return;
        }
        remember(&mut self.refused, REFUSED_MAX, *key);
        // Who has used his own up takes nothing from others.
        if self.of_prefixes.take(now, self.hasher.hashes(Prefix::network(from))) {
            self.of_all.take(now, [0; 2]);
        }
    }

    /// Whether an account with this key may be logged in to from there.
    pub(crate) fn may(&mut self, now: Instant, key: &Public, from: IpAddr) -> bool {
        let prefix = Prefix::network(from);
        self.of_prefixes.has(now, self.hasher.hashes(prefix))
            && (self.of_all.has(now, [0; 2]) || self.familiar.contains(&(*key, prefix)))
    }

    /// It was.
    pub(crate) fn came_in(&mut self, key: &Public, from: IpAddr) {
        let place = (*key, Prefix::network(from));
        if !self.familiar.contains(&place) {
            remember(&mut self.familiar, FAMILIAR_MAX, place);
        }
    }
}

/// The oldest one is forgotten for it.
fn remember<T>(all: &mut VecDeque<T>, most: usize, one: T) {
    if all.len() >= most {
        all.pop_front();
    }
    all.push_back(one);
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Public = Public([1; 32]);

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn ip(network: u8) -> IpAddr {
        [192, 0, network, 1].into()
    }

    fn guess(log_ins: &mut LogIns, now: u64, numbers: std::ops::Range<u8>, network: u8) {
        for number in numbers {
            log_ins.failed(at(now), &Public([number; 32]), ip(network));
        }
    }

    #[test]
    fn case_38_after_five_wrong_keys_from_a_prefix_the_right_one_is_refused_there_too() {
        let mut log_ins = LogIns::new();
        guess(&mut log_ins, 0, 100..104, 7);
        assert!(log_ins.may(at(0), &OWN, ip(7)));
        guess(&mut log_ins, 0, 104..105, 7);
        assert!(!log_ins.may(at(11), &OWN, ip(7)));
        // Five a minute from then on.
        assert!(log_ins.may(at(12), &OWN, ip(7)));
        guess(&mut log_ins, 12, 105..106, 7);
        assert!(!log_ins.may(at(13), &OWN, ip(7)));
    }

    #[test]
    fn case_38_the_same_wrong_key_again_is_no_new_try() {
        let mut log_ins = LogIns::new();
        for _ in 0..100 {
            guess(&mut log_ins, 0, 100..102, 7);
        }
        assert!(log_ins.may(at(0), &OWN, ip(7)));
    }

    #[test]
    fn case_38_tries_from_many_prefixes_are_tries_at_one_account() {
        let mut log_ins = LogIns::new();
        log_ins.came_in(&OWN, ip(1));
        for network in 100..105 {
            guess(&mut log_ins, 0, network..network + 1, network);
        }
        // From wherever it was not logged in to before; there it still can be.
        assert!(!log_ins.may(at(0), &OWN, ip(2)) && log_ins.may(at(0), &OWN, ip(1)));
        assert!(!log_ins.may(at(0), &Public([2; 32]), ip(1)));
        assert!(log_ins.may(at(12), &OWN, ip(2)));
        // And a prefix that has used its own up takes no more from the others.
        let mut log_ins = LogIns::new();
        guess(&mut log_ins, 0, 10..200, 7);
        guess(&mut log_ins, 60, 200..203, 7);
        assert!(log_ins.may(at(60), &OWN, ip(2)));
    }

    #[test]
    fn case_38_what_is_remembered_is_bounded() {
        let mut log_ins = LogIns::new();
        for number in 0..10_000_u32 {
            let mut key = [0; 32];
            key[..4].copy_from_slice(&number.to_le_bytes());
            log_ins.failed(at(0), &Public(key), number.to_be_bytes().into());
            log_ins.came_in(&Public(key), (number << 8).to_be_bytes().into());
        }
        assert_eq!((log_ins.refused.len(), log_ins.familiar.len()), (REFUSED_MAX, FAMILIAR_MAX));
    }
}
