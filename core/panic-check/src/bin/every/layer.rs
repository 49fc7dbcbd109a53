//! The sealed transport as a driver uses it: the layer under an endpoint, the greeting on a stream.

use heapless::Vec;
use skep_core::{
    Cell, guard,
    rdt::{Peer, Transmit},
    seal::{
        KeyPair, Layer, Psk, Public, Random, RustCrypto, Secret,
        greeting::{self, Directions, Hail, Host, Terms},
        layer::{Access, Call, Caller, Decision, SALT, Session, Settings},
        record::{Opened, Opener, Sealer},
    },
    table::Slot,
    wire::seal::{Purpose, Suite},
};
use skep_panic_check::{
    input::{address, any, bytes, flag, maybe, now, number, room},
    keep,
};

type Device<const SESSIONS: usize, const SLOTS: usize> = Layer<
    RustCrypto,
    Vec<Slot<Session<RustCrypto>>, SESSIONS>,
    Vec<Cell, SESSIONS>,
    SLOTS,
    { guard::DEVICE_BUCKETS },
>;

/// An application that decides in any way.
struct Anyhow;

impl Access for Anyhow {
    fn decide(&mut self, caller: &Caller, is_proven: bool) -> Decision {
        keep((*caller, is_proven));
        match number() & 3 {
            0 | 1 => Decision::admit_if(flag()),
            2 => Decision::Prove,
            _ => Decision::Later,
        }
    }

    fn invite(&mut self, id: &[u8; 8]) -> Option<Psk> {
        keep(*id);
        maybe(psk())
    }

    fn salt(&mut self, name: &[u8]) -> Option<[u8; SALT]> {
        keep(name.len());
        maybe(*any())
    }

    fn introduction(&mut self, id: &[u8; 16]) -> Option<(Public, Psk)> {
        keep(*id);
        maybe((*any(), psk()))
    }
}

pub(crate) fn call<const SESSIONS: usize, const SLOTS: usize>() {
    random();
    layer(any::<Device<SESSIONS, SLOTS>>());
    greet();
}

fn secret() -> Secret {
    Secret::take(any())
}

fn psk() -> Psk {
    Psk::new(secret())
}

fn suites() -> &'static [Suite] {
    if flag() { &[Suite::ChaCha] } else { &Suite::ALL }
}

fn purpose() -> Purpose {
    match number() {
        0 => Purpose::Member,
        1 => Purpose::Guest,
        2 => Purpose::Salt,
        3 => Purpose::Enrol { invite: *any() },
        _ => Purpose::Peer { introduction: *any() },
    }
}

fn whom() -> Call {
    Call { server: *any(), purpose: purpose(), psk: maybe(psk()) }
}

fn random() {
    *any() = Random::<RustCrypto>::new(secret());
    let random = any::<Random<RustCrypto>>();
    keep((random.next(), random.number()));
}

fn layer<const SESSIONS: usize, const SLOTS: usize>(layer: &mut Device<SESSIONS, SLOTS>) {
    let peer = if flag() { Peer::Session(number()) } else { address().into() };
    keep((layer.counters(), layer.guard(), layer.count()));
    layer.turn(now(), flag());
    keep(layer.connect(now(), address(), whom()));
    keep((layer.caller(peer), layer.address(peer), layer.is_confirmed(peer), layer.take_moved()));
    layer.ended(now(), peer);
    keep(layer.receive(now(), address(), room(), &mut Anyhow));
    let mut transmit = Transmit { to: peer, bytes: room(), size: number() as usize, load: None };
    keep(layer.seal(&mut transmit));
    keep(transmit.bytes.len());
    keep(layer.poll(now(), room()));
    keep(layer.deadline());
    let guard = guard::Settings { agreements_per_turn: number() as u16, calm_rate: number() as u32 };
    let settings = Settings { suites: suites(), largest: number() as u16, guard };
    *layer = Layer::new(settings, KeyPair::new(secret()), secret(), Vec::new(), Vec::new());
}

fn greet() {
    let own = any::<KeyPair>();
    let terms = Terms { suites: suites(), largest: number() as u16 };
    keep(Hail::<RustCrypto>::start(own, &whom(), &terms, secret(), room()));
    keep(Hail::<RustCrypto>::ask(own, any(), bytes(), &terms, secret(), room()));
    let hail = any::<Hail<RustCrypto>>();
    keep(hail.salt(bytes()));
    if let Ok(directions) = hail.finish(bytes()) {
        stream(directions);
    }
    let host = Host { own, check: any() };
    let greeted = greeting::greet(&host, bytes(), address(), &terms, secret(), &mut Anyhow, room());
    if let Ok((directions, caller, length)) = greeted {
        keep((caller, length));
        stream(directions);
    }
}

fn stream((mut sealer, mut opener): Directions<RustCrypto>) {
    let (sealer, opener): (&mut Sealer, &mut Opener) = (&mut sealer, &mut opener);
    keep((sealer.seal(room()), sealer.end(), sealer.text_max()));
    keep((opener.needed(bytes()), opener.room()));
    match opener.open(room()) {
        Ok(Opened::Text(text)) => keep(text.len()),
        Ok(Opened::End) => keep(()),
        Err(refused) => keep(refused),
    }
}
