//! What lies between two sides.

use crate::Choices;
use skep_core::Instant;
use std::{
    collections::{BTreeMap, btree_map::OccupiedEntry},
    net::SocketAddr,
    time::Duration,
};

/// The way of a datagram that nothing happens to.
const DELAY: Duration = Duration::from_millis(1);

/// The address of a side that has not moved.
pub(crate) fn address(number: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1 + number as u8], 7))
}

pub(crate) struct Datagram {
    pub(crate) to: usize,
    pub(crate) from: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

/// Datagrams under way.
#[derive(Default)]
pub(crate) struct Network {
    /// By the moment of their arrival, and by their order.
    under_way: BTreeMap<(Instant, u64), Datagram>,
    count: u64,
    /// Something was lost, delayed or doubled.
    pub(crate) is_rough: bool,
    /// Something was damaged, or said in another's name: what arrives may be anything.
    pub(crate) is_tampered: bool,
    /// Where the caller is now, when it is not where it was.
    pub(crate) moved: Option<SocketAddr>,
}

impl Network {
    /// The address of a side.
    pub(crate) fn address(&self, number: usize) -> SocketAddr {
        self.moved.filter(|_| number == 0).unwrap_or(address(number))
    }

    /// The moment of the next arrival.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.under_way.first_key_value().map(|(&(at, _), _)| at)
    }

    /// A datagram that has arrived.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Datagram> {
        self.under_way.first_entry().filter(|first| first.key().0 <= now).map(OccupiedEntry::remove)
    }

    /// A side sends a datagram to the other.
    pub(crate) fn send(&mut self, now: Instant, from: usize, bytes: &[u8], choices: &mut Choices<'_>) {
        let arrival = now + DELAY;
        let fate = choices.byte();
        self.is_rough |= fate >= 160;
        match fate {
            0..160 => self.put(arrival, from, bytes),
            160..200 => {}
            200..215 => {
                self.put(arrival, from, bytes);
                self.put(arrival + later(choices), from, bytes);
            }
            215..240 => self.put(arrival + later(choices), from, bytes),
            240..247 => {
                self.is_tampered = true;
                let place = choices.below(bytes.len().min(64));
                let mut damaged = bytes.to_vec();
                damaged[place] ^= choices.byte().max(1);
                if choices.rarely(8) {
                    damaged.truncate(place);
                }
                self.put(arrival, from, &damaged);
            }
            247..252 => {
                self.is_tampered = true;
                self.put(arrival, from, bytes);
                let said = said(bytes, choices);
                self.put(arrival, from, &said);
            }
            252.. => {
                // Or a copy of it, from somewhere else, which comes first.
                let said = if choices.rarely(3) { bytes.to_vec() } else { said(bytes, choices) };
                let stranger = SocketAddr::from(([10, 0, 0, 9], u16::from(choices.byte() % 4)));
                self.enter(arrival, Datagram { to: 1 - from, from: stranger, bytes: said });
                self.put(arrival, from, bytes);
            }
        }
    }

    fn put(&mut self, arrival: Instant, from: usize, bytes: &[u8]) {
        let datagram = Datagram { to: 1 - from, from: self.address(from), bytes: bytes.to_vec() };
        self.enter(arrival, datagram);
    }

    fn enter(&mut self, arrival: Instant, datagram: Datagram) {
        self.count += 1;
        self.under_way.insert((arrival, self.count), datagram);
    }
}

fn later(choices: &mut Choices<'_>) -> Duration {
    // From less than a round trip to more than an idle time.
    let byte = u64::from(choices.byte());
    Duration::from_micros(100 + byte * byte * 800)
}

/// Words of a liar: the beginning of a true datagram, and then anything.
fn said(bytes: &[u8], choices: &mut Choices<'_>) -> Vec<u8> {
    let kept = choices.below(bytes.len().min(64) + 1);
    let length = choices.below(48);
    [&bytes[..kept], choices.bytes(length)].concat()
}
