//! A flight of content that is there at once, and one datagram of it lost.

use super::talker::Nothing;
use crate::{
    driver::{Driver, Storage},
    gate::Admission,
    host,
    net::udp::{Trains, Udp},
    storage::{Directory, Part, Source},
};
use mio::Events;
use skep_core::{
    Instant,
    rdt::{Event, Language, Output, Settings, control::Congestion},
    stream::{Action, Closed, Fault, FileId, Service, StreamId},
    wire::Name,
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant as Clock},
};

pub(super) const FILE: FileId = FileId(0);
/// More segments than an ACK can tell of by a multiple, and fewer than a window.
const SEGMENTS: u64 = 1_024;
/// The segment that is lost the first time.
const LOST: u64 = 100;

pub(super) struct Files(pub(super) Directory);

impl Storage for Files {
    fn open(&mut self, name: Name<'_>) -> Result<Source, Fault> {
        self.0.open_file(name)
    }

    fn create(&mut self, name: Name<'_>, length: Option<u64>) -> Result<Part, Fault> {
        self.0.create(name, length)
    }

    fn replaces(&self) -> bool {
        true
    }
}

/// Receives what comes on its one stream into a file; or sends a file on it.
#[derive(Debug, Default)]
pub(super) struct Taker {
    gives: bool,
    stream: Option<StreamId>,
    is_asked: bool,
    length: Option<u64>,
    pub(super) is_moving: bool,
    pub(super) closed: Option<Closed>,
}

impl Taker {
    pub(super) fn new(gives: bool) -> Self {
        Self { gives, ..Self::default() }
    }
}

impl Service for Taker {
    type Event = Nothing;

    fn opened(&mut self, _: Instant, stream: StreamId) -> bool {
        self.stream = Some(stream);
        true
    }

    fn received(&mut self, _: Instant, _: StreamId, _: &[u8]) -> usize {
        0
    }

    fn moved(&mut self, _: Instant, _: StreamId, outcome: Result<(), Fault>) {
        assert!(outcome.is_ok() || self.closed.is_some());
    }

    fn finished(&mut self, _: Instant, _: StreamId) {}

    fn closed(&mut self, _: Instant, _: StreamId, how: Closed) {
        self.closed = Some(how);
    }

    fn progressed(&mut self, _: Instant, _: StreamId) {}

    fn relocated(&mut self, _: Instant, _: StreamId, _: SocketAddr) {}

    fn stored(&mut self, _: Instant, _: FileId, outcome: Result<u64, Fault>) {
        self.length = Some(outcome.unwrap());
    }

    fn poll<'b>(&mut self, _: Instant, _: &'b mut [u8]) -> Action<'b, Nothing> {
        let Some(stream) = self.stream else { return Action::Wait(None) };
        let name = Name::new(b"file").unwrap();
        if !std::mem::replace(&mut self.is_asked, true) {
            return match self.gives {
                false => Action::Create { file: FILE, name, length: None },
                true => Action::Open { file: FILE, name },
            };
        }
        let Some(length) = self.length.take() else { return Action::Wait(None) };
        self.is_moving = true;
        match self.gives {
            false => Action::Receive { stream, file: FILE, offset: 0, length: None },
            true => Action::Send { stream, file: FILE, offset: 0, length },
        }
    }
}

#[test]
fn one_that_is_lost_of_a_flight_that_is_read_at_once_takes_no_other_along() {
    let home = tempfile::tempdir().unwrap();
    let admit = |taker: &mut Taker, now, admission: &Admission| taker.opened(now, admission.stream);
    let files = Files(Directory::open(home.path()).unwrap());
    let mut driver = Driver::new(Taker::default(), files, admit).unwrap();
    let (_, to) = driver.bind_rdt((Ipv4Addr::LOCALHOST, 0).into(), Settings::HOST, 0).unwrap();
    let mut udp = Udp::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let mut caller = host::endpoint(Settings { congestion: Congestion::Constant, ..Settings::HOST }, 1);
    let connection = caller.connect(driver.now(), to, Language::Own).unwrap();
    let (mut events, mut trains, mut room) = (Events::with_capacity(4), Trains::new(), vec![0; 65_507]);
    let segment = u64::from(Settings::HOST.terms.segment);
    let (mut is_asked, mut is_lost, mut is_sent) = (false, false, false);
    let end = Clock::now() + Duration::from_secs(10);
    while !is_sent && Clock::now() < end {
        let now = driver.now();
        if driver.service.is_moving && !is_asked {
            is_asked = caller.send(connection, FILE, 0, SEGMENTS * segment);
        }
        // Everything leaves before the driver has its turn.
        loop {
            match caller.poll(now, &mut room) {
                Output::Wait(_) => break,
                Output::Event(event) => is_sent |= event == Event::Sent(connection),
                Output::Transmit(transmit) => {
                    let first = transmit.load.map_or(u64::MAX, |load| load.offset / segment);
                    let (mut at, size) = (first, transmit.size);
                    for datagrams in transmit.bytes.chunks(size * 32) {
                        let count = datagrams.len().div_ceil(size) as u64;
                        let lost = LOST.checked_sub(at).filter(|place| !is_lost && *place < count);
                        at = at.saturating_add(count);
                        let Some(lost) = lost.map(|place| place as usize * size) else {
                            udp.send(to, datagrams, size);
                            continue;
                        };
                        is_lost = true;
                        udp.send(to, &datagrams[..lost], size);
                        udp.send(to, &datagrams[datagrams.len().min(lost + size)..], size);
                    }
                }
            }
        }
        driver.turn(&mut events, Some(Duration::from_millis(1))).unwrap();
        if let Ok(count) = udp.receive(&mut trains) {
            for (from, datagram) in trains.datagrams(count) {
                let _ = caller.handle(driver.now(), from, datagram);
            }
        }
    }
    let counters = caller.statistics(connection).unwrap().counters;
    assert!(is_sent && is_lost && driver.service.closed.is_none(), "{counters:?}");
    assert_eq!(counters.lost, 1, "{counters:?}");
}
