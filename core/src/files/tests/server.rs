//! The server, by what a client writes to the byte.

use super::{bytes, download, driver::Driver, request, upload};
use crate::{
    files::{Dialect, Direction, Event, Outcome, Server, Session, Settings, Uploads, WhenFull},
    limits::NAME_MAX,
    miri::fewer,
    stream::{Closed, Fault, FileId, Service, StreamId},
    table::Named,
    wire::file::Message,
};
use core::time::Duration;

pub(super) type Fixed<const N: usize> = Server<heapless::Vec<Named<Session>, N>>;

pub(super) fn server<const N: usize>(settings: Settings) -> Driver<Fixed<N>> {
    let mut driver = Driver::new(Server::new(settings, heapless::Vec::new()));
    driver.disk.insert("a/b".into(), b"content".to_vec());
    driver.disk.insert("empty".into(), Vec::new());
    driver
}

/// One request on stream 0 to a server with these rules and faults: what is answered.
fn answer(settings: Settings, prepare: impl FnOnce(&mut Driver<Fixed<1>>), request: &[u8]) -> Vec<u8> {
    let mut driver = server::<1>(settings);
    prepare(&mut driver);
    assert!(driver.open(0));
    driver.feed(0, request);
    assert_eq!(driver.files_in_use(), 0);
    assert_eq!(driver.machine.transfers(), 0);
    driver.written(0)
}

#[test]
fn a_download_is_answered_by_the_header_and_the_content() {
    let mut driver = server::<1>(Settings::DEFAULT);
    assert!(driver.open(0));
    driver.feed(0, &request("a/b"));
    assert_eq!(driver.written(0), download(b"content"));
    assert!(driver.stream(0).output_finished);
    let (stream, file, direction) = (StreamId(0), FileId(0), Direction::Download);
    assert_eq!(
        driver.events,
        [
            Event::Started { stream, file, direction, length: 7 },
            Event::Ended { stream, file, direction, outcome: Outcome::Done }
        ]
    );
    driver.finish(0);
    driver.close(0, Closed::Done);
    assert_eq!((driver.machine.sessions(), driver.wait), (0, None));
    let counters = driver.machine.counters();
    assert_eq!((counters.requests, counters.downloads, counters.bytes_out), (1, 1, 7));
}

#[test]
fn an_upload_is_confirmed_once_it_is_stored() {
    let mut driver = server::<1>(Settings::DEFAULT);
    driver.is_slow = true;
    assert!(driver.open(0));
    driver.feed(0, &upload("new", b"content"));
    driver.answer();
    assert_eq!(driver.disk["new"], b"content");
    assert_eq!(driver.machine.name(FileId(0)).unwrap().as_str(), "new");
    assert!(driver.written(0).is_empty(), "the storage has not said that it is durable");
    driver.answer();
    assert_eq!(driver.written(0), bytes(Message::Confirm));
    assert!(driver.stream(0).output_finished);
    assert_eq!(driver.machine.counters().uploads, 1);
}

#[test]
fn files_of_length_zero_go_both_ways() {
    assert_eq!(answer(Settings::DEFAULT, |_| {}, &request("empty")), download(b""));
    assert_eq!(answer(Settings::DEFAULT, |_| {}, &upload("new", b"")), bytes(Message::Confirm));
}

#[test]
fn an_existing_file_is_replaced() {
    let mut driver = server::<1>(Settings::DEFAULT);
    assert!(driver.open(0));
    driver.feed(0, &upload("a/b", b"other"));
    assert_eq!(driver.disk["a/b"], b"other");
}

#[test]
fn every_refusal_has_its_code() {
    let any = Settings::DEFAULT;
    let nothing = |_: &mut Driver<Fixed<1>>| {};
    assert_eq!(answer(any, nothing, b"\x07"), [4, 0]);
    assert_eq!(answer(any, nothing, b"\x03"), [4, 0]);
    assert_eq!(answer(any, nothing, &request("none")), [4, 1]);
    assert_eq!(answer(any, |driver| driver.faults.create = Some(Fault::Exists), &upload("a", b"x")), [4, 2]);
    assert_eq!(answer(Settings { max_upload: 1, ..any }, nothing, &upload("a", b"xx")), [4, 3]);
    assert_eq!(
        answer(any, |driver| driver.faults.create = Some(Fault::TooLarge), &upload("a", b"x")),
        [4, 3]
    );
    assert_eq!(answer(any, |driver| driver.faults.create = Some(Fault::NoSpace), &upload("a", b"x")), [4, 4]);
    assert_eq!(answer(any, nothing, b"\x01\x02\x00.."), [4, 5]);
    assert_eq!(answer(any, nothing, b"\x01\x00\x01"), [4, 5]);
    assert_eq!(answer(any, |driver| driver.faults.open = Some(Fault::BadName), &request("a/b")), [4, 5]);
    assert_eq!(answer(Settings { read_only: true, ..any }, nothing, &upload("a", b"xx")), [4, 7]);
    assert_eq!(answer(any, |driver| driver.faults.open = Some(Fault::NotAllowed), &request("a/b")), [4, 7]);
    assert_eq!(answer(any, |driver| driver.faults.open = Some(Fault::Failed), &request("a/b")), [4, 8]);
    assert_eq!(answer(any, |driver| driver.faults.moved = Some(Fault::NoSpace), &upload("a", b"x")), [4, 4]);
    assert_eq!(answer(any, |driver| driver.faults.commit = Some(Fault::Failed), &upload("a", b"x")), [4, 8]);
}

