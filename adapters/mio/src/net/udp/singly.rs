//! Many datagrams a system call where the system does not join them (GSO): sendmmsg.

use super::{Sent, says_too_long};
use mio::net::UdpSocket;
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, addr::SocketAddrArg, sendmmsg};
use std::{
    io::{self, IoSlice},
    net::SocketAddr,
};

/// The most datagrams of one call.
const BATCH: usize = 64;

/// Sends equal datagrams, back to back in `bytes`, as `Udp::send` does.
pub(super) fn send<'b>(socket: &UdpSocket, to: SocketAddr, bytes: &'b [u8], size: usize) -> Sent<'b> {
    let to = to.as_any();
    let (mut rest, mut is_too_long) = (bytes, false);
    while !rest.is_empty() {
        let parts: Vec<_> = rest.chunks(size).take(BATCH).map(IoSlice::new).collect();
        let mut controls: Vec<_> = parts.iter().map(|_| SendAncillaryBuffer::default()).collect();
        let messages = parts.iter().zip(&mut controls);
        let mut messages: Vec<_> = messages
            .map(|(part, control)| MMsgHdr::new_with_addr(&to, std::slice::from_ref(part), control))
            .collect();
        match sendmmsg(socket, &mut messages, SendFlags::empty()) {
            Ok(sent) => rest = rest.get(sent.max(1).saturating_mul(size)..).unwrap_or_default(),
            Err(error) if error == rustix::io::Errno::AGAIN => break,
            Err(error) => {
                is_too_long |= says_too_long(&io::Error::from(error));
                rest = rest.get(size..).unwrap_or_default();
            }
        }
    }
    Sent { rest, is_too_long }
}
