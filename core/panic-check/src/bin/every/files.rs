//! The server and the client of files.

use heapless::Vec;
use skep_core::{
    files::{Client, Dialect, Server, Session, Settings},
    stream::Service,
    table::Named,
};
use skep_panic_check::{
    input::{any, bytes, closed, file, name, now, number, outcome, room, span, stream},
    keep,
};

type Sessions<const STREAMS: usize> = Server<Vec<Named<Session>, STREAMS>>;

pub(crate) fn call() {
    server(any::<Sessions<1>>());
    server(any::<Sessions<8>>());
    client(any());
}

fn server<const STREAMS: usize>(server: &mut Sessions<STREAMS>) {
    serve(server);
    keep(server.opened_as(now(), stream(), dialect()));
    keep(server.counters());
    keep(server.settings());
    keep((server.sessions(), server.transfers(), server.waiting()));
    keep(server.name(file()));
    *server = Server::new(*any(), Vec::new());
    keep(Settings::default());
}

fn client(client: &mut Client) {
    serve(client);
    keep(client.is_over());
    keep(client.direction());
    keep(client.name());
    if let Some(name) = name() {
        *any() = Client::download(name, dialect(), number(), span());
        *any() = Client::upload(name, span());
    }
}

/// What a driver does with any machine over streams.
fn serve(machine: &mut impl Service) {
    keep(machine.opened(now(), stream()));
    keep(machine.received(now(), stream(), bytes()));
    machine.moved(now(), stream(), outcome(()));
    machine.finished(now(), stream());
    machine.closed(now(), stream(), closed());
    machine.stored(now(), file(), outcome(number()));
    keep(machine.poll(now(), room()));
}

fn dialect() -> Dialect {
    match number() {
        0 => Dialect::Files,
        1 => Dialect::Path,
        _ => Dialect::GetFile,
    }
}
