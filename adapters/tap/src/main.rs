//! The program `skep-tap`: what runs on a board, on a host.
//!
//! ```text
//!   frames ──► Wire ──► Stack ──► Driver ──► a machine of the core
//!   TAP, or datagrams     └──── skep-smoltcp ────┘         └── Folder: the files of this host
//! ```
//!
//! It has a network card, an address and a TCP/IP stack of its own: the host sees it as another machine.

#[cfg(target_os = "linux")]
mod args;
#[cfg(target_os = "linux")]
mod folder;
#[cfg(target_os = "linux")]
mod host;
#[cfg(target_os = "linux")]
mod roles;
#[cfg(target_os = "linux")]
mod wire;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    use std::{
        io::{Write, stderr},
        process::{ExitCode, Termination},
    };

    let args = <args::Args as clap::Parser>::parse();
    match roles::run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // `eprintln!` would panic when nobody reads standard error any more.
            let _ = writeln!(stderr(), "skep-tap: {failure}");
            failure.report()
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("skep-tap: TAP devices are Linux's; run it there");
    std::process::ExitCode::from(2)
}
