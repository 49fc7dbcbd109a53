//! A device in small: a machine on the driver for smoltcp, with a network card and storage of its own.
//!
//! What goes over the network here are Ethernet frames: a [`Simulated`](crate::Simulated) network so becomes a cable
//! that loses, repeats and reorders them. The card of seat 0 has the address 10.0.0.1, and so on.

mod card;
mod storage;

pub use card::Card;
pub use storage::BoardStorage;

use crate::{Checked, Member, Network, Seat, Wiring, cable::PORT};
use skep_core::{Instant, rdt::Language, stream::StreamId, wire::seal::Purpose};
use skep_smoltcp::{Carrier, Driver, Machine, Stack, Storage};
use smoltcp::{
    iface::{Config, Interface, SocketSet},
    wire::{EthernetAddress, IpAddress, IpCidr},
};
use std::{any::Any, net::SocketAddr, time::Duration};

/// Streams that a board may have.
const STREAMS: usize = 8;

/// Turns at one moment after which a driver counts as one that never comes to an end.
const TURNS_MAX: usize = 10_000;

/// Whom a board calls, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whom {
    pub(crate) to: SocketAddr,
    pub(crate) language: Language,
    pub(crate) purpose: Purpose,
}

/// Which events ask for a call, and whom.
type Calls<E> = (fn(&E) -> bool, Whom);

/// A machine, its streams over `W`, and files in `F`.
pub struct Board<S: Machine, W: Wiring, F = BoardStorage> {
    seat: Seat,
    /// The network stack.
    pub stack: Stack<'static, Card>,
    /// The driver.
    pub driver: Driver<S, W::Carrier, STREAMS>,
    /// The files.
    pub storage: F,
    /// What the machine told, and when.
    pub events: Vec<(Instant, S::Event)>,
    /// How many frames that come at once its card is given before it makes a turn.
    pub feeds: usize,
    /// For so long after each turn it does something else, and frames wait in its card.
    pub naps: Duration,
    wakes_at: Instant,
    call: Option<(Instant, Whom)>,
    /// What of the machine's events asks for a call, and whom.
    calls_when: Option<Calls<S::Event>>,
    /// Whom it calls when the machine wants to.
    knows: Option<Whom>,
    has_opened: bool,
    was_killed: bool,
}

/// What a board's storage does with time.
pub trait Clocked {
    /// It is now that late.
    fn set_now(&mut self, _now: Instant) {}

    /// When it has its next answer.
    fn next_answer(&self) -> Option<Instant> {
        None
    }

    /// Files that are in use.
    fn in_use(&self) -> usize {
        0
    }
}

/// The network stack of who sits here.
pub(crate) fn stack(seat: Seat, card: Card, seed: u64) -> Stack<'static, Card> {
    let mut card = card;
    let mut config = Config::new(EthernetAddress([2, 0, 0, 0, 0, seat.0 as u8]).into());
    config.random_seed = seed;
    let mut interface = Interface::new(config, &mut card, smoltcp::time::Instant::ZERO);
    interface.update_ip_addrs(|addresses| addresses.push(IpCidr::new(ip(seat), 24)).unwrap());
    Stack::new(card, interface, SocketSet::new(Vec::new()))
}

/// Puts a frame on the cable: as a switch does, to the one whom it is for, or to all others.
pub(crate) fn send(from: Seat, frame: &[u8], network: &mut dyn Network) {
    let is_for = |seat: usize| match frame {
        [2, 0, 0, 0, 0, to, ..] => seat == usize::from(*to),
        [0xff, ..] => true,
        _ => false,
    };
    for seat in (0..network.seats()).filter(|seat| *seat != from.0 && is_for(*seat)) {
        network.send(from, network.address(Seat(seat)), frame);
    }
}

/// The address of the card at this seat.
pub(crate) fn ip(seat: Seat) -> IpAddress {
    IpAddress::v4(10, 0, 0, 1 + seat.0 as u8)
}

