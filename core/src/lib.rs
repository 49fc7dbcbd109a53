//! The protocol core of skep.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod files;
pub mod limits;
mod memory;
pub mod rdt;
pub mod stream;
pub mod table;
mod time;
pub mod wire;

pub use memory::Memory;
pub use time::Instant;
