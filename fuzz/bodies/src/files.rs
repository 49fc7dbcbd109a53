//! Any calls in any order that the contract of `skep_core::stream` allows, into a server or a client of files.
//!
//! Nothing may panic or spin, no action may name a stream that is gone, every file is let go, and when all streams
//! have closed no session, no slot and no place in the line is left.

mod ledger;

use crate::Choices;
use ledger::Ledger;
use skep_core::{
    Instant,
    files::{Client, Dialect, Server, Session, Settings, WhenFull},
    stream::{Service, StreamId},
    table::Named,
    wire::Name,
};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(3);

/// Plays a server, or a client, by the first byte.
pub fn files(data: &[u8]) {
    let mut choices = Choices::new(data);
    match choices.below(4) {
        0 => client(&mut choices),
        1 => server::<1>(&mut choices),
        _ => server::<4>(&mut choices),
    }
}

fn server<const STREAMS: usize>(choices: &mut Choices<'_>) {
    let settings = Settings {
        slots: choices.below(3) as u32,
        when_full: [WhenFull::Wait, WhenFull::Busy][choices.below(2)],
        read_only: choices.rarely(8),
        max_upload: [u64::MAX, 2][choices.below(2)],
        ..Settings::DEFAULT
    };
    let mut machine = Server::<heapless::Vec<Named<Session>, STREAMS>>::new(settings, heapless::Vec::new());
    let mut ledger = Ledger::default();
    let mut now = Instant::ZERO;
    while !choices.is_over() {
        ledger.call(choices, &mut machine, now, |machine, choices, stream| {
            let dialect = if choices.rarely(4) { Dialect::Path } else { Dialect::Files };
            machine.opened_as(now, stream, dialect)
        });
        if !choices.rarely(4) {
            ledger.drain(&mut machine, now);
            assert!(machine.transfers() <= settings.slots.max(1), "more transfers than slots");
            assert!(ledger.files() <= machine.transfers() as usize, "a file is in use without a slot");
            assert!(machine.waiting() as usize <= machine.sessions());
            for number in 0..STREAMS as u32 {
                let _ = machine.name(skep_core::stream::FileId(number));
            }
        }
        if choices.rarely(16) {
            now = now + Duration::from_secs(choices.below(400) as u64);
        }
    }
    ledger.settle(&mut machine, now);
    let left = (machine.sessions(), machine.transfers(), machine.waiting());
    assert_eq!(left, (0, 0, 0), "sessions, transfers or places in the line are left over");
}

fn client(choices: &mut Choices<'_>) {
    let name = Name::new(b"a").unwrap();
    let limit = [u64::MAX, 5][choices.below(2)];
    let mut machine = match choices.below(3) {
        0 => Client::download(name, Dialect::Files, limit, PATIENCE),
        1 => Client::upload(name, PATIENCE),
        _ => Client::download(name, Dialect::Path, limit, PATIENCE),
    };
    let mut ledger = Ledger::default();
    let mut now = Instant::ZERO;
    while !choices.is_over() {
        ledger.call(choices, &mut machine, now, |machine, _, stream| machine.opened(now, stream));
        if !choices.rarely(4) {
            ledger.drain(&mut machine, now);
        }
        if choices.rarely(8) {
            now = now + Duration::from_secs(choices.below(4) as u64);
        }
    }
    if !ledger.was_opened() {
        ledger.open(StreamId(0), machine.opened(now, StreamId(0)));
    }
    ledger.settle(&mut machine, now);
    assert!(machine.is_over(), "it does not come to an end");
    assert!(ledger.events() <= 2, "it ended twice");
}