#[test]
fn an_upload_below_a_directory_has_a_name_that_has_room_for_both() {
    let mut driver = server::<1>(Settings { slots: 1, ..Settings::DEFAULT });
    let is_below =
        |server: &mut Fixed<1>, now, stream| server.opened_with(now, stream, Dialect::Files, Uploads::Drop);
    for (length, code) in [(NAME_MAX, Some(5)), (NAME_MAX - 4, Some(5)), (NAME_MAX - 5, None), (1, None)] {
        let name = "a".repeat(length);
        assert!(driver.open_by(0, is_below));
        driver.feed(0, &upload(&name, b"content"));
        let answer = code.map_or(bytes(Message::Confirm), |code| vec![4, code]);
        assert_eq!(driver.written(0), answer, "{length} bytes");
        assert_eq!(driver.disk.contains_key(&format!("drop/{name}")), code.is_none());
        driver.close(0, Closed::Done);
        assert_eq!((driver.machine.transfers(), driver.machine.sessions()), (0, 0), "{length} bytes");
    }
    assert_eq!(driver.machine.counters().refused, 2);
}

#[test]
fn a_download_that_fails_in_the_middle_is_aborted_and_never_finished() {
    for fault in [Fault::Changed, Fault::Failed] {
        let mut driver = server::<1>(Settings::DEFAULT);
        driver.faults.moved = Some(fault);
        assert!(driver.open(0));
        driver.feed(0, &request("a/b"));
        assert!(driver.stream(0).aborted && !driver.stream(0).output_finished);
        assert_eq!(driver.files_in_use(), 0);
        driver.close(0, Closed::Broken);
        assert_eq!(driver.machine.counters().broken, 1);
        assert!(
            matches!(driver.events[1], Event::Ended { outcome: Outcome::Failed(failed), .. } if failed == fault)
        );
    }
}

#[test]
fn a_request_comes_byte_by_byte() {
    for whole in [request("a/b"), upload("new", b"xyz")] {
        let mut driver = server::<1>(Settings::DEFAULT);
        assert!(driver.open(0));
        for &byte in &whole {
            driver.feed(0, &[byte]);
        }
        assert!(driver.stream(0).output_finished);
    }
}

#[test]
fn a_stream_that_ends_inside_a_message_leaves_nothing() {
    for whole in [request("a/b"), upload("new", b"xyz")] {
        for end in (1..whole.len()).step_by(fewer(1, 5)) {
            for is_finished in [true, false] {
                let mut driver = server::<1>(Settings::DEFAULT);
                assert!(driver.open(0));
                driver.feed(0, &whole[..end]);
                if is_finished {
                    driver.finish(0);
                    assert!(driver.stream(0).aborted);
                }
                driver.close(0, Closed::Broken);
                assert_eq!((driver.files_in_use(), driver.machine.sessions(), driver.disk.len()), (0, 0, 2));
                assert_eq!((driver.machine.counters().broken, driver.wait), (1, None));
            }
        }
    }
}

#[test]
fn a_stream_that_asks_nothing_is_finished() {
    let mut driver = server::<1>(Settings::DEFAULT);
    assert!(driver.open(0));
    driver.finish(0);
    assert!(driver.stream(0).output_finished && !driver.stream(0).aborted);
    driver.close(0, Closed::Done);
    assert_eq!((driver.machine.sessions(), driver.machine.counters().broken), (0, 0));
}

#[test]
fn half_a_request_and_silence_is_aborted_in_time() {
    let mut driver = server::<1>(Settings { request_timeout: Duration::from_secs(3), ..Settings::DEFAULT });
    assert!(driver.open(0));
    driver.pass(Duration::from_secs(2));
    driver.feed(0, &request("a/b")[..4]);
    driver.pass(Duration::from_millis(999));
    assert!(!driver.stream(0).aborted);
    driver.pass(Duration::from_millis(1));
    assert!(driver.stream(0).aborted);
    driver.close(0, Closed::Broken);
    assert_eq!((driver.machine.sessions(), driver.machine.counters().timed_out, driver.wait), (0, 1, None));
}

