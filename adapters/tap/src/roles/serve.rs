//! A server of files.

use super::{
    PlainRdt, PlainTcp, SESSIONS, SOCKETS, STREAMS, SealedRdt, SealedTcp,
    access::{self, Guests},
    say, seed, settings, turn,
};
use crate::{
    args::{Args, Listen},
    folder::Folder,
    host::Host,
};
use skep::{escape::escape, exit::Failure, storage::Directory};
use skep_core::{
    Instant,
    files::{Dialect, Direction, Event, Outcome, Server, Session, Settings, Uploads},
    stream::{Action, Closed, Fault, FileId, Service, StreamId},
    table::Named,
};
use skep_smoltcp::{Admission, Both, Carrier, Driver, Machine, rdt, tcp};
use std::{convert::Infallible, ops::ControlFlow, path::Path};

/// A server of files that knows who may send.
struct Files {
    server: Server<heapless::Vec<Named<Session>, { STREAMS + SESSIONS }>>,
    /// `None`: not sealed, and everybody may.
    guests: Option<Guests>,
}

impl Files {
    const fn new(rules: Settings, guests: Option<Guests>) -> Self {
        Self { server: Server::new(rules, heapless::Vec::new()), guests }
    }
}

impl Machine for Files {
    fn admit(&mut self, now: Instant, admission: &Admission) -> bool {
        let key = admission.origin.caller.and_then(|caller| caller.key);
        let uploads = self.guests.as_ref().map_or(Uploads::Anywhere, |guests| guests.uploads(key));
        self.server.opened_with(now, admission.stream, Dialect::Files, uploads)
    }
}

impl Service for Files {
    type Event = Event;

    fn opened(&mut self, now: Instant, stream: StreamId) -> bool {
        self.server.opened(now, stream)
    }

    fn received(&mut self, now: Instant, stream: StreamId, bytes: &[u8]) -> usize {
        self.server.received(now, stream, bytes)
    }

    fn moved(&mut self, now: Instant, stream: StreamId, outcome: Result<(), Fault>) {
        self.server.moved(now, stream, outcome);
    }

    fn finished(&mut self, now: Instant, stream: StreamId) {
        self.server.finished(now, stream);
    }

    fn closed(&mut self, now: Instant, stream: StreamId, how: Closed) {
        self.server.closed(now, stream, how);
    }

    fn flushed(&mut self, now: Instant, stream: StreamId) {
        self.server.flushed(now, stream);
    }

    fn progressed(&mut self, now: Instant, stream: StreamId) {
        self.server.progressed(now, stream);
    }

    fn relocated(&mut self, now: Instant, stream: StreamId, address: std::net::SocketAddr) {
        self.server.relocated(now, stream, address);
    }

    fn stored(&mut self, now: Instant, file: FileId, outcome: Result<u64, Fault>) {
        self.server.stored(now, file, outcome);
    }

    fn poll<'b>(&mut self, now: Instant, room: &'b mut [u8]) -> Action<'b, Event> {
        self.server.poll(now, room)
    }
}

/// Serves until it is asked to end.
pub(super) fn run(host: Host, args: &Args, directory: &Path, listen: &Listen) -> Result<(), Failure> {
    let mut host = host;
    let shown = directory.display();
    let opened =
        Directory::open(directory).map_err(|error| Failure::cannot(format_args!("serve {shown}"), &error))?;
    let mut folder = Folder::new(opened);
    let rules = Settings { read_only: listen.public, ..Settings::DEFAULT };
    let (udp, sockets) = (host.udp(), host.tcp::<SOCKETS>());
    let stack = &mut host.stack;
    let bad_port = |_| Failure::usage("the port cannot be 0");
    if listen.plain {
        let first = PlainRdt::bind::<_, Folder>(stack, udp, listen.port, settings(), seed()?, rdt::Plain);
        let second = PlainTcp::new(sockets, seed()?, tcp::Plain).listening(listen.port);
        let both = Both { first: first.map_err(bad_port)?, second };
        access::announce(args, listen, None, "serving");
        serve(&mut host, Driver::new(Files::new(rules, None), both), &mut folder)
    } else {
        let identity = access::identity(listen.key.as_deref())?;
        let guests = Guests::new(listen)?;
        let (datagrams, streams) = access::sealed(&identity, &guests)?;
        let first = SealedRdt::bind::<_, Folder>(stack, udp, listen.port, settings(), seed()?, datagrams);
        let second = SealedTcp::new(sockets, seed()?, streams).listening(listen.port);
        let both = Both { first: first.map_err(bad_port)?, second };
        access::announce(args, listen, Some(&identity), "serving");
        serve(&mut host, Driver::new(Files::new(rules, Some(guests)), both), &mut folder)
    }
}

fn serve<C: Carrier>(
    host: &mut Host,
    mut driver: Driver<Files, C, STREAMS>,
    folder: &mut Folder,
) -> Result<(), Failure> {
    let ended = turn(host, &mut driver, folder, tell, |_, _| ControlFlow::<Infallible>::Continue(()));
    match ended {
        Err(failure) if failure.code() == skep::exit::Code::Interrupted => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// Says what became of a transfer.
fn tell(files: &mut Files, event: Event) {
    if let Event::Ended { file, direction, outcome, .. } = event {
        let name = files.server.name(file).map(|name| escape(name.as_str()).to_string()).unwrap_or_default();
        let arrow = if direction == Direction::Download { "->" } else { "<-" };
        match outcome {
            Outcome::Done => say(&format_args!("{arrow} {name}")),
            outcome => say(&format_args!("{arrow} {name}: {outcome:?}")),
        }
    }
}
