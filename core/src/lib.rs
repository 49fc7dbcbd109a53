//! The protocol core of skep.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

#[macro_use]
mod log;

pub mod client;
mod constant_time;
mod count;
pub mod files;
#[cfg(feature = "defmt")]
mod formats;
#[cfg(feature = "seal")]
pub mod guard;
mod index;
pub mod limits;
mod line;
mod memory;
#[cfg(test)]
mod miri;
pub mod rdt;
#[cfg(feature = "seal")]
pub mod seal;
pub mod stream;
pub mod table;
mod texts;
mod time;
pub mod tracker;
pub mod wire;

pub use index::Cell;
pub use memory::Memory;
pub use time::{Instant, Span};
