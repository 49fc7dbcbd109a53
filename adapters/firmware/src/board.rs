//! The board that the image is for: its Ethernet, its clock, and its sleep.

#[cfg(feature = "lm3s6965evb")]
mod lm3s6965evb;
#[cfg(not(feature = "lm3s6965evb"))]
mod mps2_an385;

#[cfg(feature = "lm3s6965evb")]
pub use lm3s6965evb::{Board, Ethernet};
#[cfg(not(feature = "lm3s6965evb"))]
pub use mps2_an385::{Board, Ethernet};
