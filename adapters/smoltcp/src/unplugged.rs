//! A network card without a cable, for tests.

use crate::Stack;
use smoltcp::{
    iface::{Config, Interface, SocketHandle, SocketSet, SocketStorage},
    phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken},
    socket::udp,
    time::Instant as Moment,
    wire::{EthernetAddress, HardwareAddress},
};

/// A card without a cable.
#[derive(Debug)]
pub(crate) struct Unplugged;

/// No frame ever comes, and none leaves.
#[derive(Debug)]
pub(crate) enum Never {}

impl RxToken for Never {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, _: F) -> R {
        match self {}
    }
}

impl TxToken for Never {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, _: usize, _: F) -> R {
        match self {}
    }
}

impl Device for Unplugged {
    type RxToken<'a> = Never;
    type TxToken<'a> = Never;

    fn receive(&mut self, _: Moment) -> Option<(Never, Never)> {
        None
    }

    fn transmit(&mut self, _: Moment) -> Option<Never> {
        None
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1_514;
        capabilities
    }
}

/// A stack with a UDP socket whose buffers take so many bytes, to receive and to send.
pub(crate) fn stack((receives, sends): (usize, usize)) -> (Stack<'static, Unplugged>, SocketHandle) {
    let config = Config::new(HardwareAddress::Ethernet(EthernetAddress([2, 0, 0, 0, 0, 7])));
    let interface = Interface::new(config, &mut Unplugged, Moment::ZERO);
    let mut sockets = SocketSet::new(vec![SocketStorage::EMPTY].leak());
    let buffer = |bytes: usize| {
        udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 4].leak(), vec![0; bytes].leak())
    };
    let socket = sockets.add(udp::Socket::new(buffer(receives), buffer(sends)));
    (Stack::new(Unplugged, interface, sockets), socket)
}
