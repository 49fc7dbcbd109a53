//! skep over [smoltcp]: the machines of the core where there is no operating system and no heap.
//!
//! ```text
//!             the machine: files::Server, files::Client, client::Client, tracker::Tracker, or yours
//!                ▲ stream::Service
//!              Driver ──────────── one turn(now) does what there is to do, and says when to call again
//!                ▲ Carrier                         ▲ Storage
//!              Rdt, Tcp, or Both                 Ram, Rom, Nor, Split, or yours
//!                ▲
//!              Stack: a smoltcp Device, Interface and SocketSet, which are the caller's
//! ```
//!
//! Nothing here allocates, and everything that could grow has a bound: a number in the type of its owner
//! ([`Driver`], `Rdt`, `Tcp`), or the length of a buffer that the caller gave to smoltcp. docs/firmware.md shows
//! how to put it into a project of one's own.
//!
//! Carriers are features: `udp` for RDT, `tcp`, and `seal` for the sealed transport on either.
//!
//! A server of files over both, in the clear. On a board the arrays would be statics; `seed` is another one at every
//! start:
//!
//! ```
//! # #[cfg(all(feature = "udp", feature = "tcp"))]
//! # mod example {
//! use skep_core::{Instant, files, rdt::Settings};
//! use skep_smoltcp::{Both, Driver, Rdt, Stack, Tcp, rdt, storage::Ram, tcp};
//! use smoltcp::{
//!     iface::{Config, Interface, SocketSet, SocketStorage},
//!     phy::Device,
//!     socket,
//!     wire::{EthernetAddress, IpAddress, IpCidr},
//! };
//!
//! fn serve<D: Device>(mut device: D, seed: u64, now: impl Fn() -> Instant, sleep: impl Fn(Option<Instant>)) -> ! {
//!     // smoltcp, as its own documentation has it: an address, and buffers for the sockets.
//!     let config = Config::new(EthernetAddress([2, 0, 0, 0, 0, 7]).into());
//!     let mut interface = Interface::new(config, &mut device, smoltcp::time::Instant::ZERO);
//!     interface.update_ip_addrs(|all| all.push(IpCidr::new(IpAddress::v4(192, 0, 2, 7), 24)).unwrap());
//!     let (mut came, mut leaves) = ([socket::udp::PacketMetadata::EMPTY; 4], [socket::udp::PacketMetadata::EMPTY; 1]);
//!     let (mut inbound, mut outbound) = ([0; 4 * rdt::DATAGRAM], [0; rdt::DATAGRAM]);
//!     let (mut received, mut sent) = ([0; 4_096], [0; 4_096]);
//!     let mut places = [SocketStorage::EMPTY; 2];
//!     let mut sockets = SocketSet::new(&mut places[..]);
//!     let udp = sockets.add(socket::udp::Socket::new(
//!         socket::udp::PacketBuffer::new(&mut came[..], &mut inbound[..]),
//!         socket::udp::PacketBuffer::new(&mut leaves[..], &mut outbound[..]),
//!     ));
//!     let stream = sockets.add(socket::tcp::Socket::new(
//!         socket::tcp::SocketBuffer::new(&mut received[..]),
//!         socket::tcp::SocketBuffer::new(&mut sent[..]),
//!     ));
//!     let mut stack = Stack::new(device, interface, sockets);
//!
//!     // Files, carriers, a machine, and the driver of all of it.
//!     let mut storage = Ram::<2, 8_192>::new();
//!     let settings = Settings::DEVICE;
//!     let rdt = Rdt::<2, 4>::bind::<_, Ram<2, 8_192>>(&mut stack, udp, 7537, settings, seed, rdt::Plain);
//!     let tcp = Tcp::<1>::new([stream], seed, tcp::Plain).listening(7537);
//!     let machine = files::Server::new(files::Settings::DEFAULT, heapless::Vec::<_, 4>::new());
//!     let mut driver = Driver::<_, _, 3>::new(machine, Both { first: rdt.unwrap(), second: tcp });
//!     loop {
//!         let until = driver.turn(now(), &mut stack, &mut storage, |_, _event| {});
//!         // Until then, or until the card has a frame. A moment that is over: not at all.
//!         sleep(until);
//!     }
//! }
//! # }
//! ```
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

#[cfg(not(any(feature = "udp", feature = "tcp")))]
compile_error!("skep-smoltcp carries nothing without one of its features `udp` and `tcp`");

mod address;
mod carrier;
mod driver;
mod machine;
#[cfg(feature = "udp")]
pub mod rdt;
mod stack;
pub mod storage;
#[cfg(feature = "tcp")]
pub mod tcp;
#[cfg(all(test, feature = "udp"))]
mod unplugged;

pub use carrier::{Both, Carrier, Either, Happening, Origin, Receiving, Sending};
pub use driver::Driver;
pub use machine::{Admission, Machine};
#[cfg(feature = "udp")]
pub use rdt::Rdt;
pub use stack::Stack;
pub use storage::Storage;
#[cfg(feature = "tcp")]
pub use tcp::Tcp;
