//! The board that the image is for: its Ethernet, its clock, and its sleep.

#[cfg(feature = "lm3s6965evb")]
mod lm3s6965evb;
#[cfg(not(feature = "lm3s6965evb"))]
mod mps2_an385;

#[cfg(all(feature = "lm3s6965evb", feature = "defmt"))]
pub(crate) use lm3s6965evb::send;
#[cfg(feature = "lm3s6965evb")]
pub use lm3s6965evb::{Clock, Ethernet, FLASH_PAGE, FLASH_SIZE, start};
#[cfg(all(not(feature = "lm3s6965evb"), feature = "defmt"))]
pub(crate) use mps2_an385::send;
#[cfg(not(feature = "lm3s6965evb"))]
pub use mps2_an385::{Clock, Ethernet, FLASH_PAGE, FLASH_SIZE, start};
