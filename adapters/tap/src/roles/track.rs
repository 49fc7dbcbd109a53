//! A tracker.

use super::{
    PlainRdt, PlainTcp, SOCKETS, STREAMS, SealedRdt, SealedTcp,
    access::{self, Guests},
    say, seed, settings, turn,
};
use crate::{
    args::{Args, Listen},
    host::{Host, random},
};
use skep::{escape::escape, exit::Failure};
use skep_core::tracker::{Event, Fixed, Settings, Tracker};
use skep_smoltcp::{Both, Carrier, Driver, rdt, storage::Rom, tcp};
use std::{convert::Infallible, ops::ControlFlow};

/// Files that can be shared, in all.
const FILES: usize = 256;

type Members = Tracker<Fixed<STREAMS, STREAMS, FILES, 1024, 64, 32>>;

/// Tracks until it is asked to end.
pub(super) fn run(host: Host, args: &Args, seats: u32, listen: &Listen) -> Result<(), Failure> {
    let mut host = host;
    let rules =
        Settings { seats, waiting: 4, accounts: 0, files_per_user: 32, transfers: 16, ..Settings::DEFAULT };
    let members = Members::fixed(rules, random()?);
    let (udp, sockets) = (host.udp(), host.tcp::<SOCKETS>());
    let stack = &mut host.stack;
    let bad_port = |_| Failure::usage("the port cannot be 0");
    if listen.plain {
        let first = PlainRdt::bind::<_, Nothing>(stack, udp, listen.port, settings(), seed()?, rdt::Plain);
        let second = PlainTcp::new(sockets, seed()?, tcp::Plain).listening(listen.port);
        let both = Both { first: first.map_err(bad_port)?, second };
        access::announce(args, listen, None, "tracking");
        track(&mut host, Driver::new(members, both))
    } else {
        let identity = access::identity(listen.key.as_deref())?;
        let (datagrams, streams) = access::sealed(&identity, &Guests::new(listen)?)?;
        let first = SealedRdt::bind::<_, Nothing>(stack, udp, listen.port, settings(), seed()?, datagrams);
        let second = SealedTcp::new(sockets, seed()?, streams.relaying()).listening(listen.port);
        let both = Both { first: first.map_err(bad_port)?, second };
        access::announce(args, listen, Some(&identity), "tracking");
        track(&mut host, Driver::new(members, both))
    }
}

/// A tracker stores nothing.
type Nothing = Rom<'static, 1>;

fn track<C: Carrier>(host: &mut Host, mut driver: Driver<Members, C, STREAMS>) -> Result<(), Failure> {
    let mut nothing = Nothing::new(&[]);
    let ended = turn(host, &mut driver, &mut nothing, tell, |_, _| ControlFlow::<Infallible>::Continue(()));
    match ended {
        Err(failure) if failure.code() == skep::exit::Code::Interrupted => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// Says who comes and goes.
fn tell(members: &mut Members, event: Event) {
    let mut room = [0; skep_core::wire::TEXT_MAX];
    match event {
        Event::Came { user, .. } => {
            if let Some(name) = members.user_name(user, &mut room) {
                say(&format_args!("{} came", escape(name.as_str())));
            }
        }
        event => say(&format_args!("{event:?}")),
    }
}
