//! Every public function of the core, with any state and any input.
#![no_std]
#![no_main]

mod files;
mod guard;
mod layer;
mod member;
mod rdt;
mod seal;
mod session;
mod table;
mod tracker;
mod wire;

use skep_core::guard::{DEVICE_BUCKETS, DEVICE_SLOTS};

/// Where the image begins.
#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    loop {
        wire::call();
        session::call();
        table::call();
        rdt::call();
        seal::call();
        guard::call::<1, 1>();
        guard::call::<DEVICE_SLOTS, DEVICE_BUCKETS>();
        layer::call::<1, 1>();
        layer::call::<4, DEVICE_SLOTS>();
        files::call();
        tracker::call();
        member::call();
        skep_panic_check::prove();
    }
}
