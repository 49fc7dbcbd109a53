//! What stands before the handshakes, alone: its size.
#![no_std]
#![no_main]

#[path = "every/guard.rs"]
mod guard;

use skep_core::guard::{DEVICE_BUCKETS, DEVICE_SLOTS};

/// Where the image begins.
#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    loop {
        guard::call::<DEVICE_SLOTS, DEVICE_BUCKETS>();
        skep_panic_check::prove();
    }
}
