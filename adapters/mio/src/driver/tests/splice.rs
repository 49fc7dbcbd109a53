//! Everything arrives, in order, both ways and to its end; a slow side holds the other up; an end that breaks breaks
//! the other.

use super::talker::{Joiner, Talker};
use crate::driver::NoFiles;
use crate::{
    driver::Driver,
    gate::{Admission, Gate},
    net::rdt::RdtSocket,
};
use mio::Events;
use skep_core::{
    Instant,
    rdt::{Language, Settings},
    seal::{
        KeyPair, RustCrypto, Secret,
        layer::{Access, Call, Caller, Decision},
    },
    stream::{Closed, Fault, Service, StreamId},
    wire::seal::Purpose,
};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant as Clock},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Tcp,
    SealedTcp,
    Rdt,
    SealedRdt,
}

const WAYS: [Way; 4] = [Way::Tcp, Way::SealedTcp, Way::Rdt, Way::SealedRdt];

struct Everybody;

impl Access for Everybody {
    fn decide(&mut self, _: &Caller, _: bool) -> Decision {
        Decision::Admit
    }
}

/// A driver that joins, and one with both peers.
struct Pair {
    hub: Driver<Joiner, NoFiles>,
    peers: Driver<Talker, NoFiles>,
    streams: Vec<u32>,
    events: Events,
}

fn secret(seed: u8) -> Secret {
    Secret::new([seed; 32])
}

impl Pair {
    fn new(ways: [Way; 2], to_say: [u64; 2]) -> Self {
        Self::of(ways, Talker { to_say: to_say.into(), ..Talker::default() })
    }

    fn of(ways: [Way; 2], peers: Talker) -> Self {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let admit = |hub: &mut Joiner, now: Instant, admission: &Admission| hub.opened(now, admission.stream);
        let mut hub = Driver::new(Joiner::default(), NoFiles, admit).unwrap();
        let mut peers = Driver::new(peers, NoFiles, |_, _, _| false).unwrap();
        hub.identify(&secret(1), Gate::new(Arc::new(Mutex::new(Everybody)))).unwrap();
        peers.identify(&secret(2), Gate::closed()).unwrap();
        let server = *KeyPair::<RustCrypto>::new(secret(1)).public();
        let call = Call { server, purpose: Purpose::Member, psk: None };
        let mut pair = Self { hub, peers, streams: Vec::new(), events: Events::with_capacity(64) };
        for way in ways {
            let (hub, peers) = (&mut pair.hub, &mut pair.peers);
            let stream = match way {
                Way::Tcp => peers.connect_tcp(hub.listen_tcp(anywhere, 0).unwrap()),
                Way::SealedTcp => {
                    peers.connect_tcp_sealed(hub.listen_tcp_sealed(anywhere, 0).unwrap(), &call)
                }
                Way::Rdt => {
                    let (_, bound) = hub.bind_rdt(anywhere, Settings::HOST, 0).unwrap();
                    let (socket, _) = peers.bind_rdt(anywhere, Settings::HOST, 0).unwrap();
                    peers.connect_rdt(socket, bound, Language::Own)
                }
                Way::SealedRdt => {
                    let (_, bound) = hub.bind_sealed(anywhere, Settings::HOST, 0).unwrap();
                    let (socket, _) = peers.bind_sealed(anywhere, Settings::HOST, 0).unwrap();
                    peers.connect_sealed(socket, bound, call.clone())
                }
            };
            pair.streams.push(stream.unwrap().0);
            // One after the other: what each says is known by the order in which they open.
            let known = pair.streams.len();
            pair.until("a stream", |pair| pair.peers.service.talks.len() == known);
        }
        pair
    }

    fn turn(&mut self) {
        let short = Some(Duration::from_millis(1));
        self.hub.turn(&mut self.events, short).unwrap();
        self.peers.turn(&mut self.events, short).unwrap();
    }

    fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let begin = Clock::now();
        while !is_so(self) {
            self.turn();
            assert!(begin.elapsed() < Duration::from_secs(60), "waited in vain for {what}");
        }
    }

    fn talk(&self, side: usize) -> &super::talker::Talk {
        &self.peers.service.talks[&self.streams[side]]
    }

    /// The most bytes that the joining driver keeps itself.
    fn kept(&self) -> usize {
        self.hub.streams.iter().map(|(_, stream)| stream.kept()).sum()
    }
}

fn all_pairs() -> impl Iterator<Item = [Way; 2]> {
    WAYS.into_iter().flat_map(|one| WAYS.into_iter().map(move |other| [one, other]))
}

#[test]
fn everything_arrives_both_ways_and_each_end_is_passed_on() {
    for ways in all_pairs() {
        let to_say = [3_000_000, 700_001];
        let mut pair = Pair::new(ways, to_say);
        pair.until(&format!("the end over {ways:?}"), |pair| pair.hub.service.closed.len() == 2);
        pair.until("the end at the peers", |pair| (0..2).all(|side| pair.talk(side).closed.is_some()));
        assert_eq!([pair.talk(1).heard, pair.talk(0).heard], to_say, "{ways:?}");
        assert!((0..2).all(|side| pair.talk(side).peer_finished), "{ways:?}");
        assert_eq!(pair.hub.service.moved, [Ok(()), Ok(())], "{ways:?}");
        assert_eq!(pair.hub.service.closed, [Closed::Done, Closed::Done], "{ways:?}");
        assert_eq!(pair.hub.service.flushed, 2, "{ways:?}");
    }
}

