//! The carriers of boards: RDT or TCP, in the clear or sealed.

use super::PORT;
use crate::{
    Card,
    board::Whom,
    seal::{Doors, call, identity},
};
use skep_core::{Instant, rdt::Settings, seal::Secret};
use skep_smoltcp::{Carrier, Rdt, Stack, Storage, Tcp, rdt, tcp};
use smoltcp::{iface::SocketHandle, socket};

/// Bytes of each buffer of a TCP socket.
const BUFFER: usize = 8_192;

/// A way to carry the streams of a board.
pub trait Wiring: 'static {
    /// By this.
    type Carrier: Carrier + 'static;

    /// Wires a board that has the identity with this number.
    fn wire<F: Storage>(
        stack: &mut Stack<'static, Card>,
        settings: Settings,
        seed: u64,
        number: u8,
        is_server: bool,
    ) -> Self::Carrier;

    /// Calls somebody.
    #[expect(private_interfaces, reason = "only boards call")]
    fn call(
        now: Instant,
        carrier: &mut Self::Carrier,
        stack: &mut Stack<'static, Card>,
        whom: &Whom,
    ) -> Option<<Self::Carrier as Carrier>::Link>;

    /// Whether nothing is under way.
    fn is_quiet(carrier: &Self::Carrier) -> bool;
}

/// RDT in the clear: so many connections, with windows of so many segments.
pub enum PlainRdt<const CONNECTIONS: usize = 4, const WINDOW: usize = 64> {}
/// RDT, sealed.
pub enum SealedRdt {}
/// TCP in the clear, on so many sockets.
pub enum PlainTcp<const SOCKETS: usize = 3> {}
/// TCP, sealed.
pub enum SealedTcp<const SOCKETS: usize = 3> {}

/// A socket with room for so many datagrams.
pub(crate) fn udp(stack: &mut Stack<'static, Card>, count: usize) -> SocketHandle {
    let buffer = || {
        let metadata = vec![socket::udp::PacketMetadata::EMPTY; count];
        socket::udp::PacketBuffer::new(metadata, vec![0; count * rdt::DATAGRAM])
    };
    stack.sockets.add(socket::udp::Socket::new(buffer(), buffer()))
}

fn sockets<const SOCKETS: usize>(stack: &mut Stack<'static, Card>) -> [SocketHandle; SOCKETS] {
    std::array::from_fn(|_| {
        let buffer = || socket::tcp::SocketBuffer::new(vec![0; BUFFER]);
        stack.sockets.add(socket::tcp::Socket::new(buffer(), buffer()))
    })
}

/// A client has a port of its own.
const fn port(number: u8) -> u16 {
    PORT + number as u16
}

fn secret(seed: u64, number: u8) -> Secret {
    let mut secret = [number; 32];
    secret[..8].copy_from_slice(&seed.to_le_bytes());
    Secret::new(secret)
}

const DOORS: Doors = Doors { are_open: true, asked: 0 };

#[expect(private_interfaces, reason = "only boards call")]
impl<const CONNECTIONS: usize, const WINDOW: usize> Wiring for PlainRdt<CONNECTIONS, WINDOW> {
    type Carrier = Rdt<CONNECTIONS, WINDOW>;

    fn wire<F: Storage>(
        stack: &mut Stack<'static, Card>,
        settings: Settings,
        seed: u64,
        number: u8,
        _: bool,
    ) -> Self::Carrier {
        let socket = udp(stack, WINDOW);
        Rdt::bind::<_, F>(stack, socket, port(number), settings, seed, rdt::Plain).unwrap()
    }

    fn call(
        now: Instant,
        carrier: &mut Self::Carrier,
        _: &mut Stack<'static, Card>,
        whom: &Whom,
    ) -> Option<<Self::Carrier as Carrier>::Link> {
        carrier.call(now, whom.to, whom.language)
    }

    fn is_quiet(carrier: &Self::Carrier) -> bool {
        carrier.count() == 0
    }
}

#[expect(private_interfaces, reason = "only boards call")]
impl Wiring for SealedRdt {
    type Carrier = Rdt<4, 64, rdt::Sealed<Doors, 8>>;

    fn wire<F: Storage>(
        stack: &mut Stack<'static, Card>,
        settings: Settings,
        seed: u64,
        number: u8,
        _: bool,
    ) -> Self::Carrier {
        let socket = udp(stack, 64);
        let rules = rdt::device_settings();
        let sealed = rdt::Sealed::new(rules, identity(number), secret(seed, number), DOORS);
        Rdt::bind::<_, F>(stack, socket, port(number), settings, seed, sealed).unwrap()
    }

    fn call(
        now: Instant,
        carrier: &mut Self::Carrier,
        _: &mut Stack<'static, Card>,
        whom: &Whom,
    ) -> Option<<Self::Carrier as Carrier>::Link> {
        carrier.call(now, whom.to, call(whom.purpose))
    }

    fn is_quiet(carrier: &Self::Carrier) -> bool {
        carrier.count() == 0
    }
}

#[expect(private_interfaces, reason = "only boards call")]
impl<const SOCKETS: usize> Wiring for PlainTcp<SOCKETS> {
    type Carrier = Tcp<SOCKETS>;

    fn wire<F: Storage>(
        stack: &mut Stack<'static, Card>,
        _: Settings,
        seed: u64,
        number: u8,
        is_server: bool,
    ) -> Self::Carrier {
        let tcp = Tcp::new(sockets(stack), seed, tcp::Plain);
        if is_server { tcp.listening(port(number)) } else { tcp }
    }

    fn call(
        now: Instant,
        carrier: &mut Self::Carrier,
        stack: &mut Stack<'static, Card>,
        whom: &Whom,
    ) -> Option<<Self::Carrier as Carrier>::Link> {
        carrier.call(now, stack, whom.to)
    }

    fn is_quiet(carrier: &Self::Carrier) -> bool {
        carrier.count() == 0
    }
}

#[expect(private_interfaces, reason = "only boards call")]
impl<const SOCKETS: usize> Wiring for SealedTcp<SOCKETS> {
    type Carrier = Tcp<SOCKETS, tcp::Sealed<Doors>, { tcp::SEALED_CHUNK }>;

    fn wire<F: Storage>(
        stack: &mut Stack<'static, Card>,
        _: Settings,
        seed: u64,
        number: u8,
        is_server: bool,
    ) -> Self::Carrier {
        let sealed = tcp::Sealed::new(identity(number), secret(seed, number), DOORS).relaying();
        let tcp = Tcp::new(sockets(stack), seed, sealed);
        if is_server { tcp.listening(port(number)) } else { tcp }
    }

    fn call(
        now: Instant,
        carrier: &mut Self::Carrier,
        stack: &mut Stack<'static, Card>,
        whom: &Whom,
    ) -> Option<<Self::Carrier as Carrier>::Link> {
        carrier.call(now, stack, whom.to, &call(whom.purpose))
    }

    fn is_quiet(carrier: &Self::Carrier) -> bool {
        carrier.count() == 0
    }
}
