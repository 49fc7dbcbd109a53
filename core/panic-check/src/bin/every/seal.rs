//! The engine of the sealed transport: keys, handshakes, datagrams, records and their formats.

use core::ptr;
use skep_core::{
    seal::{
        CheckKey, Initiator, InitiatorKeys, KeyPair, Prologue, Protection, Psk, Responder, ResponderKeys,
        RustCrypto, Secret, Transport, record,
    },
    wire::seal::{
        Answer, Challenge, Hello, Init1, Init2, Offer, Packet, Proof, Purpose, Reply, Suite, Suites,
    },
};
use skep_panic_check::{
    input::{any, bytes, flag, maybe, number, room},
    keep,
};

pub(crate) fn call() {
    keys();
    initiator();
    responder();
    datagrams();
    records();
    packets();
    hellos();
}

fn secret() -> Secret {
    Secret::take(any())
}

fn suite() -> Suite {
    if flag() { Suite::ChaCha } else { Suite::Aes }
}

fn suites() -> Suites {
    Suites::CHACHA.and(suite())
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

fn prologue() -> Prologue {
    let transport = if flag() { Transport::Datagrams } else { Transport::Records };
    Prologue { transport, suites: suites(), purpose: purpose(), context: *any() }
}

fn stamp(covered: &[u8]) -> [u8; 16] {
    any::<CheckKey>().stamp(covered)
}

fn keys() {
    keep(KeyPair::<RustCrypto>::new(secret()));
    keep(Psk::invite::<RustCrypto>(any()));
    keep(*any::<Secret>() == *any::<Secret>());
    keep(CheckKey::<RustCrypto>::new(any(), maybe(&*any())));
    keep(any::<CheckKey>().verify(&Proof { covered: bytes(), check: any() }));
}

fn initiator() {
    let keys = match number() {
        0 => InitiatorKeys::Ik { own: any(), peer: any() },
        1 => InitiatorKeys::Nk { peer: any() },
        2 => InitiatorKeys::NkPsk0 { peer: any(), psk: any() },
        _ => InitiatorKeys::KkPsk0 { own: any(), peer: any(), psk: any() },
    };
    keep(Initiator::<RustCrypto>::start(&keys, &prologue(), secret(), bytes(), room()));
    keep(any::<Initiator>().finish(bytes(), room()));
}

fn responder() {
    let keys = match number() {
        0 => ResponderKeys::Ik { own: any() },
        1 => ResponderKeys::Nk { own: any() },
        2 => ResponderKeys::NkPsk0 { own: any(), psk: any() },
        _ => ResponderKeys::KkPsk0 { own: any(), peer: any(), psk: any() },
    };
    keep(Responder::<RustCrypto>::read(&keys, &prologue(), bytes(), room()));
    // SAFETY: never run.
    let responder = unsafe { ptr::read(any::<Responder>()) };
    keep(responder.initiator());
    keep(responder.answer(secret(), bytes(), room()));
}

fn datagrams() {
    keep(Protection::<RustCrypto>::new(suite(), any(), *any()));
    let protection = any::<Protection>();
    keep(protection.seal(room()));
    keep(protection.seal_batch(room(), number() as usize));
    keep(protection.open(room()));
    protection.refresh();
    keep((protection.is_closed(), protection.expected(), protection.forged()));
}

fn records() {
    keep(record::Sealer::<RustCrypto>::new(suite(), any(), number() as u16));
    keep(record::Opener::<RustCrypto>::new(suite(), any(), number() as u16));
    let (sealer, opener) = (any::<record::Sealer>(), any::<record::Opener>());
    keep(sealer.seal(room()));
    keep(sealer.end());
    keep((sealer.text_max(), opener.room()));
    keep(opener.needed(bytes()));
    keep(opener.open(room()));
}

fn packets() {
    keep(Packet::parse(bytes()));
    let init1 = Init1 {
        suites: suites(),
        purpose: purpose(),
        client: *any(),
        message: bytes(),
        cookie: maybe(*any()),
    };
    keep(init1.emit(number() as usize, stamp, room()));
    keep(Challenge { client: *any(), cookie: *any() }.emit(stamp, room()));
    keep(Init2 { client: *any(), message: bytes() }.emit(room()));
    keep(Suites::from_byte(number() as u8).map(|suites| suites.choose(&[suite(), suite()])));
}

fn hellos() {
    keep((Hello::needed(bytes()), Hello::parse(bytes())));
    keep((Reply::needed(bytes()), Reply::parse(bytes())));
    keep(Hello { suites: suites(), purpose: purpose(), message: bytes() }.emit(stamp, room()));
    keep(Reply { message: bytes() }.emit(room()));
    keep((Offer::parse(bytes()), Answer::parse(bytes())));
    keep(Offer { largest: number() as u16, body: bytes() }.emit(room()));
    keep(Answer { suite: suite(), largest: number() as u16, body: bytes() }.emit(room()));
}
