//! The tracker.

use super::session::text;
use core::net::{IpAddr, SocketAddr};
use skep_core::{
    stream::Service,
    tracker::{self, Ask, Dialect, EntryId, Event, Peer, Rights, SameName, Ticket, Tracker, UserId},
    wire::session::Code,
};
use skep_panic_check::{
    input::{address, any, bytes, closed, file, flag, now, number, outcome, room, span, stream},
    keep,
};

type Small = tracker::Fixed<8, 4, 8, 32, 4, 2>;

pub(crate) fn call() {
    let machine: &mut Tracker<Small> = any();
    serve(machine);
    let dialect = if flag() { Dialect::Session } else { Dialect::Command };
    let rights = Rights { publish: flag(), fetch: flag() };
    let key = flag().then(|| [number() as u8; 32]);
    let peer = Peer { address: ip(), account: text(), key, rights };
    keep(machine.opened_as(now(), stream(), dialect, &peer));
    let ticket: &Ticket = any();
    machine.committed(now(), *ticket, outcome(()));
    let ask: &Ask = any();
    keep(machine.asked(*ask, room()).map(|(name, address, key)| (name.as_bytes().len(), address, key)));
    keep(machine.is_asked_by_command(*ask));
    keep(machine.hold_seat(now(), *ask));
    machine.decided(now(), *ask, if flag() { Ok(()) } else { Err(Code::NotAllowed) });
    if let (Some(one), Some(other)) = (text(), text()) {
        keep(machine.dismiss(now(), one));
        keep(machine.restore_user(one));
        keep(machine.restore_file(one, other));
    }
    keep(machine.user_name(UserId(number() as u32), room()));
    keep(machine.refused_name(stream(), room()));
    keep(machine.entry_name(EntryId(number() as u32), room()));
    keep((machine.counters(), machine.links(), machine.online(), machine.seats_taken(), machine.waiting()));
    keep((machine.files(), machine.transfers(), machine.newest(), machine.chunks()));
    keep(machine.settings());
    let event: &Event = any();
    keep(*event);
    let settings = tracker::Settings {
        seats: number() as u32,
        waiting: number() as u32,
        anonymous: flag(),
        asks: flag(),
        same_name: if flag() { SameName::Refuse } else { SameName::Replace },
        accounts: number() as u32,
        files_per_user: number() as u32,
        downloads_per_user: number() as u16,
        uploads_per_user: number() as u16,
        transfers: number() as u32,
        gather: span(),
        gather_each: span(),
        login_timeout: span(),
        doubt: span(),
        ping_after: span(),
        dead_after: span(),
        answer_timeout: span(),
        attach_timeout: span(),
        stall_timeout: span(),
        hold: span(),
        command_timeout: span(),
        linger: span(),
        close_timeout: span(),
    };
    *machine = Tracker::fixed(settings, [number() as u8; 32]);
}

/// What a driver does with any machine over streams.
fn serve(machine: &mut impl Service) {
    keep(machine.opened(now(), stream()));
    keep(machine.received(now(), stream(), bytes()));
    machine.moved(now(), stream(), outcome(()));
    machine.finished(now(), stream());
    machine.flushed(now(), stream());
    machine.progressed(now(), stream());
    machine.relocated(now(), stream(), address());
    machine.closed(now(), stream(), closed());
    machine.stored(now(), file(), outcome(number()));
    keep(machine.poll(now(), room()));
}

fn ip() -> IpAddr {
    let address: SocketAddr = address();
    address.ip()
}
