//! Who calls in somebody else's name: what can be made to go there is three times what came from there at most.

use skep_core::{
    Instant, files,
    rdt::{self, EPOCH},
    wire::rdt::{Magic, Own, Pass, Terms},
};
use skep_tests::{Host, Member, Node, Random, Seat, ServerNode, Sessions, Tap, own_settings};
use std::{net::SocketAddr, time::Duration};

const VICTIM: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 66)), 4_000);
const NUMBER: u32 = 7;
const REQUEST: &[u8] = &[1, 1, 0, b'f'];

fn at(millis: u64) -> Instant {
    Instant::from_micros(1_000_000 + millis * 1_000)
}

/// A server with a file of a megabyte, and what it says.
struct Stage {
    server: ServerNode<Host, Sessions>,
    tap: Tap,
    /// Bytes that came from the victim's address, and that went there.
    came: usize,
    went: usize,
    token: u64,
}

impl Stage {
    fn new() -> Self {
        Self::with(own_settings(1_024, 1_400))
    }

    fn with(settings: rdt::Settings) -> Self {
        let service = files::Server::new(files::Settings::DEFAULT, Sessions::new());
        let mut server: ServerNode<Host, Sessions> = Node::new(Seat(0), settings, 1, service);
        server.storage.files.insert("f".into(), Random::new(1).bytes(1_000_000));
        Self { server, tap: Tap::default(), came: 0, went: 0, token: 0 }
    }

    fn say(&mut self, now: Instant, packet: &Own<'_>, size: usize) {
        let mut datagram = vec![0; 2_000];
        let length = packet.emit(NUMBER, &mut datagram).unwrap();
        datagram.truncate(length.max(size));
        self.came += datagram.len();
        self.server.arrive(now, VICTIM, &datagram);
        self.hear(now);
    }

    fn hear(&mut self, now: Instant) {
        self.tap.now = now;
        self.server.poll(now, &mut self.tap);
        for (to, datagram) in self.tap.sent.drain(..) {
            assert_eq!(to, VICTIM);
            self.went += datagram.len();
            if let Some(Some((NUMBER, Own::Accept { token, .. }))) = Own::parse(&datagram) {
                self.token = token;
            }
        }
    }

    fn call(&mut self, now: Instant, pass: Pass) {
        let terms = Terms { window: 1_024, segment: 1_400 };
        self.say(now, &Own::Open { terms, realm: Magic::ROSTOV, pass }, 1_417);
        let request = Own::Data { transmission: 1, segment: 0, asks: true, body: REQUEST };
        self.say(now, &request, 0);
    }

    fn is_held(&self) -> bool {
        self.went <= 3 * self.came
    }
}

#[test]
fn a_forger_gets_three_times_what_he_sent_whatever_he_says_and_however_long() {
    let mut stage = Stage::new();
    stage.call(at(0), Pass { token: 0x1234, round_trip: 20_000 });
    assert!(stage.is_held() && stage.went > stage.came, "{} {}", stage.came, stage.went);
    let mut random = Random::new(1);
    for turn in 1..3_000 {
        let map = Default::default();
        let packet = match random.below(6) {
            0 => Own::Ping { token: 1 + random.next() / 2 },
            1 => Own::Ping { token: 0 },
            2 => Own::Ack { top: 0, next: 0, limit: 1 << 20, delay: 0, map },
            3 => Own::Data { transmission: turn, segment: 1, asks: true, body: REQUEST },
            4 => Own::Fin { segments: 0 },
            _ => Own::FinAck,
        };
        stage.say(at(u64::from(turn) * 10), &packet, 0);
        assert!(stage.is_held(), "{packet:?}: {} of {}", stage.went, stage.came);
    }
    let went = stage.went;
    for second in 31..200 {
        stage.hear(at(second * 1_000));
    }
    assert!(stage.is_held() && stage.went - went < 2_000);
    assert_eq!(stage.server.endpoint.count(), 0, "it is forgotten");
}

#[test]
fn the_token_that_came_with_the_answer_sets_it_free() {
    let mut stage = Stage::new();
    stage.call(at(0), Pass::NONE);
    assert!(stage.is_held());
    let token = stage.token;
    stage.say(at(20), &Own::Ping { token: token ^ 1 }, 0);
    assert!(stage.is_held());
    stage.say(at(30), &Own::Ping { token }, 0);
    for millis in 30..70 {
        stage.hear(at(millis));
    }
    assert!(stage.went > 500_000, "{}", stage.went);
}

#[test]
fn one_of_an_earlier_visit_does_so_at_once_and_is_forgotten_after_two_epochs() {
    let hours = |count: u32| at(0) + EPOCH / 12 * count;
    for (visits, is_good) in [(0, true), (11, true), (24, false), (36, false)] {
        let mut stage = Stage::new();
        stage.call(at(0), Pass::NONE);
        stage.say(at(20), &Own::Reset, 0);
        let pass = Pass { token: stage.token, round_trip: 20_000 };
        (stage.came, stage.went) = (0, 0);
        stage.call(hours(visits) + Duration::from_secs(1), pass);
        for millis in 1_000..1_040 {
            stage.hear(hours(visits) + Duration::from_millis(millis));
        }
        assert_eq!(!stage.is_held(), is_good, "{visits}: {}", stage.went);
    }
}

#[test]
fn where_addresses_are_trusted_the_first_flight_leaves_with_the_answer_and_no_more_than_that() {
    for rate in [0, 100_000_000] {
        let settings = own_settings(8_192, 1_400);
        let mut stage = Stage::with(rdt::Settings { trusts_addresses: true, rate, ..settings });
        stage.server.storage.files.insert("f".into(), Random::new(1).bytes(10_000_000));
        stage.call(at(0), Pass::NONE);
        for millis in 1..20 {
            stage.hear(at(millis));
        }
        assert!(!stage.is_held() && (rate == 0 || stage.went > 1_000_000), "{rate}: {}", stage.went);
        for second in 1..200 {
            stage.hear(at(second * 1_000));
        }
        // The flight, and what is said again in ten seconds.
        assert!(stage.went < 1_150_000, "{rate}: {}", stage.went);
        assert_eq!(stage.server.endpoint.count(), 0, "it is forgotten");
    }
}
