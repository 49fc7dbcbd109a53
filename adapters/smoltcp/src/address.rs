//! Addresses, between the standard library's form and smoltcp's.

use core::net::SocketAddr;
use smoltcp::wire::{IpAddress, IpEndpoint};

/// The endpoint at this address; `None` when the stack does not speak its version of IP, or nobody can be there.
pub(crate) fn endpoint(address: SocketAddr) -> Option<IpEndpoint> {
    let ip = match address {
        SocketAddr::V4(address) => IpAddress::Ipv4(*address.ip()),
        #[cfg(feature = "ipv6")]
        SocketAddr::V6(address) => IpAddress::Ipv6(*address.ip()),
        #[cfg(not(feature = "ipv6"))]
        SocketAddr::V6(_) => return None,
    };
    let is_possible = address.port() != 0 && ip.is_unicast();
    is_possible.then_some(IpEndpoint::new(ip, address.port()))
}
