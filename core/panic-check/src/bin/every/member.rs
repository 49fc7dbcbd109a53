//! The client of a tracker.

use super::session::{code, info, text, way};
use skep_core::{
    client::{Client, EntryId, FetchId, Fixed, Settings, ShareId, UploadId, UserId},
    stream::Service,
};
use skep_panic_check::{
    input::{any, bytes, closed, file, name, now, number, outcome, room, stream},
    keep,
};

type Device = Client<Fixed<8, 32, 8, 2, 128>>;

pub(crate) fn call() {
    keep(Settings::DEFAULT);
    let client: &mut Device = any();
    serve(client);
    keep(text().map(|name| client.start(name)));
    client.unreachable(now());
    client.log_out(now());
    keep((client.is_online(), client.is_over(), client.number(), client.missed()));
    *client.settings_mut() = *any();
    client.users().for_each(keep);
    client.files().for_each(keep);
    keep(client.user(UserId(number() as u32), room()));
    keep(client.file(EntryId(number() as u32), room()));
    shares(client);
    transfers(client);
    *client = Client::fixed(*any(), number());
}

fn shares(client: &mut Device) {
    keep(name().map(|name| client.publish(name, info())));
    keep(name().map(|name| client.withdraw(name)));
    keep(client.share(ShareId(number() as u32), room()));
    keep(client.shares());
}

fn transfers(client: &mut Device) {
    keep(text().zip(text()).map(|(owner, name)| client.fetch(now(), owner, name, way())));
    let (fetch, upload) = (FetchId(number() as u32), UploadId(number() as u32));
    keep(client.way(fetch).copied());
    keep(client.fetch_owner(fetch, room()));
    keep(client.fetch_name(fetch, room()));
    client.fetched(fetch, code());
    client.owner_unreachable(now(), fetch);
    keep(client.asked(upload).copied());
    keep(client.upload_user(upload, room()));
    keep(client.upload_name(upload, room()));
    keep(client.upload_of(any()));
    client.accept(upload, number() as u16, number() as u16);
    client.refuse(upload, code());
    client.served(upload, code());
}

/// What a driver does with any machine over streams.
fn serve(machine: &mut impl Service) {
    keep(machine.opened(now(), stream()));
    keep(machine.received(now(), stream(), bytes()));
    machine.moved(now(), stream(), outcome(()));
    machine.finished(now(), stream());
    machine.closed(now(), stream(), closed());
    machine.flushed(now(), stream());
    machine.stored(now(), file(), outcome(number()));
    keep(machine.poll(now(), room()));
}
