//! The addresses of a host, called as RFC 8305 has it: the next one some time after the one before, or as soon as that has
//! failed. Who answers first is spoken with, and the others are let go.

use super::{
    Way,
    attempt::{Attempt, End, TICK},
};
use crate::{driver::Storage, exit::Failure};
use std::{
    collections::VecDeque,
    net::SocketAddr,
    slice::Iter,
    time::{Duration, Instant as Clock},
};

/// How often each of several calls is looked at.
const SLICE: Duration = Duration::from_millis(5);

/// A call that is not answered, and how its address can be called besides.
struct Call<'a, F: Storage> {
    attempt: Box<Attempt<'a, F>>,
    address: SocketAddr,
    way: Way,
    ways: Iter<'static, Way>,
}

/// Calls that are made until one is answered; `S` begins one, or says why it cannot.
pub(super) struct Race<'a, F: Storage, S> {
    start: S,
    ways: &'static [Way],
    apart: Duration,
    /// Addresses that have not been called.
    waiting: VecDeque<SocketAddr>,
    /// When the next of them is called.
    next: Clock,
    calls: Vec<Call<'a, F>>,
    failed: Vec<Failed>,
}

/// What a race came to.
pub(super) enum Outcome<'a, F: Storage> {
    Answered(Box<Attempt<'a, F>>, End),
    /// By nobody; what became of each call.
    Unanswered(Vec<Failed>),
}

/// What became of a call that was not answered.
pub(super) type Failed = (SocketAddr, Way, String);

impl<'a, F, S> Race<'a, F, S>
where
    F: Storage,
    S: Fn(SocketAddr, Way) -> Result<Result<Attempt<'a, F>, String>, Failure>,
{
    /// At each address all ways are tried, one after the other.
    pub(super) fn new(addresses: &[SocketAddr], ways: &'static [Way], apart: Duration, start: S) -> Self {
        Self {
            start,
            ways,
            apart,
            waiting: addresses.iter().copied().collect(),
            next: Clock::now(),
            calls: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// Calls until somebody answers, and moves until the end of that.
    pub(super) fn run(mut self) -> Result<Outcome<'a, F>, Failure> {
        loop {
            while self.calls.is_empty() || self.next <= Clock::now() {
                let Some(address) = self.waiting.pop_front() else { break };
                self.next = Clock::now() + self.apart;
                self.call(address, self.ways.iter())?;
            }
            if self.calls.is_empty() {
                return Ok(Outcome::Unanswered(self.failed));
            }
            let longest = self.longest();
            let mut index = 0;
            while let Some(call) = self.calls.get_mut(index) {
                match call.attempt.turn(longest)? {
                    Some(End::Unconnected(reason)) => {
                        let Call { attempt, address, way, ways } = self.calls.remove(index);
                        // The next one may be traced into the same file.
                        drop(attempt);
                        self.failed.push((address, way, reason));
                        self.call(address, ways)?;
                    }
                    Some(end) => return Ok(Outcome::Answered(self.only(index), end)),
                    None if call.attempt.is_connected() => {
                        let mut attempt = self.only(index);
                        loop {
                            if let Some(end) = attempt.turn(TICK)? {
                                return Ok(Outcome::Answered(attempt, end));
                            }
                        }
                    }
                    None => index += 1,
                }
            }
        }
    }

    /// Calls an address by the first of these ways that can be begun.
    fn call(&mut self, address: SocketAddr, mut ways: Iter<'static, Way>) -> Result<(), Failure> {
        while let Some(&way) = ways.next() {
            match (self.start)(address, way)? {
                Ok(attempt) => {
                    let attempt = Box::new(attempt);
                    self.calls.push(Call { attempt, address, way, ways });
                    break;
                }
                Err(reason) => self.failed.push((address, way, reason)),
            }
        }
        Ok(())
    }

    /// How long a call may be waited for before others have their turn.
    fn longest(&self) -> Duration {
        match (self.calls.len(), self.waiting.is_empty()) {
            (1, true) => TICK,
            (1, false) => TICK.min(self.next.saturating_duration_since(Clock::now())),
            _ => SLICE,
        }
    }

    /// The call that was answered; the others are let go.
    fn only(&mut self, index: usize) -> Box<Attempt<'a, F>> {
        let Call { attempt, .. } = self.calls.remove(index);
        for call in &mut self.calls {
            call.attempt.let_go();
        }
        self.calls.clear();
        attempt
    }
}