#[test]
fn the_time_for_a_request_does_not_count_against_its_transfer() {
    let mut driver = server::<1>(Settings { close_timeout: Duration::from_secs(1_000), ..Settings::DEFAULT });
    assert!(driver.open(0));
    driver.feed(0, &upload("new", b"xyz")[..15]);
    driver.pass(Duration::from_secs(100));
    driver.feed(0, b"yz\0\0");
    driver.pass(Duration::from_secs(100));
    assert!(!driver.stream(0).aborted);
}

#[test]
fn what_a_refused_client_still_sends_is_discarded_until_it_closes() {
    let mut driver = server::<1>(Settings { max_upload: 2, ..Settings::DEFAULT });
    assert!(driver.open(0));
    driver.feed(0, &upload("new", b"xyz"));
    assert_eq!(driver.written(0), [4, 3]);
    assert!(driver.stream(0).output_finished && driver.stream(0).input.is_empty());
    driver.feed(0, &[7; 5_000]);
    assert!(driver.stream(0).input.is_empty());
    driver.finish(0);
    driver.close(0, Closed::Done);
    assert_eq!((driver.machine.sessions(), driver.wait), (0, None));
}

#[test]
fn who_never_stops_sending_is_aborted_when_the_linger_time_is_over() {
    let mut driver = server::<1>(Settings { read_only: true, ..Settings::DEFAULT });
    assert!(driver.open(0));
    driver.feed(0, &upload("new", b"xyz"));
    driver.pass(Duration::from_secs(4));
    driver.feed(0, &[7; 100]);
    assert!(!driver.stream(0).aborted);
    driver.pass(Duration::from_secs(1));
    assert!(driver.stream(0).aborted);
}

#[test]
fn an_upload_refused_by_storage_in_the_middle_is_discarded_to_its_end() {
    let mut driver = server::<1>(Settings::DEFAULT);
    assert!(driver.open(0));
    let whole = upload("new", b"0123456789");
    driver.feed(0, &whole[..17]);
    driver.faults.moved = Some(Fault::NoSpace);
    driver.feed(0, &whole[17..20]);
    driver.feed(0, &whole[20..]);
    assert_eq!(driver.written(0), [4, 4]);
    assert!(driver.stream(0).input.is_empty() && !driver.disk.contains_key("new"));
    assert_eq!((driver.files_in_use(), driver.machine.transfers()), (0, 0));
}

#[test]
fn an_abort_stops_the_transport_before_the_file_is_let_go() {
    let mut driver = server::<1>(Settings::DEFAULT);
    assert!(driver.open(0));
    driver.feed(0, &upload("new", b"xyz")[..15]);
    // A driver must not say so while it receives, but if it does the upload is broken and not under way for ever.
    driver.machine.finished(driver.now, StreamId(0));
    driver.run();
    assert!(driver.stream(0).aborted);
    assert_eq!((driver.files_in_use(), driver.machine.transfers()), (0, 0));
}

#[test]
fn bytes_after_a_request_are_ignored() {
    for mut whole in [request("a/b"), upload("new", b"xyz"), upload("new", b"")] {
        whole.extend([0; 600]);
        let mut driver = server::<1>(Settings::DEFAULT);
        assert!(driver.open(0));
        driver.feed(0, &whole);
        assert!(driver.stream(0).output_finished && driver.stream(0).input.is_empty());
        assert_eq!((driver.machine.counters().requests, driver.machine.counters().refused), (1, 0));
    }
}

#[test]
fn who_finds_no_slot_is_told_that_the_server_is_busy() {
    let settings = Settings { slots: 1, when_full: WhenFull::Busy, ..Settings::DEFAULT };
    let mut driver = server::<2>(settings);
    assert!(driver.open(0) && driver.open(1));
    driver.feed(0, &upload("new", b"xyz")[..15]);
    driver.feed(1, &request("a/b"));
    assert_eq!(driver.written(1), [4, 6]);
    driver.close(0, Closed::Broken);
    driver.close(1, Closed::Broken);
    assert!(driver.open(1));
    driver.feed(1, &request("a/b"));
    assert_eq!(driver.written(1), download(b"content"));
}

#[test]
fn who_waits_is_served_in_order_and_who_leaves_the_line_is_not() {
    let settings = Settings { slots: 1, when_full: WhenFull::Wait, ..Settings::DEFAULT };
    let mut driver = server::<5>(settings);
    let first = upload("first", b"xyz");
    for stream in 0..5 {
        assert!(driver.open(stream));
    }
    driver.feed(3, &first[..17]);
    for stream in [4, 0, 2, 1] {
        driver.feed(stream, &upload(&format!("file {stream}"), b"c"));
    }
    assert_eq!((driver.machine.waiting(), driver.machine.transfers()), (4, 1));
    driver.close(0, Closed::Broken);
    driver.pass(Duration::from_secs(1_000));
    assert_eq!((driver.machine.waiting(), driver.machine.transfers()), (3, 1));
    driver.feed(3, &first[17..]);
    assert_eq!((driver.machine.waiting(), driver.machine.transfers()), (0, 0));
    let started = driver.events.iter().filter_map(|event| match event {
        Event::Started { stream, .. } => Some(stream.0),
        _ => None,
    });
    assert_eq!(started.collect::<Vec<u32>>(), [3, 4, 2, 1]);
    assert!(!driver.disk.contains_key("file 0"));
}

