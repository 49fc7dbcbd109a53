//! Many datagrams a system call, whoever they are for, where the system does not join them (GSO): sendmmsg.

use super::source::Sources;
use mio::net::UdpSocket;
use nix::{
    cmsg_space,
    libc::{in_addr, in_pktinfo, in6_addr, in6_pktinfo},
    sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg},
};
use std::{
    io::{self, IoSlice},
    net::{IpAddr, SocketAddr},
    os::fd::AsRawFd,
};

/// The most datagrams of one call.
const BATCH: usize = 64;

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
    let mut datagrams = datagrams.map(|(to, datagram)| (route(to), datagram)).take(BATCH).peekable();
    let Some(((_, source), _)) = datagrams.peek() else { return Ok(1) };
    let source = *source;
    let (to, parts): (Vec<_>, Vec<_>) = datagrams
        .take_while(|((_, from), _)| *from == source)
        .map(|((to, _), datagram)| (Some(SockaddrStorage::from(to)), [IoSlice::new(datagram)]))
        .unzip();
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
    let room = (!controls.is_empty()).then(|| cmsg_space!(in6_pktinfo));
    let mut headers = MultiHeaders::preallocate(parts.len(), room);
    let sent = sendmmsg(socket.as_raw_fd(), &mut headers, &parts, &to, controls, MsgFlags::empty())?;
    Ok(sent.count().max(1))
}
