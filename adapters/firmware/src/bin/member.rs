//! A member of an exchange: joins a tracker, shares a file from its flash, fetches one from another member, and serves
//! both to whoever the tracker introduces.
//!
//! | setting | |
//! |---|---|
//! | `tracker=KEY@10.9.0.1:7540` | where to log in |
//! | `name=board` | as whom |
//! | `fetch=OWNER/NAME` | what to fetch, again and again until it is there |
//! | `via=tcp` | fetch it over TCP, not over RDT |
//! | `public=yes` | serve everybody who knows this board's key |
#![no_std]
#![no_main]

use core::{net::SocketAddr, time::Duration};
use cortex_m::singleton;
use heapless::Vec;
use skep_core::{
    Instant, client,
    rdt::Settings as Rules,
    seal::{KeyPair, Psk, Public, Secret, layer::Call},
    wire::{seal::Purpose, session::FileInfo},
};
use skep_firmware::{
    board::{Ethernet, FLASH_SIZE},
    buffers,
    door::{Door, Keeper},
    flash::Flash,
    hash::Checked,
    keys,
    member::{Event, Member},
    network, say, semihosting,
    settings::{self, Settings},
    stack, udp_socket,
};
use skep_smoltcp::{
    Both, Carrier, Driver, Either, Rdt, Stack, Tcp, rdt,
    storage::{Nor, Rom, Split},
    tcp,
};
use smoltcp::iface::SocketStorage;

/// Where it serves.
const PORT: u16 = 7_537;
/// Downloads that it serves at once, and calls that have not proven yet that anybody is there.
const SERVED: usize = 3;
/// Those, and one of its own.
const TRANSFERS: usize = SERVED + 1;
/// And the session.
const STREAMS: usize = TRANSFERS + 1;
const WINDOW: usize = 4;
/// Room in a TCP socket, each way.
const IN: usize = 2 * 1_460;
const OUT: usize = 1_460;
/// Sessions of datagrams: as many as transfers, and handshakes.
const SESSIONS: usize = TRANSFERS + 4;
/// A download that failed is tried again after so long.
const PAUSE: Duration = Duration::from_secs(1);

const FILES: &[(&str, &[u8])] = &[("about.txt", include_bytes!("../../files/about.txt"))];

type Places = client::Fixed<4, 8, 4, TRANSFERS, 48>;
type Board = Member<Places, SERVED>;
type Datagrams = Rdt<TRANSFERS, WINDOW, rdt::Sealed<Keeper<SERVED>, SESSIONS>>;
type Streams = Tcp<STREAMS, tcp::Sealed<Keeper<SERVED>>, { tcp::SEALED_CHUNK }>;
type Carriers = Both<&'static mut Datagrams, &'static mut Streams>;
type Running = Driver<&'static mut Board, Carriers, STREAMS>;
type Store = Checked<Split<Nor<Flash, 2, TRANSFERS>, Rom<'static, TRANSFERS>, TRANSFERS>>;

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut line = [0; 384];
    let settings = Settings::new(semihosting::arguments(&mut line));
    run(settings);
    say!["these settings are not complete"];
    semihosting::exit(2)
}

