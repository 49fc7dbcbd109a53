//! Every public function of the core, with any state and any input.
#![no_std]
#![no_main]

mod files;
mod rdt;
mod seal;
mod table;
mod wire;

/// Where the image begins.
#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    loop {
        wire::call();
        table::call();
        rdt::call();
        seal::call();
        files::call();
        skep_panic_check::prove();
    }
}
