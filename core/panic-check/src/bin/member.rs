//! The client of a tracker alone: its size.
#![no_std]
#![no_main]

#[path = "every/member.rs"]
mod member;
#[path = "every/session.rs"]
#[allow(dead_code, reason = "only what makes its arguments is used")]
mod session;
#[path = "every/wire.rs"]
#[allow(dead_code, reason = "only what makes its arguments is used")]
mod wire;

/// Where the image begins.
#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    loop {
        member::call();
        skep_panic_check::prove();
    }
}
