//! What a driver makes of a store that answers late.

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

    fn completed(&mut self, _: FileId) -> Answer<u64> {
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
