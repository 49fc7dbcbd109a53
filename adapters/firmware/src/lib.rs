//! What the images share: the board, the settings, the ways to the outside.
#![no_std]

pub mod board;
mod counter;
mod interrupts;
#[cfg(not(feature = "lm3s6965evb"))]
mod lan9118;
mod registers;
pub mod semihosting;
#[cfg(feature = "lm3s6965evb")]
mod stellaris;

/// A panic says nothing: texts and their formatting would be a tenth of an image.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    semihosting::exit(101)
}
