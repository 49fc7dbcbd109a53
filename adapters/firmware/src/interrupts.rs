//! Interrupts that wake the processor, and that nobody handles.
//!
//! They stay masked for good: a masked interrupt ends `WFI` all the same, and what it was for is found by looking.

use cortex_m::{interrupt::InterruptNumber, peripheral::NVIC};

/// The number of an interrupt of the board.
#[derive(Clone, Copy)]
pub(crate) struct Interrupt(pub(crate) u16);

// SAFETY: any number is one that the NVIC of a Cortex-M3 can have, or one that it ignores.
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self.0
    }
}

/// The vectors of the board's interrupts. None is ever taken, but cortex-m-rt insists on one.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [u32; 1] = [0];

/// Lets these wake the processor.
pub(crate) fn enable(sources: &[Interrupt]) {
    cortex_m::interrupt::disable();
    for &source in sources {
        // SAFETY: `disable` above keeps them from being taken, and nothing in the image enables them again.
        unsafe { NVIC::unmask(source) };
    }
}

/// Takes back what has woken the processor. The peripherals must have taken it back before.
pub(crate) fn acknowledge(sources: &[Interrupt]) {
    sources.iter().copied().for_each(NVIC::unpend);
}
