//! A tracker with eight seats.
//!
//! | setting | |
//! |---|---|
//! | `allow=KEY,KEY` | who may come in; without it everybody who knows this board's key |
#![no_std]
#![no_main]

use cortex_m::singleton;
use skep_core::{
    seal::{
        KeyPair, Public,
        layer::{Access, Caller, Decision},
    },
    tracker::{self, Event, Settings as Rules, Tracker},
};
use skep_firmware::{
    board::Ethernet,
    buffers, keys, network, say, semihosting,
    settings::{self, Settings},
    stack,
};
use skep_smoltcp::{Driver, Stack, Tcp, storage::Rom, tcp};
use smoltcp::iface::SocketStorage;

/// Where it listens.
const PORT: u16 = 7_540;
const SEATS: usize = 8;
/// One more, so that who finds no seat is told; and both ends of a transfer that is relayed.
const STREAMS: usize = SEATS + 1 + 2;
/// Bytes of a record, and of a socket's buffers: the least, as sessions move no content.
const CHUNK: usize = <tcp::Sealed<Guests> as tcp::Wrapping>::LEAST;

/// With four files for each user.
type Places = tracker::Fixed<STREAMS, STREAMS, { 4 * STREAMS }, 64, 32, 8>;
type Streams = Tcp<STREAMS, tcp::Sealed<Guests>, CHUNK>;
type Running = Driver<&'static mut Tracker<Places>, &'static mut Streams, STREAMS>;

/// Who may come in.
struct Guests(Option<heapless::Vec<Public, SEATS>>);

impl Access for Guests {
    fn decide(&mut self, caller: &Caller, _: bool) -> Decision {
        let Some(keys) = &self.0 else { return Decision::Admit };
        Decision::admit_if(caller.key.is_some_and(|key| keys.contains(&key)))
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut line = [0; 384];
    let settings = Settings::new(semihosting::arguments(&mut line));
    run(settings);
    say!["these settings are not complete"];
    semihosting::exit(2)
}

fn run(settings: Settings<'_>) -> Option<()> {
    let places = singleton!(: [SocketStorage<'static>; STREAMS] = [SocketStorage::EMPTY; _])?;
    let (mut clock, mut stack) = network::start(settings, places)?;
    let driver = driver(settings, &settings.seed()?, &mut stack)?;
    let mut nothing = Rom::<0>::new(&[]);
    loop {
        let until = driver.turn(clock.now(), &mut stack, &mut nothing, |tracker, event| match event {
            Event::Came { .. } | Event::Left { .. } => {
                say!["seats taken: ", tracker.seats_taken(), "; stack ", stack::deepest() as u32];
            }
            _ => {}
        });
        clock.sleep(&stack.device, until);
    }
}

/// The tracker, and all that it speaks through.
fn driver(
    settings: Settings<'_>,
    seed: &[u8; 32],
    stack: &mut Stack<'static, Ethernet>,
) -> Option<&'static mut Running> {
    let own = KeyPair::new(keys::secret(seed, b"key"));
    say!["key ", core::str::from_utf8(&settings::key_text(own.public().as_bytes())).unwrap_or_default()];
    let guests = Guests(
        settings
            .get("allow")
            .map(|keys| keys.split(',').filter_map(settings::key).map(Public).take(SEATS).collect()),
    );
    let machine = machine(*keys::secret(seed, b"tracker").expose())?;
    let carrier = streams(own, guests, seed, stack)?;
    singleton!(: Running = Driver::new(machine, carrier))
}

// Each on its own, as all of them together would be on the stack at once before they are where they stay.

#[inline(never)]
fn machine(seed: [u8; 32]) -> Option<&'static mut Tracker<Places>> {
    let rules = Rules { seats: SEATS as u32, waiting: 0, accounts: 0, files_per_user: 4, ..Rules::DEFAULT };
    singleton!(: Tracker<Places> = Tracker::fixed(rules, seed))
}

#[inline(never)]
fn streams(
    own: KeyPair,
    guests: Guests,
    seed: &[u8; 32],
    stack: &mut Stack<'static, Ethernet>,
) -> Option<&'static mut Streams> {
    let rooms = singleton!(: [[[u8; CHUNK]; 2]; STREAMS] = [[[0; _]; _]; _])?;
    let sockets = rooms.each_mut().map(|[incoming, outgoing]| buffers::tcp(stack, incoming, outgoing));
    let sealed = tcp::Sealed::new(own, keys::secret(seed, b"tcp"), guests).relaying();
    singleton!(: Streams = Tcp::new(sockets, keys::word(seed, 2), sealed).listening(PORT))
}
