//! What a driver makes of a store that answers late, and of somebody who does not go on.

use super::*;
use crate::{
    Rdt,
    rdt::{DATAGRAM, Plain},
    storage::Ram,
    unplugged::stack,
};
use core::net::SocketAddr;
use skep_core::{rdt::Settings, stream::Service, wire::Name};

/// Asks for so many files, and keeps what it is answered.
struct Asker {
    files: u32,
    asked: u32,
    answers: std::vec::Vec<(FileId, Result<u64, Fault>)>,
}

impl Service for Asker {
    type Event = ();

    fn opened(&mut self, _: Instant, _: StreamId) -> bool {
        false
    }

    fn received(&mut self, _: Instant, _: StreamId, bytes: &[u8]) -> usize {
        bytes.len()
    }

    fn moved(&mut self, _: Instant, _: StreamId, _: Result<(), Fault>) {}

    fn finished(&mut self, _: Instant, _: StreamId) {}

    fn closed(&mut self, _: Instant, _: StreamId, _: Closed) {}

    fn progressed(&mut self, _: Instant, _: StreamId) {}

    fn relocated(&mut self, _: Instant, _: StreamId, _: SocketAddr) {}

    fn stored(&mut self, _: Instant, file: FileId, outcome: Result<u64, Fault>) {
        self.answers.push((file, outcome));
    }

    fn poll<'b>(&mut self, _: Instant, _: &'b mut [u8]) -> Action<'b, ()> {
        if self.asked == self.files {
            return Action::Wait(None);
        }
        let file = FileId(self.asked);
        self.asked += 1;
        Action::Create { file, name: Name::new(b"file").unwrap(), length: None }
    }
}

impl Machine for Asker {}

/// Answers nothing before it is told to.
#[derive(Default)]
struct Late {
    created: std::vec::Vec<FileId>,
    is_ready: bool,
}

impl Storage for Late {
    const WRITE_UNIT: usize = 1;
    const ERASE_UNIT: usize = 1;
    const RANDOM_WRITES: bool = true;

    fn open(&mut self, _: FileId, _: Name<'_>) -> Answer<u64> {
        Poll::Ready(Err(Fault::Failed))
    }

    fn create(&mut self, file: FileId, _: Name<'_>, _: Option<u64>) -> Answer<u64> {
        self.created.push(file);
        Poll::Pending
    }

    fn commit(&mut self, _: FileId) -> Answer<u64> {
        Poll::Ready(Err(Fault::Failed))
    }

    fn completed(&mut self, file: FileId) -> Answer<u64> {
        assert!(self.created.contains(&file));
        if self.is_ready { Poll::Ready(Ok(0)) } else { Poll::Pending }
    }

    fn read(&mut self, _: FileId, _: u64, _: &mut [u8]) -> Answer<()> {
        Poll::Ready(Err(Fault::Failed))
    }

    fn write(&mut self, _: FileId, _: u64, _: &[u8]) -> Answer<()> {
        Poll::Ready(Err(Fault::Failed))
    }

    fn release(&mut self, _: FileId) {}
}

#[test]
fn a_store_that_owes_as_many_answers_as_there_is_room_for_is_asked_for_no_more_and_is_busy() {
    let (mut stack, socket) = stack((DATAGRAM, DATAGRAM));
    let carrier = Rdt::<2, 4>::bind::<_, Ram<1, 8>>(&mut stack, socket, 7_537, Settings::DEVICE, 1, Plain);
    let machine = Asker { files: 3, asked: 0, answers: std::vec::Vec::new() };
    let mut driver = Driver::<_, _, 2>::new(machine, carrier.unwrap());
    let mut store = Late::default();
    driver.turn(Instant::from_micros(1), &mut stack, &mut store, |_, ()| {});
    assert_eq!(store.created, [FileId(0), FileId(1)]);
    assert_eq!(driver.machine.answers, [(FileId(2), Err(Fault::Busy))]);
    store.is_ready = true;
    driver.turn(Instant::from_micros(2_000), &mut stack, &mut store, |_, ()| {});
    assert_eq!(driver.machine.answers[1..], [(FileId(0), Ok(0)), (FileId(1), Ok(0))]);
}

#[test]
fn a_machine_on_a_store_that_others_use_has_numbers_of_its_own_there() {
    let (mut stack, _) = stack((DATAGRAM, DATAGRAM));
    let machine = Asker { files: 2, asked: 0, answers: std::vec::Vec::new() };
    let carrier = Slow { first: None, position: 0 };
    let mut driver = Driver::<_, _, 2>::new(machine, carrier).with_files_from(100);
    let mut store = Late { is_ready: true, ..Late::default() };
    driver.turn(Instant::from_micros(1), &mut stack, &mut store, |_, ()| {});
    assert_eq!(store.created, [FileId(100), FileId(101)]);
    driver.turn(Instant::from_micros(2_000), &mut stack, &mut store, |_, ()| {});
    assert_eq!(driver.machine.answers, [(FileId(0), Ok(0)), (FileId(1), Ok(0))]);
}

