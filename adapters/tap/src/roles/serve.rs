//! A server of files.

use super::{
    PlainRdt, PlainTcp, SESSIONS, SOCKETS, STREAMS, SealedRdt, SealedTcp,
    door::{self, Guests},
    seed, settings, turn,
};
use crate::{
    args::{Args, Door},
    folder::Folder,
    host::Host,
};
use skep::{escape::escape, exit::Failure, storage::Directory};
use skep_core::{
    files::{Direction, Event, Outcome, Server, Session, Settings},
    table::Named,
};
use skep_smoltcp::{Both, Carrier, Driver, rdt, tcp};
use std::{convert::Infallible, ops::ControlFlow, path::Path};

type Files = Server<heapless::Vec<Named<Session>, { STREAMS + SESSIONS }>>;

/// Serves until it is asked to end.
pub(super) fn run(host: Host, args: &Args, directory: &Path, door: &Door) -> Result<(), Failure> {
    let mut host = host;
    let shown = directory.display();
    let opened =
        Directory::open(directory).map_err(|error| Failure::cannot(format_args!("serve {shown}"), &error))?;
    let mut folder = Folder::new(opened);
    let rules = Settings { read_only: door.public, ..Settings::DEFAULT };
    let files = Files::new(rules, heapless::Vec::new());
    let (udp, sockets) = (host.udp(), host.tcp::<SOCKETS>());
    let stack = &mut host.stack;
    let bad_port = |_| Failure::usage("the port cannot be 0");
    if door.plain {
        let first = PlainRdt::bind::<_, Folder>(stack, udp, door.port, settings(), seed()?, rdt::Plain);
        let second = PlainTcp::new(sockets, seed()?, tcp::Plain).listening(door.port);
        let both = Both { first: first.map_err(bad_port)?, second };
        door::announce(args, door, None, "serving");
        serve(&mut host, Driver::new(files, both), &mut folder)
    } else {
        let identity = door::identity(door.key.as_deref())?;
        let (datagrams, streams) = door::sealed(&identity, &Guests::new(door)?)?;
        let first = SealedRdt::bind::<_, Folder>(stack, udp, door.port, settings(), seed()?, datagrams);
        let second = SealedTcp::new(sockets, seed()?, streams).listening(door.port);
        let both = Both { first: first.map_err(bad_port)?, second };
        door::announce(args, door, Some(&identity), "serving");
        serve(&mut host, Driver::new(files, both), &mut folder)
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
        let name = files.name(file).map(|name| escape(name.as_str()).to_string()).unwrap_or_default();
        let arrow = if direction == Direction::Download { "->" } else { "<-" };
        match outcome {
            Outcome::Done => println!("{arrow} {name}"),
            outcome => println!("{arrow} {name}: {outcome:?}"),
        }
    }
}
