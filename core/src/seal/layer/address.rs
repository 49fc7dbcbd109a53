//! Where a peer is, in the room that this needs: sessions are many.

use core::net::{IpAddr, SocketAddr, SocketAddrV6};

/// An address. A `SocketAddr` takes 32 bytes, as it aligns its numbers, and tells flows apart, which nobody does here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address {
    ip: IpAddr,
    port: [u8; 2],
    /// Of a link-local one: which network.
    scope: [u8; 4],
}

impl From<SocketAddr> for Address {
    #[inline(never)] // for size: core/panic-check/run shows it
    fn from(address: SocketAddr) -> Self {
        let scope = match address {
            SocketAddr::V4(_) => 0,
            SocketAddr::V6(address) => address.scope_id(),
        };
        Self { ip: address.ip(), port: address.port().to_ne_bytes(), scope: scope.to_ne_bytes() }
    }
}

impl From<Address> for SocketAddr {
    #[inline(never)] // for size: core/panic-check/run shows it
    fn from(address: Address) -> Self {
        let port = u16::from_ne_bytes(address.port);
        match address.ip {
            IpAddr::V4(ip) => (ip, port).into(),
            IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, u32::from_ne_bytes(address.scope)).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_same_again_but_for_its_flow() {
        for address in ["192.0.2.7:40112", "[2001:db8::7]:1", "[fe80::1%3]:7537"] {
            let address: SocketAddr = address.parse().unwrap();
            assert_eq!(SocketAddr::from(Address::from(address)), address);
        }
        let [one, other] = [1, 2].map(|flow| SocketAddr::from(SocketAddrV6::new([7; 8].into(), 7, flow, 0)));
        assert_eq!(Address::from(one), Address::from(other));
        assert_eq!(size_of::<Address>(), 23);
    }
}
