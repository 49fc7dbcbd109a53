//! From a peer's address to its connection: a hash table with chains, in one memory. Of few, all are asked instead.

use super::Peer;
use crate::Memory;
use core::net::IpAddr;

const NONE: u32 = u32::MAX;

/// Up to so many need no table. A device's bound is a constant: the other code is left out.
const FEW: usize = 4;

/// A bucket, and the chain of the connection with the same number.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Link {
    /// The first connection in this bucket.
    first: u32,
    /// The connection after the one with this link's number.
    after: u32,
}

impl Link {
    const fn empty() -> Self {
        Self { first: NONE, after: NONE }
    }
}

/// The index. Entries are numbers below the memory's bound.
#[derive(Debug)]
pub(crate) struct Index<M> {
    links: M,
    /// Keeps peers from choosing addresses that fall into one bucket.
    seed: u64,
}

impl<M: Memory<Link>> Index<M> {
    pub(crate) const fn new(links: M, seed: u64) -> Self {
        Self { links, seed }
    }

    /// The number under `address` for which `is_it` holds.
    pub(crate) fn find(&self, address: &Peer, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        if self.links.bound() <= FEW {
            return (0..self.links.bound() as u32).find(|&number| is_it(number));
        }
        let links = self.links.values();
        let mut number = links.get(self.bucket(address))?.first;
        // The chain is as long as the memory at most: bounded even if it were wrong.
        for _ in 0..links.len() {
            if number == NONE {
                return None;
            }
            if is_it(number) {
                return Some(number);
            }
            number = links.get(number as usize)?.after;
        }
        None
    }

    /// Enters `number` under `address`. `others` are the entries so far, with their addresses: they move when
    /// the memory grows.
    pub(crate) fn insert(&mut self, address: &Peer, number: u32, others: impl Iterator<Item = (u32, Peer)>) {
        if self.links.bound() <= FEW {
            return;
        }
        if number as usize >= self.links.values().len() {
            let length = (number as usize).saturating_add(1).saturating_mul(2).min(self.links.bound());
            self.links.grow(length, Link::empty);
            self.links.values_mut().fill(Link::empty());
            for (other, its_address) in others {
                self.chain(&its_address, other);
            }
        }
        self.chain(address, number);
    }

    /// Takes `number` out from under `address`.
    pub(crate) fn remove(&mut self, address: &Peer, number: u32) {
        if self.links.bound() <= FEW {
            return;
        }
        let bucket = self.bucket(address);
        let links = self.links.values_mut();
        let Some(after) = links.get(number as usize).map(|link| link.after) else { return };
        let Some(first) = links.get(bucket).map(|link| link.first) else { return };
        if first == number {
            if let Some(link) = links.get_mut(bucket) {
                link.first = after;
            }
            return;
        }
        let mut before = first;
        for _ in 0..links.len() {
            let Some(link) = links.get_mut(before as usize) else { return };
            if link.after == number {
                link.after = after;
                return;
            }
            before = link.after;
        }
    }

    fn chain(&mut self, address: &Peer, number: u32) {
        let bucket = self.bucket(address);
        let links = self.links.values_mut();
        let Some(link) = links.get_mut(bucket) else { return };
        let after = core::mem::replace(&mut link.first, number);
        if let Some(link) = links.get_mut(number as usize) {
            link.after = after;
        }
    }

    fn bucket(&self, peer: &Peer) -> usize {
        let mut hash = self.seed;
        let mut mix = |word: u64| {
            hash = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            hash ^= hash >> 32;
        };
        match peer {
            Peer::Address(address) => {
                match address.ip() {
                    IpAddr::V4(ip) => mix(u64::from(ip.to_bits())),
                    IpAddr::V6(ip) => {
                        mix((ip.to_bits() >> 64) as u64);
                        mix(ip.to_bits() as u64);
                    }
                }
                mix(u64::from(address.port()));
            }
            Peer::Session(session) => mix(*session),
        }
        // Multiply and shift instead of a division: the high half decides.
        (((hash >> 32) * (self.links.values().len() as u64 & 0xffff_ffff)) >> 32) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::SocketAddr;
    use std::collections::BTreeMap;

    #[test]
    fn every_address_finds_its_own_number_through_growth_and_removal() {
        check::<64>();
        check::<{ FEW }>();
    }

    fn check<const N: usize>() {
        let mut index = Index::new(heapless::Vec::<Link, N>::new(), 7);
        let address = |number: u32| match number % 2 {
            0 => Peer::Address(SocketAddr::from(([10, 0, 0, 1], 1_000 + number as u16))),
            _ => Peer::Session(u64::from(number)),
        };
        let mut entries = BTreeMap::new();
        for number in 0..N as u32 {
            let others: Vec<_> = entries.iter().map(|(&number, &address)| (number, address)).collect();
            index.insert(&address(number), number, others.into_iter());
            entries.insert(number, address(number));
        }
        for number in (0..N as u32).step_by(3) {
            index.remove(&address(number), number);
            entries.remove(&number);
        }
        for number in 0..N as u32 {
            let found =
                index.find(&address(number), |candidate| entries.get(&candidate) == Some(&address(number)));
            assert_eq!(found, entries.contains_key(&number).then_some(number));
        }
    }
}
