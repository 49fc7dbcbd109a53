//! The board without skep: it answers pings, and datagrams to port 7 with themselves.
//!
//! To see that the board works; and what it and smoltcp cost before skep comes.
#![no_std]
#![no_main]

use skep_core::Instant as Moment;
use skep_firmware::{board, semihosting};
use smoltcp::{
    iface::{Config, Interface, SocketSet, SocketStorage},
    socket::udp,
    time::Instant,
    wire::{EthernetAddress, IpCidr, Ipv4Address},
};

#[cortex_m_rt::entry]
fn main() -> ! {
    let address = [0x02, 0, 10, 9, 0, 2];
    let Some((mut clock, mut ethernet)) = board::start(address) else { semihosting::exit(2) };
    let now = Instant::from_micros(clock.now().as_micros() as i64);
    let mut interface = Interface::new(Config::new(EthernetAddress(address).into()), &mut ethernet, now);
    interface.update_ip_addrs(|addresses| {
        let _ = addresses.push(IpCidr::new(Ipv4Address::new(10, 9, 0, 2).into(), 24));
    });

    let mut places = [SocketStorage::EMPTY];
    let mut sockets = SocketSet::new(&mut places[..]);
    let (mut in_notes, mut in_bytes) = ([udp::PacketMetadata::EMPTY; 4], [0; 6000]);
    let (mut out_notes, mut out_bytes) = ([udp::PacketMetadata::EMPTY; 4], [0; 6000]);
    let echo = sockets.add(udp::Socket::new(
        udp::PacketBuffer::new(&mut in_notes[..], &mut in_bytes[..]),
        udp::PacketBuffer::new(&mut out_notes[..], &mut out_bytes[..]),
    ));
    if sockets.get_mut::<udp::Socket>(echo).bind(7).is_err() {
        semihosting::exit(2);
    }

    loop {
        let now = Instant::from_micros(clock.now().as_micros() as i64);
        interface.poll(now, &mut ethernet, &mut sockets);
        let socket = sockets.get_mut::<udp::Socket>(echo);
        let mut datagram = [0; 1500];
        while socket.can_send() {
            let Ok((length, from)) = socket.recv_slice(&mut datagram) else { break };
            let _ = socket.send_slice(&datagram[..length], from);
        }
        let until = interface.poll_at(now, &sockets);
        clock.sleep(&ethernet, until.map(|until| Moment::from_micros(until.total_micros() as u64)));
    }
}
