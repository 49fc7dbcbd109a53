//! What the machine does.

mod access;
mod serve;
mod track;
mod transfer;

use crate::{
    args::{Args, Role},
    host::{Host, random},
};
use skep::exit::Failure;
use skep_core::{
    rdt::Settings,
    wire::{rdt::Terms, seal::Suite},
};
use skep_smoltcp::{Carrier, Driver, Machine, Storage};
use std::{
    fmt::Display,
    io::{Write, stdout},
    ops::ControlFlow,
};

/// Connections over RDT at once.
const CONNECTIONS: usize = 16;
/// Segments under way on each.
const WINDOW: usize = 64;
/// Sessions of the sealed transport.
const SESSIONS: usize = 32;
/// TCP sockets.
const SOCKETS: usize = 16;
/// Streams of both kinds.
const STREAMS: usize = CONNECTIONS + SOCKETS;
/// Bytes moved at once between a TCP socket and a file.
const CHUNK: usize = 16_384;

type PlainRdt = skep_smoltcp::Rdt<CONNECTIONS, WINDOW>;
type SealedRdt<A> = skep_smoltcp::Rdt<CONNECTIONS, WINDOW, skep_smoltcp::rdt::Sealed<A, SESSIONS>>;
type PlainTcp = skep_smoltcp::Tcp<SOCKETS, skep_smoltcp::tcp::Plain, CHUNK>;
type SealedTcp<A> = skep_smoltcp::Tcp<SOCKETS, skep_smoltcp::tcp::Sealed<A>, CHUNK>;

/// Does what the command line asks for.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let host = Host::new(args)?;
    match &args.role {
        Role::Serve { directory, listen } => serve::run(host, args, directory, listen),
        Role::Get { url, output, call } => transfer::get(host, url, output.as_deref(), call),
        Role::Put { file, url, call } => transfer::put(host, file, url, call),
        Role::Tracker { seats, listen } => track::run(host, args, *seats, listen),
    }
}

/// What the endpoints are set to.
fn settings() -> Settings {
    let window = WINDOW as u32;
    Settings { terms: Terms { window, segment: 1_435 }, window, ..Settings::HOST }
}

/// How the sealed transport is set.
fn sealing() -> skep_core::seal::layer::Settings {
    skep_core::seal::layer::Settings {
        suites: &[Suite::ChaCha],
        guard: skep_core::guard::Settings::HOST,
        ..skep_smoltcp::rdt::device_settings()
    }
}

/// A line on standard output. Nobody may read it any more.
fn say(line: &dyn Display) {
    let mut out = stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn seed() -> Result<u64, Failure> {
    Ok(u64::from_ne_bytes(random()?))
}

/// Turns until `look` has seen enough, or somebody wants the program to end.
fn turn<S: Machine, C: Carrier, T>(
    host: &mut Host,
    driver: &mut Driver<S, C, STREAMS>,
    storage: &mut impl Storage,
    mut tell: impl FnMut(&mut S, S::Event),
    mut look: impl FnMut(&Host, &mut Driver<S, C, STREAMS>) -> ControlFlow<T>,
) -> Result<T, Failure> {
    loop {
        if host.is_interrupted() {
            return Err(Failure::interrupted());
        }
        let now = host.now();
        let until = driver.turn(now, &mut host.stack, storage, &mut tell);
        if let ControlFlow::Break(seen) = look(host, driver) {
            return Ok(seen);
        }
        host.sleep(until)?;
    }
}
