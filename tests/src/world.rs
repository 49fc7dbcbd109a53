//! Members on a network, run until all is quiet.

use crate::{Network, Seat};
use skep_core::Instant;
use std::{any::Any, marker::PhantomData, net::SocketAddr, time::Duration};

/// Steps (datagrams and deadlines) after which a run counts as one that never ends.
const STEPS_MAX: u64 = 20_000_000;

/// Who takes part.
pub trait Member: Any {
    /// A datagram has come.
    fn arrive(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]);

    /// Does all there is to do; when there is more.
    fn poll(&mut self, now: Instant, network: &mut dyn Network) -> Option<Instant>;

    /// How many datagrams that come at once it takes before it is polled.
    fn feeds(&self) -> usize {
        1
    }

    /// Whether it owes nothing and waits for nothing.
    fn is_quiet(&self, now: Instant) -> bool;

    /// Panics when something is left over.
    fn check_over(&self) {}

    /// Itself.
    fn as_any(&self) -> &dyn Any;

    /// Itself.
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

/// A member of a world, by its type.
#[derive(Debug)]
pub struct Handle<M> {
    index: usize,
    seat: Seat,
    member: PhantomData<fn() -> M>,
}

impl<M> Clone for Handle<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Handle<M> {}

/// A network and its members.
pub struct World<N> {
    // Dropped first: a failing test tells of the network last, when the panic is known.
    members: Vec<Box<dyn Member>>,
    deadlines: Vec<Option<Instant>>,
    /// What is between them.
    pub network: N,
    /// Polls now and then before a deadline has come, when nothing may be owed.
    pub is_impatient: bool,
    steps: u64,
    /// After so many steps a run counts as one that never ends.
    pub steps_max: u64,
}

impl<N: Network> World<N> {
    /// Nobody yet.
    pub fn new(network: N) -> Self {
        Self {
            members: Vec::new(),
            deadlines: Vec::new(),
            network,
            is_impatient: false,
            steps: 0,
            steps_max: STEPS_MAX,
        }
    }

    /// One more member, made for its seat.
    pub fn add<M: Member>(&mut self, make: impl FnOnce(Seat) -> M) -> Handle<M> {
        let seat = self.network.join();
        assert_eq!(seat.0, self.members.len());
        self.members.push(Box::new(make(seat)));
        self.deadlines.push(Some(Instant::ZERO));
        Handle { index: seat.0, seat, member: PhantomData }
    }

    /// Puts another member into somebody's seat: a program that was restarted.
    pub fn replace<L, M: Member>(&mut self, old: Handle<L>, make: impl FnOnce(Seat) -> M) -> Handle<M> {
        self.members[old.index] = Box::new(make(old.seat));
        self.deadlines[old.index] = Some(Instant::ZERO);
        Handle { index: old.index, seat: old.seat, member: PhantomData }
    }

    /// A member's address.
    pub fn address<M>(&self, handle: Handle<M>) -> SocketAddr {
        self.network.address(handle.seat)
    }

    /// A member.
    pub fn get<M: Member>(&self, handle: Handle<M>) -> &M {
        self.members[handle.index].as_any().downcast_ref().expect("a handle knows its type")
    }

    /// A member, to change. It is polled next.
    pub fn get_mut<M: Member>(&mut self, handle: Handle<M>) -> &mut M {
        self.deadlines[handle.index] = Some(Instant::ZERO);
        self.members[handle.index].as_any_mut().downcast_mut().expect("a handle knows its type")
    }

    /// The time.
    pub fn now(&self) -> Instant {
        self.network.now()
    }

    /// Runs until all is quiet, and checks that nothing is left.
    pub fn run(&mut self) {
        while self.step(None) {}
        let now = self.now();
        for (number, member) in self.members.iter().enumerate() {
            assert!(member.is_quiet(now), "member {number} is not quiet, and waits for nothing");
            member.check_over();
        }
    }

    /// Runs until that moment.
    pub fn run_until(&mut self, at: Instant) {
        while self.now() < at && self.step(Some(at)) {}
        while self.network.is_virtual() && self.now() < at {
            self.network.next(Some(at));
        }
    }

    /// Runs for so long.
    pub fn run_for(&mut self, span: Duration) {
        self.run_until(self.now() + span);
    }

    /// Runs so many steps, if there are as many.
    pub fn run_steps(&mut self, count: u64) {
        for _ in 0..count {
            self.step(None);
        }
    }

    /// Runs until something holds; panics when all is quiet before.
    pub fn run_to(&mut self, mut holds: impl FnMut(&Self) -> bool) {
        while !holds(self) {
            assert!(self.step(None), "it never holds");
        }
    }

    /// How many steps it took so far.
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// One datagram, or one deadline, not later than `until`. `false`: all is quiet.
    fn step(&mut self, until: Option<Instant>) -> bool {
        self.steps += 1;
        assert!(self.steps < self.steps_max, "no end after {} steps", self.steps);
        let now = self.now();
        if self.deadlines.iter().flatten().any(|&deadline| deadline <= now) {
            self.poll_due(now);
            return true;
        }
        let earliest = self.deadlines.iter().flatten().min().copied();
        if self.network.is_idle() && self.members.iter().all(|member| member.is_quiet(now)) {
            return false;
        }
        let mut wake = [earliest, until].into_iter().flatten().min();
        let is_early = self.is_impatient && self.steps.is_multiple_of(3);
        if let Some(at) = wake.as_mut().filter(|_| is_early) {
            *at = Instant::from_micros(now.as_micros() + (at.as_micros() - now.as_micros()) / 2);
        }
        match self.network.next(wake) {
            Some(arrival) => {
                let (seat, now) = (arrival.seat, self.now());
                let Some(member) = self.members.get_mut(seat.0) else { return true };
                member.arrive(now, arrival.from, &arrival.bytes);
                for _ in 1..member.feeds() {
                    let Some(next) = self.network.next_at_once(seat) else { break };
                    member.arrive(now, next.from, &next.bytes);
                }
                self.poll(seat.0, now);
            }
            None if wake.is_none() => return false,
            None if is_early => self.poll_early(),
            None => self.poll_due(self.now()),
        }
        true
    }

    fn poll_due(&mut self, now: Instant) {
        for index in 0..self.members.len() {
            if self.deadlines[index].is_some_and(|deadline| deadline <= now) {
                self.poll(index, now);
            }
        }
    }

    fn poll(&mut self, index: usize, now: Instant) {
        let deadline = self.members[index].poll(now, &mut self.network);
        if let Some(deadline) = deadline {
            assert!(deadline > now, "member {index} waits for a moment that is over");
        }
        if self.network.is_virtual() {
            let again = self.members[index].poll(now, &mut self.network);
            assert_eq!(again, deadline, "member {index} was polled again, and something changed");
        }
        self.deadlines[index] = deadline;
    }

    /// Nothing is owed before a deadline.
    fn poll_early(&mut self) {
        let now = self.now();
        for index in 0..self.members.len() {
            let deadline = self.members[index].poll(now, &mut self.network);
            let expected = self.deadlines[index];
            if expected.is_none_or(|deadline| deadline > now) {
                assert_eq!(deadline, expected, "member {index} had something to do before its deadline");
            }
            self.deadlines[index] = deadline;
        }
    }
}
