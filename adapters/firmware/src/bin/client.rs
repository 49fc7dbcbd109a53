//! Fetches a file in the clear, and ends: the least that one does with skep.
//!
//! `get=rdt://10.9.0.1:7537/NAME`, or `tcp://`. Exit codes: 0 it is in the flash, 1 it is not, 2 wrong settings.
#![no_std]
#![no_main]

use cortex_m::singleton;
use skep_core::{
    files::Client,
    rdt::{Language, Settings as Rules},
    wire::rdt::Terms,
};
use skep_firmware::{
    board::Ethernet,
    fetch::{self, Store},
    network, say, semihosting,
    settings::{self, Settings},
    stack, udp_socket,
};
use skep_smoltcp::{Driver, Rdt, Stack, rdt};
use smoltcp::iface::SocketStorage;

/// Segments on their way at once: as many as the controller holds, or as 24 KiB of RAM leave room for.
const DATAGRAMS: usize = if cfg!(feature = "tcp") { 6 } else { 4 };
const WINDOW: usize = DATAGRAMS.next_power_of_two();
/// As large as an Ethernet carries.
const DATAGRAM: usize = rdt::DATAGRAM;
/// Three full segments of TCP may be on their way to the board; little goes the other way.
#[cfg(feature = "tcp")]
const IN: usize = 3 * 1_460;
#[cfg(feature = "tcp")]
const OUT: usize = 512;

const RULES: Rules = Rules { terms: Terms { window: DATAGRAMS as u32, segment: 1_435 }, ..Rules::DEVICE };

type Datagrams = Rdt<1, WINDOW, rdt::Plain, DATAGRAM>;
#[cfg(not(feature = "tcp"))]
type Carriers = &'static mut Datagrams;
#[cfg(feature = "tcp")]
type Streams = skep_smoltcp::Tcp<1>;
#[cfg(feature = "tcp")]
type Carriers = skep_smoltcp::Both<&'static mut Datagrams, &'static mut Streams>;

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut line = [0; 256];
    let settings = Settings::new(semihosting::arguments(&mut line));
    let code = match transfer(settings) {
        Some(true) => 0,
        Some(false) => 1,
        None => 2,
    };
    say!["stack ", stack::deepest() as u32];
    semihosting::exit(code)
}

fn transfer(settings: Settings<'_>) -> Option<bool> {
    let (scheme, whom, client) = fetch::wanted(settings)?;
    let to = settings::socket_address(whom)?;
    let places = singleton!(: [SocketStorage<'static>; 2] = [SocketStorage::EMPTY; _])?;
    let (mut clock, mut stack) = network::start(settings, places)?;
    let driver = driver(client, settings.number()?, &mut stack)?;
    let now = clock.now();
    #[cfg(not(feature = "tcp"))]
    let called = if scheme == "rdt" { driver.carrier.call(now, to, Language::Own) } else { None };
    #[cfg(feature = "tcp")]
    let called = match scheme {
        "rdt" => driver.carrier.first.call(now, to, Language::Own).map(skep_smoltcp::Either::First),
        "tcp" => driver.carrier.second.call(now, &mut stack, to).map(skep_smoltcp::Either::Second),
        _ => None,
    };
    driver.adopt(called)?;
    fetch::run(driver, &mut clock, &mut stack)
}

/// The client, and all that it speaks through.
fn driver(
    client: Client,
    seed: u64,
    stack: &mut Stack<'static, Ethernet>,
) -> Option<&'static mut Driver<Client, Carriers, 1>> {
    let carrier = datagrams(seed, stack)?;
    #[cfg(feature = "tcp")]
    let carrier = skep_smoltcp::Both { first: carrier, second: streams(seed, stack)? };
    singleton!(: Driver<Client, Carriers, 1> = Driver::new(client, carrier))
}

// Each on its own, as all of them together would be on the stack at once before they are where they stay.

#[inline(never)]
fn datagrams(seed: u64, stack: &mut Stack<'static, Ethernet>) -> Option<&'static mut Datagrams> {
    let socket = udp_socket!(stack, DATAGRAMS, DATAGRAM);
    singleton!(: Datagrams = Rdt::bind::<_, Store>(stack, socket, 7_537, RULES, seed, rdt::Plain).ok()?)
}

#[cfg(feature = "tcp")]
#[inline(never)]
fn streams(seed: u64, stack: &mut Stack<'static, Ethernet>) -> Option<&'static mut Streams> {
    let (incoming, outgoing) = (singleton!(: [u8; IN] = [0; _])?, singleton!(: [u8; OUT] = [0; _])?);
    let socket = skep_firmware::buffers::tcp(stack, incoming, outgoing);
    singleton!(: Streams = Streams::new([socket], seed, skep_smoltcp::tcp::Plain))
}