fn run(settings: Settings<'_>) -> Option<()> {
    let seed = settings.seed()?;
    let (tracker, at) = settings.tracker()?;
    let tracker = Call { server: Public(tracker), purpose: Purpose::Member, psk: None };
    let places = singleton!(: [SocketStorage<'static>; STREAMS + 1] = [SocketStorage::EMPTY; _])?;
    let (mut clock, mut stack) = network::start(settings, places)?;
    let nor = Nor::mount(Flash::take()?, 0, FLASH_SIZE as u32).ok()?;
    let mut store: Store = Checked::new(Split::new(nor, Rom::new(FILES)));
    let driver = driver(settings, &seed, &mut stack)?;

    let fetch = settings.get("fetch").and_then(|fetch| fetch.split_once('/'));
    let mut fetch_at = None;
    loop {
        // A turn tells of each upload, of the download, and of the session twice at most.
        let mut told: Vec<Event, { SERVED + 3 }> = Vec::new();
        let now = clock.now();
        let mut until = driver.turn(now, &mut stack, &mut store, |_, event| {
            let _ = told.push(event);
        });
        for event in told {
            until = Some(now);
            match event {
                Event::Connect => {
                    let called = driver.carrier.second.call(now, &mut stack, at, &tracker);
                    let stream = driver.adopt(called.map(Either::Second));
                    driver.machine.session_called(now, stream);
                }
                Event::Online => {
                    say!["online; stack ", stack::deepest() as u32];
                    fetch_at = fetch.map(|_| now);
                }
                Event::Offline(code) => say!["offline: ", u32::from(u8::from(code))],
                Event::Over(code) => {
                    say!["over: ", u32::from(u8::from(code))];
                    semihosting::exit(1);
                }
                Event::Call => {
                    let (owner, name) = fetch.unwrap_or_default();
                    store.expect(driver.machine.announced(owner, name));
                    let called = call(driver, now, &mut stack, settings.get("via") == Some("tcp"));
                    let stream = driver.adopt(called);
                    driver.machine.download_called(stream);
                }
                Event::Fetched { bytes } => {
                    let (_, name) = fetch.unwrap_or_default();
                    let how =
                        if store.is_checked() { " bytes as announced; stack " } else { " bytes; stack " };
                    say!["fetched ", name, ", ", bytes as u32, how, stack::deepest() as u32];
                    let hash = Some(store.hash());
                    driver.machine.publish(name, FileInfo { flags: 0, length: bytes, hash });
                }
                Event::NotFetched => {
                    let why = if store.is_refused() { ": it is not what was announced" } else { "" };
                    say!["not fetched", why];
                    fetch_at = Some(now + PAUSE);
                }
                Event::Served => say!["served; stack ", stack::deepest() as u32],
            }
        }
        if let (Some(at), Some((owner, name))) = (fetch_at, fetch) {
            if at > now {
                until = until.into_iter().chain([at]).min();
            } else {
                fetch_at = if driver.machine.fetch(now, owner, name) { None } else { Some(now + PAUSE) };
                until = Some(now);
            }
        }
        clock.sleep(&stack.device, until);
    }
}

/// The member, and all that it speaks through.
fn driver(
    settings: Settings<'_>,
    seed: &[u8; 32],
    stack: &mut Stack<'static, Ethernet>,
) -> Option<&'static mut Running> {
    let is_public = settings.get("public") == Some("yes");
    let door: &Door<SERVED> = singleton!(: Door<SERVED> = Door::new(is_public))?;
    let own = KeyPair::new(keys::secret(seed, b"key"));
    say!["key ", core::str::from_utf8(&settings::key_text(own.public().as_bytes())).unwrap_or_default()];
    let first = datagrams(&own, door, seed, stack)?;
    let second = streams(&own, door, seed, stack)?;
    let member = member(door, keys::word(seed, 3))?;
    member.start(settings.get("name").unwrap_or("board")).then_some(())?;
    for (name, content) in FILES {
        let hash = Some(blake3::hash(content).into());
        member.publish(name, FileInfo { flags: 0, length: content.len() as u64, hash });
    }
    singleton!(: Running = Driver::new(member, Both { first, second }))
}

// Each on its own, as all of them together would be on the stack at once before they are where they stay.

#[inline(never)]
fn datagrams(
    own: &KeyPair,
    door: &'static Door<SERVED>,
    seed: &[u8; 32],
    stack: &mut Stack<'static, Ethernet>,
) -> Option<&'static mut Datagrams> {
    let socket = udp_socket!(stack, WINDOW, rdt::DATAGRAM);
    let sealed =
        rdt::Sealed::new(rdt::device_settings(), own.clone(), keys::secret(seed, b"rdt"), Keeper(door));
    singleton!(: Datagrams =
        Rdt::bind::<_, Store>(stack, socket, PORT, Rules::DEVICE, keys::word(seed, 1), sealed).ok()?)
}

#[inline(never)]
fn streams(
    own: &KeyPair,
    door: &'static Door<SERVED>,
    seed: &[u8; 32],
    stack: &mut Stack<'static, Ethernet>,
) -> Option<&'static mut Streams> {
    let rooms = singleton!(: [([u8; IN], [u8; OUT]); STREAMS] = [([0; _], [0; _]); _])?;
    let sockets = rooms.each_mut().map(|(incoming, outgoing)| buffers::tcp(stack, incoming, outgoing));
    let sealed = tcp::Sealed::new(own.clone(), keys::secret(seed, b"tcp"), Keeper(door));
    singleton!(: Streams = Tcp::new(sockets, keys::word(seed, 2), sealed).listening(PORT))
}

#[inline(never)]
#[expect(clippy::mut_from_ref, reason = "what it gives is a variable of its own")]
fn member(door: &'static Door<SERVED>, seed: u64) -> Option<&'static mut Board> {
    let rules = client::Settings { falls_back: false, ..client::Settings::DEFAULT };
    singleton!(: Board = Member::new(client::Client::fixed(rules, seed), door, (PORT, PORT)))
}

/// Calls the owner of the file that was asked for.
fn call(
    driver: &mut Running,
    now: Instant,
    stack: &mut Stack<'static, Ethernet>,
    over_tcp: bool,
) -> Option<<Carriers as Carrier>::Link> {
    let go = driver.machine.way()?;
    let introduction = go.introduction?;
    let mut secret = introduction.secret;
    let call = Call {
        server: Public(introduction.key),
        purpose: Purpose::Peer { introduction: go.token },
        psk: Some(Psk::new(Secret::take(&mut secret))),
    };
    let at = |port| SocketAddr::new(go.address.to_canonical(), port);
    if over_tcp || go.rdt == 0 {
        let at = at(go.tcp);
        driver.carrier.second.call(now, stack, at, &call).map(Either::Second)
    } else {
        let at = at(go.rdt);
        driver.carrier.first.call(now, at, call).map(Either::First)
    }
}