#[test]
fn one_direction_may_end_long_before_the_other() {
    for ways in all_pairs() {
        let mut pair = Pair::new(ways, [0, 500_000]);
        pair.until(&format!("the end over {ways:?}"), |pair| pair.hub.service.closed.len() == 2);
        pair.until("the end at the peers", |pair| (0..2).all(|side| pair.talk(side).closed.is_some()));
        assert_eq!((pair.talk(0).heard, pair.talk(1).heard), (500_000, 0), "{ways:?}");
        assert_eq!(pair.hub.service.closed, [Closed::Done, Closed::Done], "{ways:?}");
    }
}

#[test]
fn a_side_that_takes_nothing_holds_the_other_up_and_costs_a_portion() {
    for ways in all_pairs() {
        let much = 256 << 20;
        let mut pair = Pair::new(ways, [much, 0]);
        let slow = pair.streams[1];
        pair.peers.service.talks.get_mut(&slow).unwrap().is_deaf = true;
        let mut said = 0;
        // Until nothing moves any more.
        for _ in 0..10_000 {
            for _ in 0..50 {
                pair.turn();
                assert!(pair.kept() <= 3 * super::super::splice::COPY, "{} over {ways:?}", pair.kept());
            }
            if std::mem::replace(&mut said, pair.talk(0).said) == pair.talk(0).said {
                break;
            }
        }
        assert!(said < much / 2, "{said} over {ways:?}");
        // And when it reads on, the rest comes.
        pair.peers.service.talks.get_mut(&slow).unwrap().to_say = 0;
        pair.peers.service.talks.get_mut(&slow).unwrap().is_deaf = false;
        let resumed = pair.talk(1).heard;
        pair.peers.offer_again(StreamId(slow));
        pair.until("more", |pair| pair.talk(1).heard > resumed + 10_000_000);
    }
}

#[test]
fn between_two_sides_that_have_said_all_for_now_there_is_nothing_to_do() {
    for ways in all_pairs() {
        let to_say = [300_000, 200_001];
        let mut pair = Pair::of(ways, Talker { to_say: to_say.into(), stays: true, ..Talker::default() });
        pair.until("what they say", |pair| [pair.talk(1).heard, pair.talk(0).heard] == to_say);
        pair.until(&format!("rest over {ways:?}"), |pair| !pair.hub.has_work());
        assert_eq!(pair.hub.count(), 2, "{ways:?}");
    }
}

#[test]
fn when_one_end_breaks_so_does_the_other() {
    for ways in all_pairs() {
        let mut pair = Pair::new(ways, [1 << 40, 1 << 40]);
        pair.until("some of it", |pair| pair.talk(0).heard > 100_000 && pair.talk(1).heard > 100_000);
        let broken = StreamId(pair.streams[0]);
        pair.peers.abort(broken);
        pair.until(&format!("the end over {ways:?}"), |pair| pair.talk(1).closed.is_some());
        assert_eq!(pair.talk(1).closed, Some(Closed::Broken), "{ways:?}");
        assert!(pair.hub.service.moved.iter().all(|moved| *moved == Err(Fault::Failed)), "{ways:?}");
        pair.until("no stream", |pair| pair.hub.count() == 0);
        assert_eq!(pair.kept(), 0);
    }
}

#[test]
fn the_session_of_a_stream_that_was_aborted_is_over_as_soon_as_any_other() {
    /// What a session is still there for when its connection has ended.
    const LAST_WORDS: Duration = Duration::from_secs(3);
    let mut pair = Pair::new([Way::SealedRdt; 2], [1 << 40; 2]);
    pair.until("some of it", |pair| pair.talk(0).heard > 100_000 && pair.talk(1).heard > 100_000);
    // The peers abort this one, and the hub the other.
    pair.peers.abort(StreamId(pair.streams[0]));
    pair.until("no stream", |pair| pair.hub.count() == 0 && pair.peers.count() == 0);
    (0..20).for_each(|_| pair.turn());
    let ends = |now: Instant, sockets: &[RdtSocket]| {
        let deadlines = sockets.iter().map(|socket| socket.seal.as_ref().unwrap().layer.deadline());
        deadlines.map(|deadline| deadline.is_none_or(|deadline| deadline.since(now) <= LAST_WORDS)).collect()
    };
    let (hub, peers) = (&pair.hub, &pair.peers);
    let ends: [Vec<bool>; 2] = [ends(hub.now(), &hub.rdt), ends(peers.now(), &peers.rdt)];
    assert_eq!(ends, [[true; 2]; 2]);
}

#[test]
fn messages_that_lie_across_segments_and_reads_are_taken_whole() {
    const WHOLE: usize = 301;
    for ways in all_pairs() {
        let much = (WHOLE * 9_000) as u64;
        let mut pair = Pair::new(ways, [much, 0]);
        let other = pair.streams[1];
        pair.peers.service.talks.get_mut(&other).unwrap().whole = WHOLE;
        pair.until(&format!("all messages over {ways:?}"), |pair| pair.talk(1).heard == much);
    }
}
