//! From which of the host's addresses a peer is answered: from the one that it called.
//!
//! A host may have several on one interface; with IPv6 it nearly always has. Left alone, the system answers from the one
//! that it likes best, and the caller takes that for a stranger. The endpoint and the sealed layer know a peer by its address
//! alone, so the number of ours that it called stands in the scope of its address, above the numbers of interfaces:
//!
//! ```text
//!   31    24 23                      0
//!   | ours  | interface (link-local) |        0: the system chooses
//! ```
//!
//! The system chooses for those that we call: when the host moves to another network it finds the new address.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket},
};

/// Where the number of ours begins in the scope.
const SHIFT: u32 = 24;

/// The most addresses of ours that have a number.
const OURS_MAX: usize = 255;

/// Of so many that we called it is remembered; from then on the half of them that was not heard of for longest is
/// forgotten.
const CALLED_MAX: usize = 1_024;

/// What is known of the host's addresses, on a socket that is not bound to one of them.
#[derive(Debug)]
pub(super) struct Sources {
    is_v4: bool,
    /// By number, from 1 on: those that were called, and whether one can send from them.
    ours: Vec<(IpAddr, bool)>,
    /// Whom we called, and how many we had called when something last came from there.
    called: HashMap<SocketAddr, u64>,
    calls: u64,
    /// The address of ours that was called last, and its number.
    last: Option<(IpAddr, u8)>,
}

impl Sources {
    /// Nothing for a socket that is bound to an address: all leaves from there.
    pub(super) fn new(bound: SocketAddr) -> Option<Self> {
        let new =
            Self { is_v4: bound.is_ipv4(), ours: Vec::new(), called: HashMap::new(), calls: 0, last: None };
        bound.ip().is_unspecified().then_some(new)
    }

    /// We call that address.
    pub(super) fn call(&mut self, to: SocketAddr) {
        self.calls += 1;
        self.called.insert(to, self.calls);
        if self.called.len() > CALLED_MAX {
            let mut heard: Vec<u64> = self.called.values().copied().collect();
            let (_, &mut middle, _) = heard.select_nth_unstable(CALLED_MAX / 2);
            self.called.retain(|_, last| *last > middle);
        }
    }

    /// A peer, by the address that its datagram came from and the one of ours that it was for.
    pub(super) fn note(&mut self, from: SocketAddr, ours: IpAddr) -> SocketAddr {
        if let Some(last) = self.called.get_mut(&from) {
            *last = self.calls;
            return from;
        }
        let number = match self.last {
            Some((last, number)) if last == ours => number,
            _ => self.number(from, ours),
        };
        self.last = Some((ours, number));
        match (number, from) {
            (0, _) => from,
            (_, SocketAddr::V4(from)) => numbered(from.ip().to_ipv6_mapped(), from.port(), 0, number),
            (_, SocketAddr::V6(from)) => numbered(*from.ip(), from.port(), from.scope_id(), number),
        }
    }

    /// That peer, as if it had called that address of ours.
    #[cfg(test)]
    pub(super) fn pretend(&mut self, from: SocketAddr, ours: IpAddr) -> SocketAddr {
        self.ours.push((ours, true));
        self.note(from, ours)
    }

    fn number(&mut self, from: SocketAddr, ours: IpAddr) -> u8 {
        let ours = ours.to_canonical();
        let place = self.ours.iter().position(|(known, _)| *known == ours).unwrap_or_else(|| {
            if self.ours.len() < OURS_MAX {
                self.ours.push((ours, is_source(ours, from)));
            }
            self.ours.len() - 1
        });
        if self.ours[place] == (ours, true) { place as u8 + 1 } else { 0 }
    }

    /// The address to send to, and from which one of ours, unless the system is to choose.
    pub(super) fn of(&self, to: SocketAddr) -> (SocketAddr, Option<IpAddr>) {
        let SocketAddr::V6(mut address) = to else { return (to, None) };
        let number = address.scope_id() >> SHIFT;
        if number == 0 {
            return (to, None);
        }
        address.set_scope_id(address.scope_id() & !(u32::MAX << SHIFT));
        let ip = address.ip().to_canonical();
        let to = if self.is_v4 { SocketAddr::new(ip, address.port()) } else { address.into() };
        (to, self.ours.get(number as usize - 1).map(|(ours, _)| *ours))
    }
}

fn numbered(ip: Ipv6Addr, port: u16, scope: u32, number: u8) -> SocketAddr {
    SocketAddrV6::new(ip, port, 0, scope | u32::from(number) << SHIFT).into()
}

/// Whether one can send from an address that was called: not from what stands for all on a network.
fn is_source(ours: IpAddr, from: SocketAddr) -> bool {
    let at = |port| match (ours, from) {
        (IpAddr::V6(ours), SocketAddr::V6(from)) => SocketAddrV6::new(ours, port, 0, from.scope_id()).into(),
        _ => SocketAddr::new(ours, port),
    };
    // The system lets nobody connect to a broadcast address. Nothing is sent (and nobody is at the port "discard").
    let connected = || -> io::Result<()> { UdpSocket::bind(at(0))?.connect(at(9)) };
    !ours.is_multicast() && connected().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    #[cfg(target_os = "linux")] // elsewhere 127.0.0.2 is not this host's
    fn who_calls_one_of_our_addresses_is_answered_from_it() {
        for (bound, is_mapped) in [("0.0.0.0:0", false), ("[::]:0", true)] {
            let mut sources = Sources::new(bound.parse().unwrap()).unwrap();
            let seen = |ip: &str| -> IpAddr {
                let ip: Ipv4Addr = ip.parse().unwrap();
                if is_mapped { ip.to_ipv6_mapped().into() } else { ip.into() }
            };
            let [peer, neighbour] = [4_000, 4_001].map(|port| SocketAddr::new(seen("127.0.0.9"), port));
            let [first, second] = ["127.0.0.1", "127.0.0.2"].map(seen);
            let [one, other] = [first, second].map(|ours| sources.note(peer, ours));
            assert_ne!(one, other);
            for (address, ours) in [(one, first), (other, second)] {
                assert_eq!((address.ip().to_canonical(), address.port()), (peer.ip().to_canonical(), 4_000));
                assert_eq!(sources.of(address), (peer, Some(ours.to_canonical())));
                assert_eq!(sources.note(peer, ours), address);
            }
            let neighbour = sources.note(neighbour, second);
            assert_eq!(sources.of(neighbour).1, Some(second.to_canonical()));
            // What was sent to all is answered as the system likes.
            for to_all in ["255.255.255.255", "127.255.255.255", "224.0.0.1"] {
                assert_eq!(sources.note(peer, seen(to_all)), peer, "{to_all}");
                assert_eq!(sources.of(peer), (peer, None));
            }
        }
        assert!(Sources::new("127.0.0.1:0".parse().unwrap()).is_none());
    }

    #[test]
    fn for_those_that_we_call_the_system_chooses() {
        let mut sources = Sources::new("0.0.0.0:0".parse().unwrap()).unwrap();
        let ours: IpAddr = Ipv4Addr::LOCALHOST.into();
        let peer = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        sources.call(peer(1));
        for port in 2..3_000 {
            sources.call(peer(port));
            // It goes on speaking with us.
            assert_eq!(sources.note(peer(1), ours), peer(1));
            assert_eq!(sources.note(peer(port), ours), peer(port));
            assert!(sources.called.len() <= CALLED_MAX);
        }
        assert_ne!(sources.note(peer(2), ours), peer(2));
    }
}
