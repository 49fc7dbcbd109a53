//! Content through the tracker: two plain ends, joined inside the system.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    thread,
    time::{Duration, Instant},
};

use skep_core::wire::session::{FileInfo, Frame, Notice, Request, Side, Way};

use crate::server::Server;

/// A plain session that is read as far as is needed.
struct Session {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Session {
    fn new(server: &Server, name: &str) -> Self {
        let stream = TcpStream::connect(server.plain).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut session = Self { stream, unread: Vec::new() };
        session.say(&Request::Login {
            version: 1,
            wants_list: false,
            epoch: 0,
            number: 0,
            resume: [0; 16],
            door: 0,
            name: name.as_bytes(),
        });
        session.hear(|notice| matches!(notice, Notice::Welcome { .. }).then_some(()));
        session
    }

    fn say(&mut self, request: &Request<'_>) {
        let mut room = [0; 512];
        let length = request.emit(&mut room).unwrap();
        self.stream.write_all(&room[..length]).unwrap();
    }

    fn hear<T>(&mut self, is_it: impl Fn(&Notice<'_>) -> Option<T>) -> T {
        loop {
            while let Frame::Whole { kind, fields, length } = Frame::first(&self.unread) {
                let found = is_it(&Notice::parse(kind, fields).unwrap());
                self.unread.drain(..length);
                if let Some(found) = found {
                    return found;
                }
            }
            let mut room = [0; 4_096];
            let count = self.stream.read(&mut room).unwrap();
            assert!(count > 0, "the tracker has ended it");
            self.unread.extend_from_slice(&room[..count]);
        }
    }
}

fn attach(server: &Server, transfer: u32, token: [u8; 16], side: Side) -> TcpStream {
    let mut stream = TcpStream::connect(server.plain).unwrap();
    let mut room = [0; 64];
    let length = Request::Attach { transfer, token, side }.emit(&mut room).unwrap();
    stream.write_all(&room[..length]).unwrap();
    stream
}

/// So many GiB from one client to another.
pub(crate) fn relay(gibibytes: usize) {
    let server = Server::start();
    let (mut owner, mut requester) = (Session::new(&server, "owner"), Session::new(&server, "requester"));
    owner.say(&Request::Publish { tag: 1, file: FileInfo::default(), name: b"x" });
    owner.hear(|notice| matches!(notice, Notice::Done { .. }).then_some(()));
    requester.say(&Request::Fetch { tag: 2, way: Way::Relayed, owner: b"owner", name: b"x" });
    let (transfer, token) = owner.hear(|notice| match notice {
        Notice::Ask { transfer, token, .. } => Some((*transfer, *token)),
        _ => None,
    });
    owner.say(&Request::Ready { transfer, tcp: 0, rdt: 0 });
    requester.hear(|notice| matches!(notice, Notice::Go { .. }).then_some(()));
    let mut from = attach(&server, transfer, token, Side::Owner);
    let mut to = attach(&server, transfer, token, Side::Requester);
    for stream in [&mut from, &mut to] {
        let mut attached = [0; 3];
        stream.read_exact(&mut attached).unwrap();
        assert_eq!(attached, [0, 1, 0x2e]);
    }
    let wanted = (gibibytes as u64) << 30;
    let (cpu, begin) = (server.cpu(), Instant::now());
    thread::scope(|scope| {
        scope.spawn(move || {
            let portion = vec![7; 1 << 20];
            for _ in 0..wanted >> 20 {
                from.write_all(&portion).unwrap();
            }
            from.shutdown(Shutdown::Write).unwrap();
            let _ = from.read(&mut [0; 1]);
        });
        let (mut portion, mut received) = (vec![0; 1 << 20], 0);
        loop {
            let count = to.read(&mut portion).unwrap();
            received += count as u64;
            if count == 0 {
                break;
            }
        }
        assert_eq!(received, wanted);
        let _ = to.shutdown(Shutdown::Write);
    });
    let (cpu, wall) = (server.cpu() - cpu, begin.elapsed());
    println!(
        "{gibibytes} GiB relayed over TCP: {:.3} CPU-s a GiB, {:.2} GiB/s",
        cpu.as_secs_f64() / gibibytes as f64,
        gibibytes as f64 / wall.as_secs_f64(),
    );
}
