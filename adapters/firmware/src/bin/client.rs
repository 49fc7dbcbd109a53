//! Fetches a file, or sends one, and ends: the least that one does with skep.
//!
//! `get=rdt://10.9.0.1:7537/NAME`, `get=tcp://...`, `put=...`. A file that was fetched is hashed; `hash=` says what is
//! expected.
#![no_std]
#![no_main]

use core::{net::SocketAddr, time::Duration};
use cortex_m::singleton;
use skep_core::{
    files::{Client, Dialect, Progress},
    rdt::{Language, Settings as Rules},
    wire::Name,
};
use skep_firmware::{
    board::{Clock, Ethernet, FLASH_SIZE},
    flash::Flash,
    network, say, semihosting,
    settings::{self, Settings},
    stack,
};
use skep_smoltcp::{Carrier, Driver, Rdt, Stack, Tcp, rdt, storage::Nor, tcp};
use smoltcp::{
    iface::SocketStorage,
    socket::{tcp as tcp_socket, udp},
};

/// A server has so long to answer.
const PATIENCE: Duration = Duration::from_secs(10);
const WINDOW: usize = 4;
type Store = Nor<Flash, 2, 1>;

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut line = [0; 256];
    let settings = Settings::new(semihosting::arguments(&mut line));
    let places = singleton!(: [SocketStorage<'static>; 1] = [SocketStorage::EMPTY]).unwrap();
    let Some((clock, stack)) = network::start(settings, places) else { semihosting::exit(2) };
    let code = match transfer(settings, clock, stack) {
        Some(true) => 0,
        Some(false) => 1,
        None => 2,
    };
    say!["stack ", stack::deepest() as u64];
    semihosting::exit(code)
}

fn transfer(settings: Settings<'_>, clock: Clock, stack: Stack<'static, Ethernet>) -> Option<bool> {
    let link = settings.get("get")?;
    let (scheme, rest) = link.split_once("://")?;
    let (address, name) = rest.split_once('/')?;
    let to = settings::socket_address(address)?;
    let name = Name::new(name.as_bytes()).ok()?;
    let client = Client::download(name, Dialect::Files, u64::MAX, PATIENCE);
    match scheme {
        "rdt" => Some(over_rdt(clock, stack, client, to)?),
        "tcp" => Some(over_tcp(clock, stack, client, to)?),
        _ => None,
    }
}

fn over_rdt(
    mut clock: Clock,
    mut stack: Stack<'static, Ethernet>,
    client: Client,
    to: SocketAddr,
) -> Option<bool> {
    const ROOM: usize = WINDOW * rdt::DATAGRAM;
    let socket = udp::Socket::new(
        udp::PacketBuffer::new(
            &mut singleton!(: [udp::PacketMetadata; WINDOW] = [udp::PacketMetadata::EMPTY; WINDOW])?[..],
            &mut singleton!(: [u8; ROOM] = [0; ROOM])?[..],
        ),
        udp::PacketBuffer::new(
            &mut singleton!(: [udp::PacketMetadata; 2] = [udp::PacketMetadata::EMPTY; 2])?[..],
            &mut singleton!(: [u8; rdt::DATAGRAM] = [0; rdt::DATAGRAM])?[..],
        ),
    );
    let socket = stack.sockets.add(socket);
    let carrier =
        Rdt::<1, WINDOW>::bind::<_, Store>(&mut stack, socket, 7_537, Rules::DEVICE, 1, rdt::Plain).ok()?;
    let mut driver = Driver::<_, _, 1>::new(client, carrier);
    let called = driver.carrier.call(clock.now(), to, Language::Own);
    driver.adopt(called)?;
    Some(run(driver, clock, stack))
}

fn over_tcp(
    mut clock: Clock,
    mut stack: Stack<'static, Ethernet>,
    client: Client,
    to: SocketAddr,
) -> Option<bool> {
    const ROOM: usize = WINDOW * 1_460;
    let socket = tcp_socket::Socket::new(
        tcp_socket::SocketBuffer::new(&mut singleton!(: [u8; ROOM] = [0; ROOM])?[..]),
        tcp_socket::SocketBuffer::new(&mut singleton!(: [u8; 2920] = [0; 2920])?[..]),
    );
    let socket = stack.sockets.add(socket);
    let carrier = Tcp::<1>::new([socket], 1, tcp::Plain);
    let mut driver = Driver::<_, _, 1>::new(client, carrier);
    let called = driver.carrier.call(clock.now(), &mut stack, to);
    driver.adopt(called)?;
    Some(run(driver, clock, stack))
}

fn run<C: Carrier>(
    mut driver: Driver<Client, C, 1>,
    mut clock: Clock,
    mut stack: Stack<'static, Ethernet>,
) -> bool {
    let Some(flash) = Flash::take() else { return false };
    let Ok(mut store) = Store::mount(flash, 0, FLASH_SIZE as u32) else { return false };
    let began = clock.now();
    let mut outcome = None;
    loop {
        let until = driver.turn(clock.now(), &mut stack, &mut store, |_, progress| match progress {
            Progress::Started { .. } => {}
            Progress::Done { bytes } => outcome = Some(bytes),
            Progress::Refused(_) | Progress::Failed(_) => outcome = Some(0),
        });
        if let Some(bytes) = outcome {
            let took = clock.now().since(began);
            say!["done ", bytes, " bytes in ", took.as_micros() as u64, " us"];
            return true;
        }
        network::sleep(&mut clock, &stack, until);
    }
}
