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
//! ([`Driver`], [`Rdt`], [`Tcp`]), or the length of a buffer that the caller gave to smoltcp. docs/firmware.md shows
//! how to put it into a project of one's own.
//!
//! Carriers are features: `udp` for RDT, `tcp`, and `seal` for the sealed transport on either.
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

pub use carrier::{Both, Carrier, Either, Happening, Origin, Receiving, Sending};
pub use driver::Driver;
pub use machine::{Admission, Machine};
#[cfg(feature = "udp")]
pub use rdt::Rdt;
pub use stack::Stack;
pub use storage::Storage;
#[cfg(feature = "tcp")]
pub use tcp::Tcp;
