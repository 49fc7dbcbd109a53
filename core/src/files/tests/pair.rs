//! Clients against the server, through queues that move a few bytes at a time.

use super::{OTHER, Random, driver::Driver, name};
use crate::{
    files::{Client, Dialect, Progress, Server, Session, Settings, WhenFull},
    miri::fewer,
    stream::{Closed, Service, StreamId},
    table::Named,
};
use core::time::Duration;

const CLIENTS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(60);

type Fixed = Server<heapless::Vec<Named<Session>, 8>>;

/// Moves up to `count` bytes from one end of a stream to the other, and its end once all have moved.
fn carry<A: Service, B: Service>(
    from: &mut Driver<A>,
    here: u32,
    to: &mut Driver<B>,
    there: u32,
    count: usize,
) -> bool {
    let Some(source) = from.streams.get_mut(&here) else { return false };
    if source.aborted {
        from.close(here, Closed::Broken);
        to.close(there, Closed::Broken);
        return true;
    }
    let count = count.min(source.output.len());
    let bytes: Vec<u8> = source.output.drain(..count).collect();
    let is_finished = source.output_finished && source.output.is_empty();
    let is_news = is_finished && !std::mem::replace(&mut source.finish_carried, is_finished);
    if !bytes.is_empty() {
        to.feed(there, &bytes);
    }
    if is_news {
        to.finish(there);
    }
    count > 0 || is_news
}

/// Closes an end whose two directions are over.
fn part<S: Service>(driver: &mut Driver<S>, number: u32) {
    let is_over = driver
        .streams
        .get(&number)
        .is_some_and(|stream| stream.finished_told && stream.finish_carried && stream.input.is_empty());
    if is_over {
        driver.close(number, Closed::Done);
    }
}

#[test]
fn transfers_of_many_clients_pass_unharmed_through_tiny_pieces() {
    for seed in 0..fewer(200, 1) {
        let mut random = Random::new(seed);
        let settings =
            Settings { slots: 1 + random.below(3) as u32, when_full: WhenFull::Wait, ..Settings::DEFAULT };
        let mut server = Driver::new(Fixed::new(settings, heapless::Vec::new()));
        server.pace = 1 + random.below(40);
        let mut clients = Vec::new();
        let mut expected = Vec::new();
        for number in 0..CLIENTS as u32 {
            let length = [0, 1, 27, 300][random.below(4)];
            let content = random.bytes(length);
            let text = format!("file {number}");
            let kind = random.below(3);
            let machine = match kind {
                0 => Client::upload(name(&text), PATIENCE),
                1 => Client::download(name(&text), Dialect::Files, 300, PATIENCE),
                _ => Client::download(name(&text), OTHER, 300, PATIENCE),
            };
            let mut client = Driver::new(machine);
            client.pace = 1 + random.below(40);
            let disk = if kind == 0 { &mut client.disk } else { &mut server.disk };
            disk.insert(text.clone(), content.clone());
            assert!(client.open(0));
            let dialect = if kind == 2 { OTHER } else { Dialect::Files };
            assert!(
                server.open_by(number, |machine, now, stream: StreamId| machine
                    .opened_as(now, stream, dialect))
            );
            clients.push(client);
            expected.push((text, content));
        }
        for _ in 0..20_000 {
            let number = random.below(CLIENTS);
            let count = 1 + random.below(50);
            let client = &mut clients[number];
            carry(client, 0, &mut server, number as u32, count);
            carry(&mut server, number as u32, client, 0, count);
            part(client, 0);
            part(&mut server, number as u32);
            if clients.iter().all(|client| client.streams.is_empty()) && server.streams.is_empty() {
                break;
            }
        }
        for (client, (text, content)) in clients.iter().zip(&expected) {
            let bytes = content.len() as u64;
            assert_eq!(client.events.last(), Some(&Progress::Done { bytes }), "seed {seed}");
            assert_eq!(
                (client.disk.get(text), server.disk.get(text)),
                (Some(content), Some(content)),
                "seed {seed}"
            );
            assert_eq!(client.files_in_use(), 0);
        }
        assert_eq!((server.machine.sessions(), server.machine.transfers(), server.files_in_use()), (0, 0, 0));
        let counters = server.machine.counters();
        assert_eq!((counters.uploads + counters.downloads, counters.broken), (CLIENTS as u64, 0));
    }
}

#[test]
fn a_refused_upload_reaches_its_client_while_it_sends() {
    let mut server =
        Driver::new(Fixed::new(Settings { max_upload: 10, ..Settings::DEFAULT }, heapless::Vec::new()));
    let mut client = Driver::new(Client::upload(name("large"), PATIENCE));
    client.disk.insert("large".into(), vec![1; 5_000]);
    assert!(client.open(0) && server.open(0));
    while carry(&mut client, 0, &mut server, 0, 64) | carry(&mut server, 0, &mut client, 0, 64) {}
    assert!(matches!(client.events.last(), Some(Progress::Refused(crate::wire::file::Code::TooLarge))));
    assert_eq!((server.machine.sessions(), server.disk.len()), (0, 0));
}
