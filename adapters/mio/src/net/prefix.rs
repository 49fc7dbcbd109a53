//! Whom an address belongs to, as far as can be seen: the network it is in.

use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
};

/// A network: that of an address without its last bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Prefix(IpAddr);

impl Prefix {
    /// The /24 of an IPv4 address; of an IPv6 address so many bits. An IPv4 address in IPv6 clothes is one.
    fn of(ip: IpAddr, v6_bits: u32) -> Self {
        Self(match ip.to_canonical() {
            IpAddr::V4(ip) => IpAddr::V4((ip.to_bits() & !0xff).into()),
            IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() & !(u128::MAX >> v6_bits)).into()),
        })
    }

    /// The /24 or /48: what a customer of a provider has at most, as the guard of UDP counts.
    pub(crate) fn site(ip: IpAddr) -> Self {
        Self::of(ip, 48)
    }

    /// The /24 or /64: one network with the machines in it.
    pub(crate) fn network(ip: IpAddr) -> Self {
        Self::of(ip, 64)
    }
}

/// Hashes prefixes in a way that nobody outside knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hasher(RandomState);

impl Hasher {
    /// The two hashes for [`Buckets`](skep_core::guard::Buckets).
    pub(crate) fn hashes(&self, prefix: Prefix) -> [u64; 2] {
        [0_u8, 1].map(|which| self.0.hash_one((which, prefix)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_network_of_either_version() {
        let [network, site] = [Prefix::network, Prefix::site].map(|prefix| {
            move |one: &str, other: &str| prefix(one.parse().unwrap()) == prefix(other.parse().unwrap())
        });
        assert!(network("192.0.2.1", "192.0.2.255") && !network("192.0.2.1", "192.0.3.1"));
        assert!(network("192.0.2.1", "::ffff:192.0.2.7") && site("192.0.2.1", "::ffff:192.0.2.7"));
        assert!(
            network("2001:db8:1:2::1", "2001:db8:1:2:3::") && !network("2001:db8:1:2::", "2001:db8:1:3::")
        );
        assert!(site("2001:db8:1:2::", "2001:db8:1:3::") && !site("2001:db8:1::", "2001:db8:2::"));
    }
}
