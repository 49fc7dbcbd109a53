//! Nothing: an image that does not link would be the linker's fault.
#![no_std]
#![no_main]

/// Where the image begins.
#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    loop {
        skep_panic_check::prove();
    }
}
