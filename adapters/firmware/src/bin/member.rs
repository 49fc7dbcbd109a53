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
//! | `until=fetched` | end with exit code 0 when the file is there |
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
    door::{Door, Keeper},
    flash::Flash,
    keys,
    member::{Event, Member},
    network, say, semihosting,
    settings::{self, Settings},
    stack,
};
use skep_smoltcp::{
    Both, Driver, Either, Rdt, Stack, Tcp, rdt,
    storage::{Nor, Rom, Split},
    tcp,
};
use smoltcp::{
    iface::SocketStorage,
    socket::{tcp as tcp_socket, udp},
};

/// Where it serves.
const PORT: u16 = 7_537;
/// Downloads that it serves at once.
const SERVED: usize = 2;
/// Those, and one of its own.
const TRANSFERS: usize = SERVED + 1;
/// And the session.
const STREAMS: usize = TRANSFERS + 1;
const WINDOW: usize = 4;
/// Sessions of datagrams: as many as transfers, and handshakes.
const SESSIONS: usize = TRANSFERS + 4;
/// A download that failed is tried again after so long.
const PAUSE: Duration = Duration::from_secs(1);

const FILES: &[(&str, &[u8])] = &[("about.txt", include_bytes!("../../files/about.txt"))];

type Places = client::Fixed<4, 8, 4, TRANSFERS, 24>;
type Board = Member<Places, SERVED>;
type Datagrams = Rdt<TRANSFERS, WINDOW, rdt::Sealed<Keeper<SERVED>, SESSIONS>>;
type Streams = Tcp<STREAMS, tcp::Sealed<Keeper<SERVED>>, { tcp::SEALED_CHUNK }>;
type Carriers = Both<Datagrams, Streams>;
type Store = Split<Nor<Flash, 2, TRANSFERS>, Rom<'static, TRANSFERS>, TRANSFERS>;

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
    let places = singleton!(: [SocketStorage<'static>; STREAMS + 1] = [SocketStorage::EMPTY; STREAMS + 1])?;
    let (mut clock, mut stack) = network::start(settings, places)?;
    let is_public = settings.get("public") == Some("yes");
    let door = singleton!(: Door<SERVED> = Door::new(is_public))?;
    let carriers = carriers(&mut stack, &seed, door)?;
    let nor = Nor::mount(Flash::take()?, 0, FLASH_SIZE as u32).ok()?;
    let mut store: Store = Split::new(nor, Rom::new(FILES));

    let session = client::Client::fixed(
        client::Settings { falls_back: false, ..client::Settings::DEFAULT },
        keys::word(&seed, 3),
    );
    let mut member: Board = Member::new(session, door, (PORT, PORT));
    member.start(settings.get("name").unwrap_or("board")).then_some(())?;
    for (name, content) in FILES {
        member.publish(name, FileInfo { flags: 0, length: content.len() as u64, hash: None });
    }
    let fetch = settings.get("fetch").and_then(|fetch| fetch.split_once('/'));
    let over_tcp = settings.get("via") == Some("tcp");
    let mut driver = Driver::<_, Carriers, STREAMS>::new(member, carriers);
    let mut fetch_at = None;
    loop {
        let mut told: Vec<Event, 4> = Vec::new();
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
                    say!["online"];
                    fetch_at = fetch.map(|_| now);
                }
                Event::Offline(code) => say!["offline: ", u64::from(u8::from(code))],
                Event::Over(code) => {
                    say!["over: ", u64::from(u8::from(code))];
                    semihosting::exit(1);
                }
                Event::Call => {
                    let link = call(&mut driver, now, &mut stack, over_tcp);
                    let stream = driver.adopt(link);
                    driver.machine.download_called(stream);
                }
                Event::Fetched { bytes } => {
                    let name = fetch.map_or("", |(_, name)| name);
                    say!["fetched ", name, ", ", bytes, " bytes; stack ", stack::deepest() as u64];
                    driver.machine.publish(name, FileInfo { flags: 0, length: bytes, hash: None });
                    if settings.get("until") == Some("fetched") {
                        semihosting::exit(0);
                    }
                }
                Event::NotFetched => {
                    say!["not fetched, tried again"];
                    fetch_at = Some(now + PAUSE);
                }
                Event::Served => say!["served"],
            }
        }
        if let (Some(at), Some((owner, name))) = (fetch_at, fetch) {
            if at <= now {
                fetch_at = None;
                if !driver.machine.fetch(now, owner, name) {
                    fetch_at = Some(now + PAUSE);
                }
                until = Some(now);
            } else {
                until = until.into_iter().chain([at]).min();
            }
        }
        network::sleep(&mut clock, &stack, until);
    }
}

