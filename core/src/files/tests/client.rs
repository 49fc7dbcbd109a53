//! The client, by what a server answers to the byte.

use super::{bytes, download, driver::Driver, name, request, upload};
use crate::{
    files::{Client, Dialect, Failure, Progress},
    stream::{Closed, Fault, Service, StreamId},
    wire::file::{Code, Message},
};
use core::time::Duration;

pub(super) const PATIENCE: Duration = Duration::from_secs(5);

fn downloading(limit: u64) -> Driver<Client> {
    downloading_by(Dialect::Files, limit)
}

pub(super) fn downloading_by(dialect: Dialect, limit: u64) -> Driver<Client> {
    let mut driver = Driver::new(Client::download(name("a/b"), dialect, limit, PATIENCE));
    assert!(driver.open(0));
    driver
}

fn uploading(content: &[u8]) -> Driver<Client> {
    let mut driver = Driver::new(Client::upload(name("a/b"), PATIENCE));
    driver.disk.insert("a/b".into(), content.to_vec());
    assert!(driver.open(0));
    driver
}

/// After the last event the machine must be quiet, whatever it is fed.
pub(super) fn assert_over(driver: &mut Driver<Client>, last: Progress) {
    assert_eq!(driver.events.last(), Some(&last));
    assert!(driver.machine.is_over());
    assert_eq!((driver.files_in_use(), driver.wait), (0, None));
    let events = driver.events.len();
    driver.feed(0, &[3; 40]);
    driver.finish(0);
    driver.close(0, Closed::Broken);
    assert!(!driver.open(1));
    driver.pass(PATIENCE * 9);
    assert_eq!((driver.events.len(), driver.wait), (events, None));
}

#[test]
fn a_download_is_stored_and_then_done() {
    for content in [b"content".as_slice(), b""] {
        let mut driver = downloading(7);
        assert_eq!(driver.written(0), request("a/b"));
        driver.feed(0, &download(content));
        let length = content.len() as u64;
        assert_eq!(driver.events[0], Progress::Started { length: Some(length) });
        assert_eq!(driver.disk["a/b"], content);
        assert!(driver.stream(0).output_finished);
        assert_over(&mut driver, Progress::Done { bytes: length });
    }
}

#[test]
fn a_call_that_nobody_answers_fails_and_one_that_was_answered_does_not() {
    let mut driver = Driver::new(Client::upload(name("a/b"), PATIENCE));
    driver.machine.unreachable();
    driver.pass(Duration::ZERO);
    assert_over(&mut driver, Progress::Failed(Failure::Unreachable));
    let mut driver = downloading(7);
    assert!(!driver.open(1), "another stream is turned away");
    driver.machine.unreachable();
    driver.feed(0, &download(b"content"));
    assert_eq!(driver.events.last(), Some(&Progress::Done { bytes: 7 }));
}

#[test]
fn a_confirmation_is_waited_for_as_long_as_content_arrives() {
    let mut driver = uploading(b"content");
    driver.run();
    for _ in 0..3 {
        driver.pass(PATIENCE * 4 / 5);
        driver.machine.progressed(driver.now, StreamId(0));
        // Another's means nothing.
        driver.machine.progressed(driver.now, StreamId(1));
        driver.run();
    }
    assert_eq!(driver.events.len(), 1);
    driver.pass(PATIENCE);
    assert_over(&mut driver, Progress::Failed(Failure::Timeout));
}

#[test]
fn a_download_comes_byte_by_byte() {
    let mut driver = downloading(7);
    for byte in download(b"content") {
        driver.feed(0, &[byte]);
    }
    assert_over(&mut driver, Progress::Done { bytes: 7 });
}

#[test]
fn an_answer_that_breaks_off_leaves_nothing() {
    let whole = download(b"content");
    for end in 0..whole.len() {
        for is_finished in [true, false] {
            let mut driver = downloading(7);
            driver.feed(0, &whole[..end]);
            if is_finished {
                driver.finish(0);
                assert!(driver.stream(0).aborted);
            } else {
                driver.close(0, Closed::Broken);
            }
            assert!(driver.disk.is_empty());
            assert_over(&mut driver, Progress::Failed(Failure::Closed));
        }
    }
}

#[test]
fn a_refused_download_says_why() {
    for byte in [0, 1, 6, 99] {
        let mut driver = downloading(7);
        driver.feed(0, &[4, byte]);
        assert!(driver.stream(0).output_finished);
        assert_over(&mut driver, Progress::Refused(Code::from(byte)));
    }
}

#[test]
fn a_download_that_is_longer_than_accepted_is_aborted_before_its_content() {
    let mut driver = downloading(6);
    driver.feed(0, &download(b"content"));
    assert!(driver.stream(0).aborted && driver.disk.is_empty());
    assert_over(&mut driver, Progress::Failed(Failure::TooLarge));
}

#[test]
fn an_answer_that_is_none_is_malformed() {
    for answer in [request("a"), upload("a", b""), bytes(Message::Confirm), vec![5]] {
        let mut driver = downloading(6);
        driver.feed(0, &answer);
        assert!(driver.stream(0).aborted);
        assert_over(&mut driver, Progress::Failed(Failure::Malformed));
    }
}

