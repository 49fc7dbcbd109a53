//! The formats, names and texts.

use core::fmt::Write;
use skep_core::{
    rdt::Error,
    wire::{
        Name,
        file::{Code, Message},
        path,
        rdt::{Known, Magic, Own, Pass},
    },
};
use skep_panic_check::{
    input::{bytes, fault, flag, kind, magic, map, name, number, room, terms},
    keep,
};

/// Takes text and forgets it.
pub(crate) struct Sink;

impl Write for Sink {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        keep(text);
        Ok(())
    }
}

pub(crate) fn call() {
    names();
    messages();
    known();
    own();
    texts();
}

fn names() {
    keep(Name::new(bytes()).map(Name::as_str));
    keep(Magic::new(bytes()));
    keep(magic().as_bytes());
    keep(path::parse(bytes(), flag()));
    keep(name().and_then(|name| path::emit(name, room())));
}

fn messages() {
    keep(Message::parse(bytes()));
    let code = Code::from(number() as u8);
    keep(u8::from(code));
    keep(Code::from(fault()));
    let message = match (number(), name()) {
        (0, Some(name)) => Message::Upload { length: number(), name },
        (1, Some(name)) => Message::Request { name },
        (2, _) => Message::Download { length: number() },
        (3, _) => Message::Confirm,
        _ => Message::Error(code),
    };
    keep(message.emit(room()));
}

fn known() {
    keep(Known::parse(&magic(), bytes()));
    let packet = match number() {
        0 => Known::Connect,
        1 => Known::ConnAck,
        2 => Known::Info { number: number() as u32, body: bytes() },
        3 => Known::Ack(number() as u32),
        4 => Known::Fin,
        _ => Known::FinAck,
    };
    keep(packet.emit(&magic(), kind(), room()));
}

fn own() {
    keep(Own::parse(bytes()));
    let (one, two, three) = (number() as u32, number() as u32, number() as u32);
    let packet = match number() {
        0 => Own::Open {
            terms: terms(),
            realm: magic(),
            pass: Pass { token: number(), round_trip: number() as u32 },
        },
        1 => Own::Accept { terms: terms(), token: number() },
        2 => Own::Data { transmission: one, segment: two, asks: one > two, body: bytes() },
        8 => Own::Part {
            transmission: one,
            segment: two,
            asks: one > two,
            offset: one as u16,
            length: two as u16,
            body: bytes(),
        },
        3 => Own::Ack { top: one, next: two, limit: three, delay: number() as u16, map: map() },
        4 => Own::Fin { segments: one },
        5 => Own::FinAck,
        6 => Own::Ping { token: number() },
        _ => Own::Reset,
    };
    keep(packet.emit(number() as u32, room()));
    keep(map().contains(number()));
}

fn texts() {
    let delivered = number();
    let error = match number() {
        0 => Error::Unreachable,
        1 => Error::TimedOut { delivered },
        2 => Error::Silent { delivered },
        3 => Error::Reset { delivered },
        4 => Error::Restarted,
        5 => Error::Deceived { delivered },
        _ => Error::Aborted,
    };
    keep(write!(Sink, "{error} {}", Code::from(number() as u8)));
    keep(name().map(|name| write!(Sink, "{name}")));
    keep(write!(Sink, "{:?}", magic()));
}
