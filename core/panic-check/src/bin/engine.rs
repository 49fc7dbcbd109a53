//! The engine of the sealed transport alone: both roles of the handshakes, datagrams, records and their formats. The
//! figure of the size budget.
#![no_std]
#![no_main]

#[path = "every/seal.rs"]
mod seal;

/// Where the image begins.
#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    loop {
        seal::call();
        skep_panic_check::prove();
    }
}
