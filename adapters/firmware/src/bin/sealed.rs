//! Fetches a file through the sealed transport, and ends.
//!
//! `get=skep://KEY@10.9.0.1:7537/NAME`, as a guest: the server is public. `via=tcp` for TCP. Exit codes: 0 it is in the
//! flash, 1 it is not, 2 wrong settings.
#![no_std]
#![no_main]

use cortex_m::singleton;
use skep_core::{
    files::Client,
    rdt::Settings as Rules,
    seal::{KeyPair, Public, layer::Call},
    wire::seal::Purpose,
};
use skep_firmware::{
    board::Ethernet,
    door::{Door, Keeper},
    fetch::{self, Store},
    keys, network, say, semihosting,
    settings::{self, Settings},
    stack, udp_socket,
};
use skep_smoltcp::{Driver, Rdt, Stack, rdt};
use smoltcp::iface::SocketStorage;

/// Segments on their way at once.
const WINDOW: usize = 4;
/// Segments of 1,024 bytes, their headers, and what seals them.
const DATAGRAM: usize = 1_072;
#[cfg(feature = "tcp")]
const IN: usize = 3 * 1_460;
#[cfg(feature = "tcp")]
const OUT: usize = 768;

type Datagrams = Rdt<1, WINDOW, rdt::Sealed<Keeper<0>, 1>, DATAGRAM>;
#[cfg(not(feature = "tcp"))]
type Carriers = &'static mut Datagrams;
#[cfg(feature = "tcp")]
type Streams =
    skep_smoltcp::Tcp<1, skep_smoltcp::tcp::Sealed<Keeper<0>>, { skep_smoltcp::tcp::SEALED_CHUNK }>;
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
    let (_, whom, client) = fetch::wanted(settings)?;
    let (key, address) = whom.split_once('@')?;
    let to = settings::socket_address(address)?;
    let call = Call { server: Public(settings::key(key)?), purpose: Purpose::Guest, psk: None };
    let places = singleton!(: [SocketStorage<'static>; 2] = [SocketStorage::EMPTY; _])?;
    let (mut clock, mut stack) = network::start(settings, places)?;
    let driver = driver(client, &settings.seed()?, &mut stack)?;
    let now = clock.now();
    #[cfg(not(feature = "tcp"))]
    let called = driver.carrier.call(now, to, call);
    #[cfg(feature = "tcp")]
    let called = if settings.get("via") == Some("tcp") {
        driver.carrier.second.call(now, &mut stack, to, &call).map(skep_smoltcp::Either::Second)
    } else {
        driver.carrier.first.call(now, to, call).map(skep_smoltcp::Either::First)
    };
    driver.adopt(called)?;
    fetch::run(driver, &mut clock, &mut stack)
}

/// The client, and all that it speaks through.
fn driver(
    client: Client,
    seed: &[u8; 32],
    stack: &mut Stack<'static, Ethernet>,
) -> Option<&'static mut Driver<Client, Carriers, 1>> {
    // It calls, and nobody comes in.
    let door: &Door<0> = singleton!(: Door<0> = Door::new(false))?;
    let own = KeyPair::new(keys::secret(seed, b"key"));
    let carrier = datagrams(&own, door, seed, stack)?;
    #[cfg(feature = "tcp")]
    let carrier = skep_smoltcp::Both { first: carrier, second: streams(&own, door, seed, stack)? };
    singleton!(: Driver<Client, Carriers, 1> = Driver::new(client, carrier))
}

// Each on its own, as all of them together would be on the stack at once before they are where they stay.

#[inline(never)]
fn datagrams(
    own: &KeyPair,
    door: &'static Door<0>,
    seed: &[u8; 32],
    stack: &mut Stack<'static, Ethernet>,
) -> Option<&'static mut Datagrams> {
    let socket = udp_socket!(stack, WINDOW, DATAGRAM);
    let sealed =
        rdt::Sealed::new(rdt::device_settings(), own.clone(), keys::secret(seed, b"rdt"), Keeper(door));
    singleton!(: Datagrams = Rdt::bind::<_, Store>(stack, socket, 7_537, Rules::DEVICE, keys::word(seed, 1), sealed).ok()?)
}

#[cfg(feature = "tcp")]
#[inline(never)]
fn streams(
    own: &KeyPair,
    door: &'static Door<0>,
    seed: &[u8; 32],
    stack: &mut Stack<'static, Ethernet>,
) -> Option<&'static mut Streams> {
    let (incoming, outgoing) = (singleton!(: [u8; IN] = [0; _])?, singleton!(: [u8; OUT] = [0; _])?);
    let socket = skep_firmware::buffers::tcp(stack, incoming, outgoing);
    let sealed = skep_smoltcp::tcp::Sealed::new(own.clone(), keys::secret(seed, b"tcp"), Keeper(door));
    singleton!(: Streams = Streams::new([socket], keys::word(seed, 2), sealed))
}
