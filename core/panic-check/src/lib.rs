//! What the images of the panic check have in common: a panic handler that does not link, and inputs of which the
//! compiler knows nothing.
//!
//! ```text
//!   image ──► every public function of the core, with any state and any input
//!               └─ a path to a panic? ──► panic handler ──► a symbol that does not exist ──► the link fails
//! ```
//!
//! Looking for the symbols of `core::panicking` in an image instead would prove nothing: link-time optimisation
//! inlines them into their callers. See `run` beside this package.
#![no_std]

pub mod input;

/// The name of the missing symbol is the message that the linker prints.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        #[link_name = "\n\nERROR: a panic is reachable in the core\n"]
        fn reachable() -> !;
    }
    // SAFETY: this function does not exist; an image that would call it does not link.
    unsafe { reachable() }
}

/// Makes use of a value, so that nothing that led to it can be left out.
pub fn keep<T>(value: T) {
    core::hint::black_box(value);
}

/// A panic that the compiler cannot rule out, in builds that are to prove that the check can fail.
pub fn prove() {
    #[cfg(feature = "prove")]
    keep(input::bytes()[input::number() as usize]);
}
