//! The formats of sessions with a tracker and of commands.

use super::wire::Sink;
use core::fmt::Write;
use skep_core::wire::{
    Text,
    command::{self, Operation, Strings},
    session::{Code, FileInfo, Frame, Notice, Request, Side, Unread, Way, emit_came, emit_shared, joined},
};
use skep_panic_check::{
    input::{address, any, bytes, flag, maybe, number, room},
    keep,
};

/// Any text that may be shown.
pub(crate) fn text() -> Option<Text<'static>> {
    Text::new(bytes()).ok()
}

/// Any file.
pub(crate) fn info() -> FileInfo {
    FileInfo { length: number(), flags: number() as u8, hash: maybe(*any()) }
}

/// Any code.
pub(crate) fn code() -> Code {
    Code::from(number() as u8)
}

/// Any way.
pub(crate) fn way() -> Way {
    match number() {
        0 => Way::Direct,
        1 => Way::Relayed,
        _ => Way::Command,
    }
}

pub(crate) fn call() {
    keep(text().map(|text| (text.as_str().len(), text.as_bytes().len(), write!(Sink, "{text}"))));
    keep((u8::from(code()), write!(Sink, "{}", code()), u8::from(way())));
    keep(u8::from(if flag() { Side::Owner } else { Side::Requester }.other()));
    keep(Frame::first(bytes()));
    keep(joined(any(), number() as usize, bytes()));
    keep(Unread::unknown(number() as u8));
    keep(Request::parse(number() as u8, bytes()));
    keep(Notice::parse(number() as u8, bytes()));
    keep(any::<Request<'_>>().emit(room()));
    keep(any::<Notice<'_>>().emit(room()));
    let pieces: &[&[u8]] = *any();
    let (file, user) = (number() as u32, number() as u32);
    keep(emit_came(room(), user, flag(), number() as usize, pieces.iter().copied()));
    keep(emit_shared(room(), file, user, &info(), number() as usize, pieces.iter().copied()));
    commands();
}

fn commands() {
    if let Some(operation) = Operation::parse(bytes()) {
        keep((operation.name(), operation.strings(), operation.failure()));
        let strings: &[&[u8]] = *any();
        keep(command::emit(operation, maybe(&*any()), strings, room()));
    }
    keep((command::is_date(bytes()), command::number(bytes()), command::result(number() as u8)));
    keep(command::string(bytes()));
    keep((command::parse_get_file(bytes()).is_ok(), command::parse_get_file_path(bytes()).is_ok()));
    keep(command::parse_answer(bytes()).is_ok());
    let mut strings = Strings::new(room());
    keep((strings.raw(bytes()), strings.string(bytes()), strings.number(number())));
    keep(strings.address(address().ip()));
    strings.back_to(number() as usize);
    keep(strings.length());
}
