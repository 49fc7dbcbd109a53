//! The endpoint, in the sizes that a device may choose, and as a host has it.

use heapless::Vec;
use skep_core::rdt::{
    ConnectionId, Endpoint, Fixed, Incoming, Keyed, Language, Output, Profile, Settings, Ticket, Tokens,
};
use skep_panic_check::{
    input::{address, any, bytes, file, now, number, room},
    keep,
};

pub(crate) fn call() {
    keep((Settings::HOST, Settings::DEVICE));
    *any() = Endpoint::<Fixed<1, 1>>::new(*any(), number(), Vec::new(), Vec::new(), Vec::new());
    *any() = Endpoint::<Fixed<4, 16>>::new(*any(), number(), Vec::new(), Vec::new(), Vec::new());
    *any() = Endpoint::<Fixed<2, 32, true, true>>::new(*any(), number(), Vec::new(), Vec::new(), Vec::new());
    feed(any::<Endpoint<Fixed<1, 1>>>());
    feed(any::<Endpoint<Fixed<4, 16>>>());
    feed(any::<Endpoint<Fixed<2, 32, true, true>>>());
    ask(any::<Endpoint<Fixed<1, 1>>>());
    ask(any::<Endpoint<Fixed<4, 16>>>());
    ask(any::<Endpoint<Fixed<2, 32, true, true>>>());
    prove(any());
}

/// What a host's endpoint does with addresses.
fn prove(tokens: &mut Keyed) {
    tokens.set([number(), number()]);
    keep(tokens.token(now(), address().ip()));
    keep(tokens.is_good(now(), address().ip(), number()));
}

/// What a driver does with datagrams and time.
fn feed<P: Profile>(endpoint: &mut Endpoint<P>) {
    match endpoint.handle(now(), address(), bytes()) {
        Ok(Some(incoming)) => take(endpoint, &incoming),
        Ok(None) => {}
        Err(discard) => keep(discard),
    }
    match endpoint.poll(now(), room()) {
        Output::Transmit(transmit) => keep(transmit),
        Output::Event(event) => keep(event),
        Output::Wait(until) => keep(until),
    }
}

fn take<P: Profile>(endpoint: &mut Endpoint<P>, incoming: &Incoming<'_>) {
    let ticket: &Ticket = any();
    keep(ticket.connection().number());
    match incoming {
        Incoming::Message { ticket, bytes } => {
            endpoint.taken(ticket, number() as usize);
            keep(endpoint.rest(ticket, bytes));
        }
        Incoming::Store { ticket, bytes, .. } => {
            keep(bytes);
            endpoint.stored(ticket);
        }
        Incoming::Early { ticket, .. } => endpoint.kept(ticket),
    }
    // A ticket may come back late, when it means nothing any more.
    endpoint.taken(ticket, number() as usize);
    keep(endpoint.rest(ticket, bytes()));
    endpoint.stored(ticket);
    endpoint.kept(ticket);
}

/// What an application asks for.
fn ask<P: Profile>(endpoint: &mut Endpoint<P>) {
    keep(endpoint.settings());
    keep((endpoint.dropped(), endpoint.count(), endpoint.linger_until()));
    let language = match number() {
        0 => Language::Any,
        1 => Language::Own,
        _ => Language::Known,
    };
    keep(endpoint.connect_again(now(), address(), language, *any()));
    keep(endpoint.accept(now()));
    let connection: ConnectionId = *any();
    keep(endpoint.pass(connection));
    keep(endpoint.connection_with(address().into()));
    endpoint.limit(now(), connection, number() as usize);
    endpoint.too_long(now(), connection);
    keep(endpoint.write(connection, bytes()));
    keep(endpoint.send(connection, file(), number(), number()));
    endpoint.receive(connection, file(), number(), number());
    endpoint.discard(connection);
    endpoint.resume(connection);
    endpoint.finish(connection);
    endpoint.abort(connection);
    keep(endpoint.expected(connection));
    keep(endpoint.statistics(connection));
}
