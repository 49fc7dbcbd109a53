//! Inputs that the compiler must take for anything: it sees a volatile read, or a pointer that came out of one.
//!
//! The images are linked and never run, so none of the pointers is ever followed.

use core::{
    net::{IpAddr, SocketAddr},
    ptr,
    time::Duration,
};
use skep_core::{
    Instant,
    stream::{Closed, Fault, FileId, StreamId},
    wire::{
        Name,
        rdt::{Magic, Map, Terms, TypeKind},
    },
};

/// Any number.
pub fn number() -> u64 {
    static NUMBER: u64 = 0;
    // SAFETY: a reference is valid for reading.
    unsafe { ptr::read_volatile(&raw const NUMBER) }
}

/// Either.
pub fn flag() -> bool {
    number() > 0
}

/// Something, or nothing.
pub fn maybe<T>(value: T) -> Option<T> {
    flag().then_some(value)
}

/// A value of the type in any state that it can have, as far as the compiler knows, and in more.
pub fn any<T>() -> &'static mut T {
    // SAFETY: never run.
    unsafe { &mut *(number() as usize as *mut T) }
}

/// Bytes of any number and content.
pub fn bytes() -> &'static [u8] {
    // SAFETY: never run.
    unsafe { core::slice::from_raw_parts(number() as usize as *const u8, number() as usize) }
}

/// Room of any size.
pub fn room() -> &'static mut [u8] {
    // SAFETY: never run.
    unsafe { core::slice::from_raw_parts_mut(number() as usize as *mut u8, number() as usize) }
}

/// Any moment.
pub fn now() -> Instant {
    Instant::from_micros(number())
}

/// Any span. Not made of a number: that would need a division, which the core does not.
pub fn span() -> Duration {
    *any()
}

/// Any stream.
pub fn stream() -> StreamId {
    StreamId(number() as u32)
}

/// Any file.
pub fn file() -> FileId {
    FileId(number() as u32)
}

/// Any address.
pub fn address() -> SocketAddr {
    let ip = if flag() {
        IpAddr::from((number() as u32).to_be_bytes())
    } else {
        IpAddr::from((u128::from(number()) << 64 | u128::from(number())).to_be_bytes())
    };
    SocketAddr::new(ip, number() as u16)
}

/// Any name that may be used.
pub fn name() -> Option<Name<'static>> {
    Name::new(bytes()).ok()
}

/// Any magic.
pub fn magic() -> Magic {
    Magic::new(bytes()).unwrap_or(Magic::ROSTOV)
}

/// Either kind.
pub fn kind() -> TypeKind {
    if flag() { TypeKind::Raw } else { TypeKind::Ascii }
}

/// Any terms.
pub fn terms() -> Terms {
    Terms { window: number() as u32, segment: number() as u16 }
}

/// Any map.
pub fn map() -> Map {
    Map([number(), number(), number(), number()])
}

/// Any fault.
pub fn fault() -> Fault {
    match number() {
        0 => Fault::NotFound,
        1 => Fault::Exists,
        2 => Fault::TooLarge,
        3 => Fault::NoSpace,
        4 => Fault::BadName,
        5 => Fault::NotAllowed,
        6 => Fault::Changed,
        7 => Fault::Busy,
        8 => Fault::Failed,
        _ => Fault::Ended,
    }
}

/// Any outcome.
pub fn outcome<T>(value: T) -> Result<T, Fault> {
    if flag() { Ok(value) } else { Err(fault()) }
}

/// Either end.
pub fn closed() -> Closed {
    if flag() { Closed::Done } else { Closed::Broken }
}
