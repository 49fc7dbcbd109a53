//! Where a server listens, and how others find it.

use std::net::SocketAddr;

use crate::url::Host;

/// An address where any port will do gets one that is free for TCP and for UDP: the system looks at one of them only.
pub(super) fn free_for_both(address: SocketAddr) -> SocketAddr {
    const TRIES: usize = 16;
    if address.port() != 0 {
        return address;
    }
    let find = || {
        let stream = std::net::TcpListener::bind(address).ok()?;
        let bound = stream.local_addr().ok()?;
        std::net::UdpSocket::bind(bound).ok().map(|_| bound)
    };
    (0..TRIES).find_map(|_| find()).unwrap_or(address)
}

/// What others call a server that listens there, for a link.
pub(super) fn reached_at(bound: SocketAddr) -> Host {
    let name = match bound.ip() {
        ip if ip.is_unspecified() => host_name(),
        ip => ip.to_string(),
    };
    Host { name, port: bound.port() }
}

/// What this machine is called, for a link that others can use.
fn host_name() -> String {
    #[cfg(unix)]
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    if name.is_empty() { "localhost".to_owned() } else { name }
}