/// Takes whoever calls, and has what comes go into a file.
#[derive(Default)]
struct Taker {
    is_asked: bool,
    closed: std::vec::Vec<Instant>,
}

impl Service for Taker {
    type Event = ();

    fn opened(&mut self, _: Instant, _: StreamId) -> bool {
        self.is_asked = true;
        true
    }

    fn received(&mut self, _: Instant, _: StreamId, bytes: &[u8]) -> usize {
        bytes.len()
    }

    fn moved(&mut self, _: Instant, _: StreamId, _: Result<(), Fault>) {}

    fn finished(&mut self, _: Instant, _: StreamId) {}

    fn closed(&mut self, now: Instant, _: StreamId, _: Closed) {
        self.closed.push(now);
    }

    fn progressed(&mut self, _: Instant, _: StreamId) {}

    fn relocated(&mut self, _: Instant, _: StreamId, _: SocketAddr) {}

    fn stored(&mut self, _: Instant, _: FileId, _: Result<u64, Fault>) {}

    fn poll<'b>(&mut self, _: Instant, _: &'b mut [u8]) -> Action<'b, ()> {
        match core::mem::take(&mut self.is_asked) {
            true => Action::Receive { stream: StreamId(0), file: FileId(0), offset: 0, length: Some(100) },
            false => Action::Wait(None),
        }
    }
}

impl Machine for Taker {}

/// A carrier on which somebody calls, or answers, and then as much moves as the test says.
struct Slow {
    first: Option<Happening<()>>,
    position: u64,
}

impl Carrier for Slow {
    type Link = ();

    fn take<D: Device, F: Storage>(
        &mut self,
        _: Instant,
        _: &mut Stack<'_, D>,
        _: &mut F,
    ) -> Option<Happening<()>> {
        self.first.take()
    }

    fn give<D: Device, F: Storage>(
        &mut self,
        _: Instant,
        _: &mut Stack<'_, D>,
        _: &mut F,
    ) -> Option<Happening<()>> {
        None
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }

    fn answers_after(&self) -> usize {
        1
    }

    fn offered(&self, (): ()) -> &[u8] {
        &[]
    }

    fn taken(&mut self, (): (), _: usize) {}

    fn write(&mut self, (): (), _: &[u8]) -> bool {
        true
    }

    fn pour(&mut self, (): (), _: &[u8]) -> usize {
        0
    }

    fn resume(&mut self, (): ()) {}

    fn has_untaken(&self, (): ()) -> bool {
        false
    }

    fn send(&mut self, (): (), _: Sending) -> bool {
        true
    }

    fn receive(&mut self, (): (), _: Receiving) {}

    fn position(&self, (): ()) -> u64 {
        self.position
    }

    fn finish(&mut self, (): ()) {}

    fn abort(&mut self, (): ()) {}
}

/// The seconds after which somebody is let go of whose content stops after so many seconds.
fn let_go_after(first: Happening<()>, stops: u64) -> Option<u64> {
    let (mut stack, _) = stack((DATAGRAM, DATAGRAM));
    let carrier = Slow { first: Some(first), position: 0 };
    let mut driver = Driver::<_, _, 1>::new(Taker::default(), carrier);
    if matches!(first, Happening::Connected(())) {
        driver.adopt(Some(())).unwrap();
    }
    let mut store = Late::default();
    for second in 0..400 {
        driver.carrier.position = second.min(stops);
        let next = driver
            .turn(Instant::from_micros(second * 1_000_000), &mut stack, &mut store, |_, ()| {})
            .is_some();
        if let Some(when) = driver.machine.closed.first() {
            assert!(driver.count() == 0 && !next);
            return Some(when.as_micros() / 1_000_000);
        }
    }
    None
}

#[test]
fn who_sends_nothing_of_his_content_loses_his_place() {
    let address = SocketAddr::from(([10, 0, 0, 1], 7_537));
    let accepted = Happening::Accepted((), Origin::at(address));
    assert_eq!(let_go_after(accepted, 0), Some(60));
    assert_eq!(let_go_after(accepted, 70), Some(180));
    assert_eq!(let_go_after(accepted, 400), None);
    // Who was called may have others before us.
    assert_eq!(let_go_after(Happening::Connected(()), 0), None);
}
