//! What no tracker can be faster than: a loop that sends as many bytes as an event has to one socket after the other.

mod udp;

pub(crate) use udp::floor as floor_udp;

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use mio::{Events, Interest, Poll, Token};

/// Bytes of an event: Shared with a short name, and Upto.
const EVENT: usize = 48;
const ROUNDS: usize = 20;
/// Between two rounds, as a tracker with 10,000 sessions gathers changes.
const PAUSE: Duration = Duration::from_millis(200);

/// So many sockets in this process at both ends: twice as many descriptors.
pub(crate) fn floor(sockets: usize) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    let (received, expected) = (AtomicUsize::new(0), ROUNDS * sockets * EVENT);
    let (mut ends, mut others) = (Vec::new(), Vec::new());
    for _ in 0..sockets {
        others.push(TcpStream::connect(to).unwrap());
        let (end, _) = listener.accept().unwrap();
        end.set_nodelay(true).unwrap();
        ends.push(end);
    }
    let mut spent = 0;
    thread::scope(|scope| {
        scope.spawn(|| receive(others, &received, expected));
        for round in 1..=ROUNDS {
            let before = thread_nanoseconds();
            for end in &mut ends {
                end.write_all(&[1; EVENT]).unwrap();
            }
            spent += thread_nanoseconds() - before;
            while received.load(Ordering::Relaxed) < round * sockets * EVENT {
                thread::sleep(Duration::from_millis(1));
            }
            thread::sleep(PAUSE);
        }
    });
    let rate = (ROUNDS * sockets) as f64 / (spent as f64 / 1e9);
    println!("bare sends to {sockets} sockets, {ROUNDS} times: {rate:.0} a CPU-second");
}

fn receive(sockets: Vec<TcpStream>, received: &AtomicUsize, expected: usize) {
    let (mut poll, mut events) = (Poll::new().unwrap(), Events::with_capacity(4_096));
    let mut streams = Vec::new();
    for (number, socket) in sockets.into_iter().enumerate() {
        socket.set_nonblocking(true).unwrap();
        let mut stream = mio::net::TcpStream::from_std(socket);
        poll.registry().register(&mut stream, Token(number), Interest::READABLE).unwrap();
        streams.push(stream);
    }
    let mut room = [0; 4_096];
    while received.load(Ordering::Relaxed) < expected {
        poll.poll(&mut events, None).unwrap();
        for event in &events {
            while let Ok(count) = streams[event.token().0].read(&mut room) {
                received.fetch_add(count, Ordering::Relaxed);
            }
        }
    }
}

fn thread_nanoseconds() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse().unwrap()
}
