//! The sealed transport alone, as a driver uses it: the layer for 4 sessions with its guard, and the greeting.
#![no_std]
#![no_main]

#[path = "every/layer.rs"]
mod layer;

use skep_core::guard::DEVICE_SLOTS;

/// Where the image begins.
#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    loop {
        layer::call::<4, DEVICE_SLOTS>();
        skep_panic_check::prove();
    }
}
