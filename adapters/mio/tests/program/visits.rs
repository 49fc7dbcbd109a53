//! What an earlier visit has left saves the next one a round trip.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use crate::support::{Home, content};

/// More than three times what a call has, and less than a first flight, and than a socket holds for who is not awake.
const SIZE: usize = 60_000;
const PATIENCE: Duration = Duration::from_secs(20);

/// What passed by before the client could know that it was answered.
#[derive(Debug, Default)]
struct Overheard {
    /// Bytes of the client's first words, and the token in its call.
    said: usize,
    token: u64,
    /// Bytes that came back for these.
    answered: usize,
}

/// Passes on what a client says at first, a call and a request, and all that comes back; what the client says then waits
/// until so many bytes have come, or if that is 0, until the first answer.
fn overhear(middle: &UdpSocket, server: SocketAddr, until: usize) -> Overheard {
    middle.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut heard = Overheard::default();
    let mut room = [0; 2_000];
    let mut waiting = Vec::new();
    let mut client = None;
    while heard.answered == 0 || heard.answered < until {
        let (length, from) = middle.recv_from(&mut room).expect("more comes before the client has said more");
        let datagram = &room[..length];
        if from == server {
            heard.answered += length;
            middle.send_to(datagram, client.unwrap()).unwrap();
            continue;
        }
        client = Some(from);
        let is_call = datagram[4] == 0x10;
        let is_first = if is_call { heard.said == 0 } else { datagram[4] == 0x18 && heard.said < 1_500 };
        if is_first {
            heard.said += length;
            middle.send_to(datagram, server).unwrap();
        } else {
            waiting.push(datagram.to_vec());
        }
        if is_call {
            // Behind the realm.
            heard.token = u64::from_be_bytes(datagram[23..31].try_into().unwrap());
        }
    }
    for datagram in waiting {
        middle.send_to(&datagram, server).unwrap();
    }
    heard
}

/// Passes everything on until nothing comes any more.
fn pass_on(middle: &UdpSocket, server: SocketAddr, client: SocketAddr) {
    middle.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut room = [0; 2_000];
    while let Ok((length, from)) = middle.recv_from(&mut room) {
        let to = if from == server { client } else { server };
        middle.send_to(&room[..length], to).unwrap();
    }
}

/// Fetches a file through somebody who listens.
fn fetch(home: &Home, middle: &UdpSocket, server: SocketAddr, until: usize, options: &str) -> Overheard {
    let at = middle.local_addr().unwrap();
    let client = home.start(&format!("get -q rdt://{at}/file -o got {options}"));
    let heard = std::thread::scope(|scope| {
        let listening = scope.spawn(|| {
            let mut room = [0; 1];
            let (_, from) = middle.peek_from(&mut room).unwrap();
            let heard = overhear(middle, server, until);
            pass_on(middle, server, from);
            heard
        });
        listening.join().unwrap()
    });
    client.end().well();
    assert!(home.read("got") == content(SIZE));
    heard
}

#[test]
fn a_second_get_has_the_file_before_it_has_said_more_than_its_call_and_its_request() {
    let home = Home::new();
    home.write("shared/file", content(SIZE));
    let server = home.serve("");
    let middle = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let first = fetch(&home, &middle, server.at("rdt"), 0, "");
    assert!(first.token == 0 && first.answered <= 3 * first.said, "{first:?}");
    let second = fetch(&home, &middle, server.at("rdt"), SIZE, "");
    assert!(second.token != 0 && second.answered > SIZE && second.said < 1_600, "{second:?}");
    let stranger = fetch(&home, &middle, server.at("rdt"), 0, "--no-cache");
    assert_eq!(stranger.token, 0);
    server.stop().well();
}

#[test]
fn a_server_that_was_started_again_is_visited_for_the_first_time() {
    let home = Home::new();
    home.write("shared/file", content(SIZE));
    for _ in 0..2 {
        let server = home.serve("");
        let port = server.at("rdt").port();
        for number in 0..3 {
            home.run(&format!("get rdt://127.0.0.1:{port}/file -o got{number}")).well();
            assert!(home.read(&format!("got{number}")) == content(SIZE));
            home.run(&format!("put got{number} rdt://127.0.0.1:{port}/put{number}")).well();
            assert!(home.read(&format!("shared/put{number}")) == content(SIZE));
        }
        server.stop().well();
    }
}
