//! Gives the linker the memory of the board, and the scripts of the crates that are used.

use std::{env, fs, path::PathBuf};

fn main() {
    // Not `memory.x` beside this file: the linker would take that one, whatever the board.
    let board = if env::var_os("CARGO_FEATURE_LM3S6965EVB").is_some() { "lm3s6965evb" } else { "mps2-an385" };
    let memory = format!("boards/{board}.x");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::copy(&memory, out.join("memory.x")).expect("the board's memory is described in boards/");
    println!("cargo:rerun-if-changed={memory}");
    // No interrupt has a handler, so a device file that would name them is empty.
    fs::write(out.join("device.x"), "").expect("OUT_DIR can be written");

    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg-bins=--nmagic");
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    if env::var_os("CARGO_FEATURE_DEFMT").is_some() {
        println!("cargo:rustc-link-arg-bins=-Tdefmt.x");
    }
}