#[test]
fn a_client_that_never_closes_holds_no_slot_and_goes_in_the_end() {
    let settings = Settings { slots: 1, when_full: WhenFull::Busy, ..Settings::DEFAULT };
    let mut driver = server::<2>(settings);
    assert!(driver.open(0) && driver.open(1));
    driver.feed(0, &request("a/b"));
    driver.feed(1, &request("a/b"));
    assert_eq!(driver.written(1), download(b"content"));
    driver.pass(Settings::DEFAULT.close_timeout);
    assert!(driver.stream(0).aborted && driver.stream(1).aborted);
}

#[test]
fn an_upload_under_commit_outlives_its_stream_and_its_number() {
    let mut driver = server::<2>(Settings { slots: 1, ..Settings::DEFAULT });
    assert!(driver.open(0));
    driver.is_slow = true;
    driver.feed(0, &upload("new", b"xyz"));
    driver.answer();
    driver.close(0, Closed::Broken);
    assert_eq!((driver.machine.sessions(), driver.machine.transfers()), (1, 1));
    assert!(driver.open(0), "the number of the stream is free");
    driver.feed(0, &request("a/b"));
    assert_eq!(driver.machine.waiting(), 1);
    driver.answer();
    assert_eq!(driver.released, [FileId(0)]);
    assert!(driver.written(0).is_empty(), "the confirmation is not for the new stream");
    driver.answer();
    assert_eq!(driver.written(0), download(b"content"));
    let done = Event::Ended {
        stream: StreamId(0),
        file: FileId(0),
        direction: Direction::Upload,
        outcome: Outcome::Done,
    };
    assert_eq!(driver.events[1], done);
    assert_eq!(driver.machine.counters().uploads, 1);
    driver.close(0, Closed::Done);
    assert_eq!((driver.machine.sessions(), driver.machine.transfers()), (0, 0));
}

#[test]
fn a_commit_that_fails_after_its_stream_has_gone_is_accounted_for() {
    let mut driver = server::<1>(Settings::DEFAULT);
    assert!(driver.open(0));
    driver.is_slow = true;
    driver.faults.commit = Some(Fault::NoSpace);
    driver.feed(0, &upload("new", b"xyz"));
    driver.answer();
    driver.close(0, Closed::Broken);
    assert!(!driver.open(0), "its session is still there, and there is but one");
    driver.answer();
    assert!(matches!(driver.events[1], Event::Ended { outcome: Outcome::Failed(Fault::NoSpace), .. }));
    assert_eq!((driver.machine.sessions(), driver.files_in_use()), (0, 0));
    assert!(driver.open(0));
}

#[test]
fn a_stream_that_closes_while_its_file_is_opened_lets_it_go_after_the_answer() {
    for whole in [request("a/b"), upload("new", b"xyz")] {
        let mut driver = server::<1>(Settings::DEFAULT);
        assert!(driver.open(0));
        driver.is_slow = true;
        driver.feed(0, &whole);
        driver.close(0, Closed::Broken);
        assert_eq!((driver.files_in_use(), driver.machine.sessions(), driver.machine.transfers()), (1, 1, 1));
        driver.answer();
        assert_eq!((driver.files_in_use(), driver.machine.sessions(), driver.machine.transfers()), (0, 0, 0));
        assert!(driver.events.is_empty());
    }
}

#[test]
fn a_server_of_one_stream_turns_a_second_one_away() {
    let mut driver = server::<1>(Settings::DEFAULT);
    assert!(driver.open(0));
    assert!(!driver.open(1));
    driver.close(0, Closed::Broken);
    assert!(!driver.open(1), "the number is not below the bound");
    assert!(driver.open(0));
    assert_eq!(driver.machine.counters().turned_away, 2);
}

#[test]
fn a_session_takes_a_few_hundred_bytes_and_a_server_fits_in_a_static() {
    static SERVER: std::sync::Mutex<Fixed<1>> =
        std::sync::Mutex::new(Server::new(Settings::DEFAULT, heapless::Vec::new()));
    assert_eq!(SERVER.lock().unwrap().sessions(), 0);
    assert!(size_of::<Named<Session>>() <= 400, "{}", size_of::<Named<Session>>());
}