/// Calls the owner of the file that was asked for.
fn call(
    driver: &mut Driver<Board, Carriers, STREAMS>,
    now: Instant,
    stack: &mut Stack<'static, Ethernet>,
    over_tcp: bool,
) -> Option<Either<skep_core::rdt::ConnectionId, tcp::Link>> {
    let go = driver.machine.way()?;
    let introduction = go.introduction?;
    let mut secret = introduction.secret;
    let call = Call {
        server: Public(introduction.key),
        purpose: Purpose::Peer { introduction: go.token },
        psk: Some(Psk::new(Secret::take(&mut secret))),
    };
    let (over_tcp, port) = if over_tcp || go.rdt == 0 { (true, go.tcp) } else { (false, go.rdt) };
    let at = SocketAddr::new(go.address, port);
    if over_tcp {
        driver.carrier.second.call(now, stack, at, &call).map(Either::Second)
    } else {
        driver.carrier.first.call(now, at, call).map(Either::First)
    }
}

fn carriers(
    stack: &mut Stack<'static, Ethernet>,
    seed: &[u8; 32],
    door: &'static Door<SERVED>,
) -> Option<Carriers> {
    let own = KeyPair::new(keys::secret(seed, b"key"));
    say!["key ", core::str::from_utf8(&settings::key_text(own.public().as_bytes())).unwrap_or_default()];
    const IN: usize = WINDOW * rdt::DATAGRAM;
    let socket = stack.sockets.add(udp::Socket::new(
        udp::PacketBuffer::new(
            &mut singleton!(: [udp::PacketMetadata; WINDOW] = [udp::PacketMetadata::EMPTY; WINDOW])?[..],
            &mut singleton!(: [u8; IN] = [0; IN])?[..],
        ),
        udp::PacketBuffer::new(
            &mut singleton!(: [udp::PacketMetadata; 2] = [udp::PacketMetadata::EMPTY; 2])?[..],
            &mut singleton!(: [u8; rdt::DATAGRAM] = [0; rdt::DATAGRAM])?[..],
        ),
    ));
    let sealed =
        rdt::Sealed::new(rdt::device_settings(), own.clone(), keys::secret(seed, b"rdt"), Keeper(door));
    let first =
        Rdt::bind::<_, Store>(stack, socket, PORT, Rules::DEVICE, keys::word(seed, 1), sealed).ok()?;

    let buffers =
        singleton!(: [([u8; 2 * 1_460], [u8; 1_460]); STREAMS] = [([0; 2 * 1_460], [0; 1_460]); STREAMS])?;
    let mut buffers = buffers.iter_mut();
    let sockets = [const { None::<()> }; STREAMS].map(|_| {
        let (input, output) = buffers.next()?;
        Some(stack.sockets.add(tcp_socket::Socket::new(
            tcp_socket::SocketBuffer::new(&mut input[..]),
            tcp_socket::SocketBuffer::new(&mut output[..]),
        )))
    });
    let mut handles = [sockets[0]?; STREAMS];
    for (handle, socket) in handles.iter_mut().zip(sockets) {
        *handle = socket?;
    }
    let sealed = tcp::Sealed::new(own, keys::secret(seed, b"tcp"), Keeper(door));
    let second = Tcp::new(handles, keys::word(seed, 2), sealed).listening(PORT);
    Some(Both { first, second })
}
