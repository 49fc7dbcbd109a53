//! What the system knows of the way to a peer.

use std::net::SocketAddr;

/// The longest datagram, in bytes of UDP's payload, that the route to a peer carries as far as the system knows: what the
/// interface carries, or a tunnel, or less when a router has said so. `None`: it does not tell.
#[cfg(target_os = "linux")]
pub(crate) fn carries(to: SocketAddr) -> Option<usize> {
    use rustix::net::sockopt::{ip_mtu, ipv6_mtu};
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

    // Connecting sends nothing; it only has the route looked up.
    let ip = to.ip().to_canonical();
    let any = if ip.is_ipv4() { IpAddr::from(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    let to = if ip == to.ip() { to } else { SocketAddr::new(ip, to.port()) };
    socket.connect(to).ok()?;
    let (carried, headers) = if ip.is_ipv4() { (ip_mtu(&socket), 28) } else { (ipv6_mtu(&socket), 48) };
    Some((carried.ok()? as usize).saturating_sub(headers))
}

/// The same where nobody is asked: the call finds it out.
#[cfg(not(target_os = "linux"))]
pub(crate) fn carries(_to: SocketAddr) -> Option<usize> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_carries_more_than_an_ethernet() {
        for to in ["127.0.0.1:9", "[::ffff:127.0.0.1]:9"] {
            assert!(carries(to.parse().unwrap()).unwrap() > 1_500, "{to}");
        }
    }
}
