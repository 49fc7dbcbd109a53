//! What a device needs that puts and gets files over RDT: the figure of the size budget.
//!
//! Without the feature `known-peers` it meets nobody but skep. A whole driver, as small as one can be, of which only the socket and the storage are missing.
#![no_std]
#![no_main]

use heapless::Vec;
use skep_core::{
    files::{Client, Dialect, Progress},
    limits::MESSAGE_MAX,
    rdt::{ConnectionId, Endpoint, Error, Event, Fixed, Incoming, Language, Output, Settings},
    stream::{Action, Closed, Fault, Service, StreamId},
};
use skep_panic_check::{
    input::{address, any, bytes, flag, name, now, number, outcome, room, span},
    keep,
};

const STREAM: StreamId = StreamId(0);

/// One connection, four segments each way, and nobody calls.
type Device = Endpoint<Fixed<1, 4, false>>;

/// Where the image begins.
#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    skep_panic_check::prove();
    let endpoint: &mut Device = any();
    *endpoint = Endpoint::new(Settings::DEVICE, number(), Vec::new(), Vec::new(), Vec::new());
    loop {
        if let Some(name) = name() {
            let dialect: &Dialect = any();
            let mut client = if flag() {
                Client::upload(name, span())
            } else {
                Client::download(name, *dialect, number(), span())
            };
            keep(transfer(endpoint, &mut client));
        }
    }
}

fn transfer(endpoint: &mut Device, client: &mut Client) -> Option<Progress> {
    let connection = endpoint.connect(now(), address(), Language::Any)?;
    loop {
        if let Ok(Some(incoming)) = endpoint.handle(now(), address(), bytes()) {
            take(endpoint, client, connection, incoming);
        }
        let progress = act(endpoint, client, connection);
        if progress.is_some() {
            keep(endpoint.statistics(connection));
            return progress;
        }
        send(endpoint, client);
    }
}

/// Bytes of the stream came: content into the storage, everything else to the client.
fn take(endpoint: &mut Device, client: &mut Client, connection: ConnectionId, incoming: Incoming<'_>) {
    match incoming {
        Incoming::Message { ticket, bytes } => {
            let taken = client.received(now(), STREAM, bytes);
            endpoint.taken(&ticket, taken);
            if taken < bytes.len() && act(endpoint, client, connection).is_none() {
                let rest = bytes.get(taken..).unwrap_or_default();
                if let Some(Incoming::Store { ticket, file, offset, bytes }) = endpoint.rest(&ticket, rest) {
                    keep((file, offset, bytes));
                    endpoint.stored(&ticket);
                }
            }
        }
        Incoming::Store { ticket, file, offset, bytes } => {
            keep((file, offset, bytes));
            if flag() { endpoint.stored(&ticket) } else { endpoint.abort(connection) }
        }
        Incoming::Early { .. } => {}
    }
}

/// Does what the client asks for; its last word.
fn act(endpoint: &mut Device, client: &mut Client, connection: ConnectionId) -> Option<Progress> {
    let mut room = [0; MESSAGE_MAX];
    loop {
        match client.poll(now(), &mut room) {
            Action::Write { bytes, .. } => {
                if !endpoint.write(connection, bytes) {
                    endpoint.abort(connection);
                }
            }
            Action::Send { file, offset, length, .. } => {
                keep(endpoint.send(connection, file, offset, length))
            }
            Action::Receive { file, offset, length, .. } => {
                endpoint.receive(connection, file, offset, length.unwrap_or(u64::MAX));
            }
            Action::Splice { .. } => endpoint.abort(connection),
            Action::Finish(_) => endpoint.finish(connection),
            Action::Abort(_) => endpoint.abort(connection),
            Action::Open { file, .. } | Action::Create { file, .. } | Action::Commit(file) => {
                client.stored(now(), file, outcome(number()));
            }
            Action::Release(file) => keep(file),
            Action::Event(progress) if client.is_over() => return Some(progress),
            Action::Event(progress) => keep(progress),
            Action::Wait(until) => {
                keep(until);
                return None;
            }
        }
    }
}

/// Sends what is to be sent, and tells the client what became of its stream.
fn send(endpoint: &mut Device, client: &mut Client) {
    loop {
        match endpoint.poll(now(), room()) {
            Output::Transmit(transmit) => keep(transmit),
            Output::Event(Event::Connected(_)) => keep(client.opened(now(), STREAM)),
            Output::Event(Event::Sent(_) | Event::Received(_)) => client.moved(now(), STREAM, Ok(())),
            Output::Event(Event::Finished(_)) => {
                if flag() {
                    client.moved(now(), STREAM, Err(Fault::Ended));
                }
                client.finished(now(), STREAM);
            }
            Output::Event(Event::Flushed(_)) => client.flushed(now(), STREAM),
            Output::Event(Event::Closed(_, end)) => client.closed(now(), STREAM, closed(end)),
            Output::Wait(until) => return keep(until),
        }
    }
}

fn closed(end: Result<(), Error>) -> Closed {
    if end.is_ok() { Closed::Done } else { Closed::Broken }
}
