//! The program itself, as users run it: on links of datagrams, and beside a host on a TAP device.
#![cfg(target_os = "linux")]

mod garbage;
mod link;
mod namespace;
mod process;
mod tap;

/// Content that is never the same twice in a row, and needs some packets.
fn content(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}
