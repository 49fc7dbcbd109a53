//! Many datagrams a system call, whoever they are for, where the system does not join them (GSO): sendmmsg.

use super::source::Sources;
use mio::net::UdpSocket;
use nix::{
    cmsg_space,
    libc::{in_addr, in_pktinfo, in6_addr, in6_pktinfo},
    sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg},
};
use std::{
    cell::RefCell,
    io::{self, IoSlice},
    net::{IpAddr, SocketAddr},
    os::fd::AsRawFd,
};

/// The most datagrams of one call.
const BATCH: usize = 64;

thread_local! {
    /// A thread's own: what is in it points into itself.
    static CALL: RefCell<Call> = const { RefCell::new(Call { to: Vec::new(), headers: [None, None] }) };
}

/// What a call takes besides the datagrams. It is made once: what is taken and given back with each call lies between what
/// sessions keep, and leaves gaps there (50 bytes a session).
struct Call {
    to: Vec<Option<SockaddrStorage>>,
    /// For datagrams that leave from the address that the system chooses, and for those that leave from one that we choose.
    headers: [Option<MultiHeaders<SockaddrStorage>>; 2],
}

/// Sends as many of the first datagrams as one call takes, all from one of our addresses: how many, at least one.
///
/// # Errors
/// Those of the first one.
pub(super) fn send<'b>(
    socket: &UdpSocket,
    sources: Option<&Sources>,
    datagrams: impl Iterator<Item = (SocketAddr, &'b [u8])>,
) -> io::Result<usize> {
    let route = |to| sources.map_or((to, None), |sources| sources.of(to));
    let mut datagrams = datagrams.map(|(to, datagram)| (route(to), datagram)).peekable();
    let Some(((_, source), _)) = datagrams.peek() else { return Ok(1) };
    let source = *source;
    let (v4, v6);
    let controls: &[ControlMessage<'_>] = match source {
        None => &[],
        Some(IpAddr::V4(source)) => {
            let source = in_addr { s_addr: source.to_bits().to_be() };
            v4 = in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: source, ipi_addr: in_addr { s_addr: 0 } };
            &[ControlMessage::Ipv4PacketInfo(&v4)]
        }
        Some(IpAddr::V6(source)) => {
            v6 = in6_pktinfo { ipi6_ifindex: 0, ipi6_addr: in6_addr { s6_addr: source.octets() } };
            &[ControlMessage::Ipv6PacketInfo(&v6)]
        }
    };
    CALL.with_borrow_mut(|Call { to, headers }| {
        to.clear();
        let mut parts = [[IoSlice::new(&[])]; BATCH];
        let alike = datagrams.take_while(|((_, from), _)| *from == source);
        for (part, ((peer, _), datagram)) in parts.iter_mut().zip(alike) {
            to.push(Some(peer.into()));
            *part = [IoSlice::new(datagram)];
        }
        let make = || MultiHeaders::preallocate(BATCH, source.map(|_| cmsg_space!(in6_pktinfo)));
        let headers = headers[usize::from(source.is_some())].get_or_insert_with(make);
        let sent = sendmmsg(socket.as_raw_fd(), headers, &parts, &*to, controls, MsgFlags::empty())?;
        Ok(sent.count().max(1))
    })
}