impl<S: Machine, W: Wiring, F: Storage + Clocked> Board<S, W, F> {
    /// A board whose streams are wired by `wire` from its stack.
    pub fn new(
        seat: Seat,
        card: Card,
        machine: S,
        storage: F,
        seed: u64,
        wire: impl FnOnce(&mut Stack<'static, Card>) -> W::Carrier,
    ) -> Self {
        let mut stack = stack(seat, card, seed);
        let carrier = wire(&mut stack);
        let driver = Driver::new(machine, carrier);
        let events = Vec::new();
        Self {
            seat,
            stack,
            driver,
            storage,
            events,
            feeds: 3,
            naps: Duration::ZERO,
            wakes_at: Instant::ZERO,
            call: None,
            calls_when: None,
            knows: None,
            has_opened: false,
            was_killed: false,
        }
    }

    /// It calls somebody at that moment.
    pub(crate) fn calling(self, at: Instant, whom: Whom) -> Self {
        Self { call: Some((at, whom)), ..self }
    }

    /// It calls somebody whenever the machine tells such an event.
    pub(crate) fn calling_when(self, is_it: fn(&S::Event) -> bool, whom: Whom) -> Self {
        Self { calls_when: Some((is_it, whom)), ..self }
    }

    /// It calls the tracker on the first seat whenever its machine wants to.
    pub fn knowing_tracker(self) -> Self {
        let to = SocketAddr::new(ip(Seat(0)).into(), PORT);
        Self { knows: Some(Whom { to, language: Language::Own, purpose: Purpose::Member }), ..self }
    }

    /// It calls later by so much.
    pub fn postpone(&mut self, span: Duration) {
        self.call = self.call.map(|(at, whom)| (at + span, whom));
    }

    /// The power is off: it says nothing any more.
    pub fn kill(&mut self) {
        self.was_killed = true;
    }

    fn call_when_due(&mut self, now: Instant) {
        if let Some((at, whom)) = self.call
            && at <= now
        {
            self.call = None;
            let called = W::call(now, &mut self.driver.carrier, &mut self.stack, &whom);
            assert!(self.driver.adopt(called).is_some(), "no room to call");
        }
    }

    /// Calls if the machine has asked for it since so many events. Whether it did.
    fn call_when_asked(&mut self, now: Instant, since: usize) -> bool {
        let Some((is_it, whom)) = self.calls_when else { return false };
        let calls = self.events.iter().skip(since).filter(|(_, event)| is_it(event)).count();
        for _ in 0..calls {
            self.dial(now, &whom);
        }
        calls > 0
    }

    fn dial(&mut self, now: Instant, whom: &Whom) {
        let called = W::call(now, &mut self.driver.carrier, &mut self.stack, whom);
        if self.driver.adopt(called).is_none() {
            self.driver.machine.unreachable(now, StreamId(0));
        }
    }

    fn has_nothing_to_do(&self) -> bool {
        self.call.is_none()
            && self.calls_when.is_none()
            && self.knows.is_none()
            && self.driver.count() == 0
            && self.storage.next_answer().is_none()
    }
}

impl<S, W, F> Member for Board<S, W, F>
where
    S: Machine + Checked + 'static,
    S::Event: 'static,
    W: Wiring,
    F: Storage + Clocked + 'static,
{
    fn arrive(&mut self, _: Instant, _: SocketAddr, frame: &[u8]) {
        self.stack.device.arrive(frame);
    }

    fn poll(&mut self, now: Instant, network: &mut dyn Network) -> Option<Instant> {
        if self.was_killed {
            return None;
        }
        if now < self.wakes_at {
            return Some(self.wakes_at);
        }
        self.storage.set_now(now);
        self.call_when_due(now);
        let mut deadline = Some(now);
        for turn in 0.. {
            assert!(turn < TURNS_MAX, "board {} does not come to a wait", self.seat.0);
            let since = self.events.len();
            let events = &mut self.events;
            deadline = self.driver.turn(now, &mut self.stack, &mut self.storage, |_, event| {
                events.push((now, event));
            });
            self.has_opened |= (0..STREAMS as u32).any(|stream| self.driver.is_open(StreamId(stream)));
            while let Some(frame) = self.stack.device.leave() {
                send(self.seat, &frame, network);
            }
            let mut calls = self.call_when_asked(now, since);
            if self.driver.machine.wants_call()
                && let Some(whom) = self.knows
            {
                self.dial(now, &whom);
                calls = true;
            }
            if !calls && deadline.is_none_or(|deadline| deadline > now) {
                break;
            }
        }
        if !self.naps.is_zero() {
            self.wakes_at = now + self.naps;
            return Some(self.wakes_at);
        }
        let call = self.call.map(|call| call.0);
        [deadline, self.storage.next_answer(), call].into_iter().flatten().min()
    }

    fn feeds(&self) -> usize {
        self.feeds
    }

    fn is_quiet(&self, now: Instant) -> bool {
        self.was_killed
            || self.has_nothing_to_do()
                && W::is_quiet(&self.driver.carrier)
                && now >= self.driver.carrier.linger_until()
    }

    fn check_over(&self) {
        if self.was_killed {
            return;
        }
        assert_eq!(self.storage.in_use(), 0, "files are in use");
        if self.has_opened {
            self.driver.machine.check_over();
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
