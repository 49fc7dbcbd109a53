//! Sockets, and what they keep of what comes and goes: nearly all of the memory that a network takes.

use crate::board::Ethernet;
use skep_smoltcp::Stack;
use smoltcp::iface::SocketHandle;

/// Room in a UDP socket for as many datagrams of `SIZE` bytes as `COUNT`.
pub type Datagrams<const COUNT: usize, const SIZE: usize> = [[u8; SIZE]; COUNT];

/// What is noted of each.
pub type Notes<const COUNT: usize> = [smoltcp::socket::udp::PacketMetadata; COUNT];

/// No notes.
pub const NO_NOTE: smoltcp::socket::udp::PacketMetadata = smoltcp::socket::udp::PacketMetadata::EMPTY;

/// A UDP socket with room for what comes, and for what goes.
pub fn udp<const IN: usize, const OUT: usize, const SIZE: usize>(
    stack: &mut Stack<'static, Ethernet>,
    incoming: (&'static mut Notes<IN>, &'static mut Datagrams<IN, SIZE>),
    outgoing: (&'static mut Notes<OUT>, &'static mut Datagrams<OUT, SIZE>),
) -> SocketHandle {
    use smoltcp::socket::udp::{PacketBuffer, Socket};
    let incoming = PacketBuffer::new(&mut incoming.0[..], incoming.1.as_flattened_mut());
    let outgoing = PacketBuffer::new(&mut outgoing.0[..], outgoing.1.as_flattened_mut());
    stack.sockets.add(Socket::new(incoming, outgoing))
}

/// A TCP socket with room for what comes, and for what goes.
#[cfg(feature = "tcp")]
pub fn tcp(
    stack: &mut Stack<'static, Ethernet>,
    incoming: &'static mut [u8],
    outgoing: &'static mut [u8],
) -> SocketHandle {
    use smoltcp::socket::tcp::{Socket, SocketBuffer};
    stack.sockets.add(Socket::new(SocketBuffer::new(incoming), SocketBuffer::new(outgoing)))
}

/// A UDP socket for RDT, with static room for `$count` datagrams of `$size` bytes that come, and one that goes.
#[macro_export]
macro_rules! udp_socket {
    ($stack:expr, $count:expr, $size:expr) => {{
        use $crate::buffers::{Datagrams, NO_NOTE, Notes, udp};
        let incoming_notes = cortex_m::singleton!(: Notes<{ $count }> = [NO_NOTE; _])?;
        let incoming = cortex_m::singleton!(: Datagrams<{ $count }, { $size }> = [[0; _]; _])?;
        let outgoing_notes = cortex_m::singleton!(: Notes<1> = [NO_NOTE; _])?;
        let outgoing = cortex_m::singleton!(: Datagrams<1, { $size }> = [[0; _]; _])?;
        udp($stack, (incoming_notes, incoming), (outgoing_notes, outgoing))
    }};
}
