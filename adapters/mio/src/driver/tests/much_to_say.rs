//! A machine that has much to say.

use super::talker::Nothing;
use crate::driver::{Driver, NoFiles};
use mio::Events;
use skep_core::{
    Instant,
    rdt::{Language, Settings},
    stream::{Action, Closed, Fault, FileId, Service, StreamId},
};
use std::{net::Ipv4Addr, time::Duration};

/// Says so many words on its one stream, each when the one before has left.
#[derive(Debug, Default)]
struct Crier {
    stream: Option<StreamId>,
    words: usize,
    in_flight: bool,
    heard: usize,
}

impl Service for Crier {
    type Event = Nothing;

    fn opened(&mut self, _: Instant, stream: StreamId) -> bool {
        self.stream = Some(stream);
        true
    }

    fn received(&mut self, _: Instant, _: StreamId, bytes: &[u8]) -> usize {
        self.heard += bytes.len();
        bytes.len()
    }

    fn moved(&mut self, _: Instant, _: StreamId, _: Result<(), Fault>) {}

    fn finished(&mut self, _: Instant, _: StreamId) {}

    fn closed(&mut self, _: Instant, _: StreamId, how: Closed) {
        panic!("{how:?}");
    }

    fn flushed(&mut self, _: Instant, _: StreamId) {
        self.in_flight = false;
    }

    fn progressed(&mut self, _: Instant, _: StreamId) {}

    fn relocated(&mut self, _: Instant, _: StreamId, _: std::net::SocketAddr) {}

    fn stored(&mut self, _: Instant, _: FileId, _: Result<u64, Fault>) {}

    fn poll<'b>(&mut self, _: Instant, _: &'b mut [u8]) -> Action<'b, Nothing> {
        let speaks = self.words > 0 && !self.in_flight;
        let Some(stream) = self.stream.filter(|_| speaks) else { return Action::Wait(None) };
        self.words -= 1;
        self.in_flight = true;
        Action::Write { stream, bytes: b"." }
    }
}

#[test]
fn it_is_asked_for_a_part_at_a_time_and_in_the_end_for_all() {
    const WORDS: usize = 3_000;
    for by_rdt in [true, false] {
        let admit =
            |crier: &mut Crier, now, admission: &crate::gate::Admission| crier.opened(now, admission.stream);
        let mut events = Events::with_capacity(16);
        let [mut crier, mut other] = [(); 2].map(|()| Driver::new(Crier::default(), NoFiles, admit).unwrap());
        let any = (Ipv4Addr::LOCALHOST, 0).into();
        crier.bind_rdt(any, Settings::HOST, 0).unwrap();
        if by_rdt {
            let (_, at) = other.bind_rdt(any, Settings::HOST, 0).unwrap();
            crier.connect_rdt(0, at, Language::Own).unwrap();
        } else {
            let at = other.listen_tcp(any, 0).unwrap();
            crier.connect_tcp(at).unwrap();
        }
        let mut turn = |driver: &mut Driver<Crier, NoFiles>| {
            driver.turn(&mut events, Some(Duration::from_millis(1))).unwrap();
        };
        while crier.service.stream.is_none() || other.service.stream.is_none() {
            turn(&mut crier);
            turn(&mut other);
        }
        crier.service.words = WORDS;
        turn(&mut crier);
        assert!((1..WORDS).contains(&crier.service.words), "{} are left", crier.service.words);
        // Nothing happens but what it has begun.
        while crier.service.words > 0 {
            turn(&mut crier);
            turn(&mut other);
        }
        while other.service.heard < WORDS {
            turn(&mut other);
            turn(&mut crier);
        }
    }
}
