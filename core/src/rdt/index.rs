//! From a peer's address to its connection. Of few, all are asked instead.

use super::Peer;
use crate::{
    Memory,
    index::{self, Cell},
};
use core::net::IpAddr;

/// Up to so many need no index. A device's bound is a constant: the other code is left out.
const FEW: usize = 4;

/// The index. Entries are numbers below the memory's bound.
#[derive(Debug)]
pub(crate) struct Index<M> {
    index: index::Index<M>,
    seed: u64,
}

impl<M: Memory<Cell>> Index<M> {
    pub(crate) const fn new(cells: M, seed: u64) -> Self {
        Self { index: index::Index::new(cells), seed }
    }

    /// The number under `address` for which `is_it` holds.
    pub(crate) fn find(&self, address: &Peer, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        if self.index.bound() <= FEW {
            return (0..self.index.bound() as u32).find(|&number| is_it(number));
        }
        self.index.find(hash(self.seed, address), is_it)
    }

    /// Enters `number` under `address`. `false`: the memory has no place for it.
    #[must_use]
    pub(crate) fn insert(&mut self, address: &Peer, number: u32) -> bool {
        self.index.bound() <= FEW || self.index.insert(hash(self.seed, address), number)
    }

    /// Takes `number` out.
    pub(crate) fn remove(&mut self, number: u32) {
        if self.index.bound() > FEW {
            self.index.remove(number);
        }
    }
}

/// Seeded, so that nobody chooses addresses that fall into one bucket.
fn hash(seed: u64, peer: &Peer) -> u32 {
    let mut hash = seed;
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
    // The high half is the better mixed one.
    (hash >> 32) as u32
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
        let mut index = Index::new(heapless::Vec::<Cell, N>::new(), 7);
        let address = |number: u32| match number % 2 {
            0 => Peer::Address(SocketAddr::from(([10, 0, 0, 1], 1_000 + number as u16))),
            _ => Peer::Session(u64::from(number)),
        };
        let mut entries = BTreeMap::new();
        for number in 0..N as u32 {
            assert!(index.insert(&address(number), number));
            entries.insert(number, address(number));
        }
        for number in (0..N as u32).step_by(3) {
            index.remove(number);
            entries.remove(&number);
        }
        for number in 0..N as u32 {
            let found =
                index.find(&address(number), |candidate| entries.get(&candidate) == Some(&address(number)));
            assert_eq!(found, entries.contains_key(&number).then_some(number));
        }
    }
}
