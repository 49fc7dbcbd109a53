//! What the images share: the board, the settings, the ways to the outside.
#![no_std]

pub mod board;
pub mod buffers;
pub mod console;
mod counter;
#[cfg(feature = "seal")]
pub mod door;
mod ethernet;
pub mod fetch;
pub mod flash;
pub mod hash;
mod interrupts;
#[cfg(feature = "seal")]
pub mod keys;
#[cfg(not(feature = "lm3s6965evb"))]
mod lan9118;
#[cfg(feature = "seal")]
pub mod member;
pub mod network;
mod registers;
pub mod semihosting;
pub mod settings;
pub mod stack;
#[cfg(feature = "lm3s6965evb")]
mod stellaris;
#[cfg(feature = "defmt")]
mod uart;

/// A panic says nothing: texts and their formatting would be a tenth of an image.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    semihosting::exit(101)
}
