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

const CONNECTIONS: usize = 4;
const WINDOW: usize = 64;
const SOCKETS: usize = 3;
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

/// RDT in the clear.
pub enum PlainRdt {}
/// RDT, sealed.
pub enum SealedRdt {}
/// TCP in the clear.
pub enum PlainTcp {}
/// TCP, sealed.
pub enum SealedTcp {}

fn udp(stack: &mut Stack<'static, Card>) -> SocketHandle {
    let buffer = || {
        let metadata = vec![socket::udp::PacketMetadata::EMPTY; WINDOW];
        socket::udp::PacketBuffer::new(metadata, vec![0; WINDOW * rdt::DATAGRAM])
    };
    stack.sockets.add(socket::udp::Socket::new(buffer(), buffer()))
}

fn sockets(stack: &mut Stack<'static, Card>) -> [SocketHandle; SOCKETS] {
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
impl Wiring for PlainRdt {
    type Carrier = Rdt<CONNECTIONS, WINDOW>;

    fn wire<F: Storage>(
        stack: &mut Stack<'static, Card>,
        settings: Settings,
        seed: u64,
        number: u8,
        _: bool,
    ) -> Self::Carrier {
        let socket = udp(stack);
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
    type Carrier = Rdt<CONNECTIONS, WINDOW, rdt::Sealed<Doors, 8>>;

    fn wire<F: Storage>(
        stack: &mut Stack<'static, Card>,
        settings: Settings,
        seed: u64,
        number: u8,
        _: bool,
    ) -> Self::Carrier {
        let socket = udp(stack);
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
impl Wiring for PlainTcp {
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
impl Wiring for SealedTcp {
    type Carrier = Tcp<SOCKETS, tcp::Sealed<Doors>, { tcp::SEALED_CHUNK }>;

    fn wire<F: Storage>(
        stack: &mut Stack<'static, Card>,
        _: Settings,
        seed: u64,
        number: u8,
        is_server: bool,
    ) -> Self::Carrier {
        let sealed = tcp::Sealed::new(identity(number), secret(seed, number), DOORS);
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
