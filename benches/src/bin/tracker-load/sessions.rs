//! Sessions: events to many, many who come, and what one takes when nothing happens.

use std::time::{Duration, Instant};

use skep_core::wire::session::{FileInfo, Request};

use crate::{
    crowd::{Crowd, Way},
    server::Server,
};

/// `events` at once to `sessions`, so many times.
pub(crate) fn fan_out(way: Way, sessions: usize, events: usize, rounds: u64) {
    let server = Server::start();
    let mut crowd = Crowd::join(&server, way, sessions + 1);
    let all = (sessions * (sessions + 1)) as u64;
    crowd.until("the list", |clients| clients.came >= all);
    crowd.rest(Duration::from_millis(500));
    let publisher = crowd.driver.service.streams[0];
    // Once for warming up.
    publish(&mut crowd, publisher, sessions, events, 1);
    let (cpu, begin) = (server.cpu(), Instant::now());
    for round in 0..rounds {
        publish(&mut crowd, publisher, sessions, events, 2 + round);
    }
    let (cpu, wall) = (server.cpu() - cpu, begin.elapsed());
    let deliveries = (sessions * events) as u64 * rounds;
    println!(
        "{events} events to {sessions} sessions over {way}, {rounds} times: {:.0} deliveries a CPU-second \
         ({deliveries} in {:.3} CPU-s, {:.3} s)",
        deliveries as f64 / cpu.as_secs_f64(),
        cpu.as_secs_f64(),
        wall.as_secs_f64(),
    );
}

/// So many events; each session hears of every one.
fn publish(
    crowd: &mut Crowd,
    publisher: skep_core::stream::StreamId,
    sessions: usize,
    events: usize,
    length: u64,
) {
    let before = crowd.driver.service.shared;
    let names: Vec<String> = (0..events).map(|number| format!("file{number}.bin")).collect();
    let requests: Vec<Request<'_>> = names
        .iter()
        .map(|name| {
            let file = FileInfo { length, flags: 0, hash: None };
            Request::Publish { tag: 1, file, name: name.as_bytes() }
        })
        .collect();
    crowd.driver.service.say(publisher, &requests);
    crowd.until("the news", |clients| clients.shared >= before + (sessions * events) as u64);
}

/// So many come, and each learns of all.
pub(crate) fn join(way: Way, sessions: usize) {
    let server = Server::start();
    let (cpu, begin) = (server.cpu(), Instant::now());
    let mut crowd = Crowd::join(&server, way, sessions);
    let all = (sessions * (sessions - 1)) as u64;
    crowd.until("the list", |clients| clients.came >= all);
    let (cpu, wall) = (server.cpu() - cpu, begin.elapsed());
    println!(
        "{sessions} users join over {way} and each learns of all: {:.2} CPU-s, {:.2} GB, {:.1} s",
        cpu.as_secs_f64(),
        crowd.driver.service.bytes as f64 / 1e9,
        wall.as_secs_f64(),
    );
}

/// What an idle session takes.
pub(crate) fn idle(way: Way, sessions: usize) {
    let server = Server::start();
    // One first, so that what the first takes is not counted.
    let mut first = Crowd::join(&server, way, 1);
    first.driver.abort_all();
    first.rest(Duration::from_millis(500));
    drop(first);
    let before = server.resident();
    let mut crowd = Crowd::join(&server, way, sessions);
    let all = (sessions * (sessions - 1)) as u64;
    crowd.until("the list", |clients| clients.came >= all);
    // What the joining took is given back by then.
    crowd.rest(Duration::from_secs(22));
    let cpu = server.cpu();
    crowd.rest(Duration::from_secs(5));
    let (grown, cpu) = (server.resident() - before, server.cpu() - cpu);
    println!(
        "{sessions} idle sessions over {way}: {} bytes each ({before} before them), {:.4} CPU-s a second",
        grown / sessions as u64,
        cpu.as_secs_f64() / 5.0,
    );
}