/// A download whose answer begins so, and goes no further, fails in time.
pub(super) fn is_given_up(mut driver: Driver<Client>, beginning: &[u8]) {
    driver.feed(0, beginning);
    driver.pass(PATIENCE - Duration::from_micros(1));
    assert!(driver.events.is_empty());
    driver.pass(Duration::from_micros(1));
    assert!(driver.stream(0).aborted);
    assert_over(&mut driver, Progress::Failed(Failure::Timeout));
}

#[test]
fn a_silent_server_is_given_up_in_time() {
    is_given_up(downloading(6), b"\x02\x01");
}

#[test]
fn slow_content_is_not_the_machines_matter() {
    let mut driver = downloading(9);
    driver.feed(0, &download(b"content")[..10]);
    driver.pass(PATIENCE * 100);
    driver.feed(0, b"ontent");
    assert_over(&mut driver, Progress::Done { bytes: 7 });
}

#[test]
fn storage_that_fails_ends_a_download() {
    for place in 0..3 {
        let mut driver = downloading(9);
        let fault = Some(Fault::NoSpace);
        match place {
            0 => driver.faults.create = fault,
            1 => driver.faults.moved = fault,
            _ => driver.faults.commit = fault,
        }
        driver.feed(0, &download(b"content"));
        assert!(driver.stream(0).aborted && driver.disk.is_empty());
        assert_over(&mut driver, Progress::Failed(Failure::Storage(Fault::NoSpace)));
    }
}

#[test]
fn a_download_received_whole_is_committed_though_the_stream_breaks() {
    let mut driver = downloading(9);
    driver.is_slow = true;
    driver.feed(0, &download(b"content"));
    driver.answer();
    driver.close(0, Closed::Broken);
    driver.answer();
    assert_over(&mut driver, Progress::Done { bytes: 7 });
}

#[test]
fn a_stream_that_breaks_while_the_file_is_created_waits_for_the_storage() {
    let mut driver = downloading(9);
    driver.is_slow = true;
    driver.feed(0, &download(b"content"));
    driver.close(0, Closed::Broken);
    assert!(driver.events.is_empty() && driver.files_in_use() == 1);
    driver.answer();
    assert_over(&mut driver, Progress::Failed(Failure::Closed));
}

#[test]
fn an_upload_is_done_when_it_is_confirmed() {
    for content in [b"content".as_slice(), b""] {
        let mut driver = uploading(content);
        assert_eq!(driver.written(0), upload("a/b", content));
        assert!(!driver.stream(0).output_finished);
        driver.feed(0, &[3]);
        let length = content.len() as u64;
        assert_eq!(driver.events[0], Progress::Started { length: Some(length) });
        assert!(driver.stream(0).output_finished);
        assert_over(&mut driver, Progress::Done { bytes: length });
    }
}

#[test]
fn a_confirmation_may_overtake_the_transport() {
    for breaks in [false, true] {
        let mut driver = Driver::new(Client::upload(name("a/b"), PATIENCE));
        driver.disk.insert("a/b".into(), b"content".to_vec());
        driver.pace = 0;
        // The transport has sent all and knows nothing of it yet.
        assert!(driver.open(0));
        driver.feed(0, &[3]);
        assert_eq!(driver.events.len(), 1);
        if breaks {
            driver.close(0, Closed::Broken);
        } else {
            driver.pace = 9;
            driver.run();
            assert!(driver.stream(0).output_finished);
        }
        assert_over(&mut driver, Progress::Done { bytes: 7 });
    }
}

#[test]
fn an_upload_refused_while_sending_stops() {
    let mut driver = Driver::new(Client::upload(name("a/b"), PATIENCE));
    driver.disk.insert("a/b".into(), vec![7; 100_000]);
    driver.pace = 0;
    assert!(driver.open(0));
    driver.feed(0, &[4]);
    assert!(!driver.stream(0).aborted);
    driver.feed(0, &[4]);
    assert!(driver.stream(0).aborted);
    assert_over(&mut driver, Progress::Refused(Code::NoSpace));
}

#[test]
fn an_upload_that_is_not_confirmed_has_failed() {
    for (answer, failure) in [
        (b"".as_slice(), Failure::Closed),
        (b"\x04", Failure::Closed),
        (b"\x02\0\0\0\0\0\0\0\0", Failure::Malformed),
        (b"\x09", Failure::Malformed),
    ] {
        let mut driver = uploading(b"content");
        driver.feed(0, answer);
        driver.finish(0);
        assert!(driver.stream(0).aborted);
        assert_over(&mut driver, Progress::Failed(failure));
    }
    let mut driver = uploading(b"content");
    driver.pass(PATIENCE);
    assert_over(&mut driver, Progress::Failed(Failure::Timeout));
    let mut driver = uploading(b"content");
    driver.close(0, Closed::Done);
    assert_over(&mut driver, Progress::Failed(Failure::Closed));
}

#[test]
fn storage_that_fails_ends_an_upload() {
    for fails_to_open in [true, false] {
        let mut driver = Driver::new(Client::upload(name("a/b"), PATIENCE));
        driver.disk.insert("a/b".into(), b"content".to_vec());
        let fault = if fails_to_open { &mut driver.faults.open } else { &mut driver.faults.moved };
        *fault = Some(Fault::Changed);
        assert!(driver.open(0));
        assert!(driver.stream(0).aborted);
        assert_over(&mut driver, Progress::Failed(Failure::Storage(Fault::Changed)));
    }
}
