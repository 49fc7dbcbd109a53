//! Connections of each network among those of all: each takes a file descriptor, and nobody is to take all of them.

use std::{collections::HashMap, net::IpAddr};

use mio::net::TcpStream;

use crate::{descriptors, net::prefix::Prefix};

/// A network may have so many times as many connections as there are descriptors left. So one has at most three
/// quarters of those that there are, two have three sevenths each, and however many there are, some are left.
const TIMES_FREE: usize = 3;

/// How many connections were accepted from each network (/24, /48), and are open.
#[derive(Debug, Default)]
pub(super) struct NetworkQuota {
    networks: HashMap<Prefix, usize>,
    all: usize,
}

impl NetworkQuota {
    /// Whether one more may come from an address, when so many descriptors are left.
    fn has_room(&self, from: IpAddr, free: usize) -> bool {
        self.of(from) < free.saturating_mul(TIMES_FREE)
    }

    /// Whether a connection that was just accepted may stay.
    pub(super) fn admits(&self, socket: &TcpStream, from: IpAddr) -> bool {
        descriptors::left_behind(socket, self.all).is_none_or(|free| self.has_room(from, free))
    }

    /// How many connections there are from the network of an address.
    pub(super) fn of(&self, from: IpAddr) -> usize {
        self.networks.get(&Prefix::site(from)).copied().unwrap_or(0)
    }

    pub(super) fn enter(&mut self, from: IpAddr) {
        *self.networks.entry(Prefix::site(from)).or_default() += 1;
        self.all += 1;
    }

    pub(super) fn leave(&mut self, from: IpAddr) {
        let prefix = Prefix::site(from);
        if let Some(count) = self.networks.get_mut(&prefix) {
            self.all -= 1;
            *count -= 1;
            if *count == 0 {
                self.networks.remove(&prefix);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many networks come again and again until none gets in: how many connections each has.
    fn shares(networks: u8, places: usize) -> Vec<usize> {
        let mut quota = NetworkQuota::default();
        let address = |network| IpAddr::from([10, network, 0, 1]);
        let mut taken = 0;
        loop {
            let before = taken;
            for network in 0..networks {
                if quota.has_room(address(network), places - taken) {
                    quota.enter(address(network));
                    taken += 1;
                }
            }
            if taken == before {
                return (0..networks).map(|network| quota.of(address(network))).collect();
            }
        }
    }

    #[test]
    fn one_network_has_three_quarters_and_two_three_sevenths_each() {
        assert_eq!(shares(1, 1_000), [750]);
        assert_eq!(shares(2, 700), [300, 300]);
        assert!(shares(200, 1_000).into_iter().sum::<usize>() < 1_000);
    }

    #[test]
    fn who_leaves_makes_room_and_is_forgotten() {
        let mut quota = NetworkQuota::default();
        let (one, same, other) = ([192, 0, 2, 1].into(), [192, 0, 2, 9].into(), [192, 0, 3, 1].into());
        quota.enter(one);
        quota.enter(same);
        assert_eq!((quota.of(one), quota.of(other)), (2, 0));
        quota.leave(one);
        quota.leave(other);
        assert_eq!(quota.of(same), 1);
        quota.leave(same);
        assert!(quota.networks.is_empty() && quota.all == 0);
    }
}
