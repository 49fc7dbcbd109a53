//! Path requests (docs/protocol.md section 4), from both sides.

use super::{
    client::{PATIENCE, assert_over, downloading_by, is_given_up},
    download,
    driver::Driver,
    request,
    server::{Fixed, server},
};
use crate::{
    files::{Client, Dialect, Failure, Progress, Settings},
    limits::NAME_MAX,
    stream::{Closed, Fault},
    wire::{file::Code, path},
};
use core::time::Duration;

fn downloading(limit: u64) -> Driver<Client> {
    downloading_by(Dialect::Path, limit)
}

fn open_path(driver: &mut Driver<Fixed<4>>, stream: u32) {
    assert!(driver.open_by(stream, |machine, now, stream| machine.opened_as(now, stream, Dialect::Path)));
}

#[test]
fn a_path_is_asked_for_and_its_content_stored() {
    for content in [b"content".as_slice(), b"", b"Error: El", b"Error: El archivo no existe.", b"E"] {
        for chunk in [1, 100] {
            let mut driver = downloading(100);
            assert_eq!(driver.written(0), b"a/b");
            assert!(driver.stream(0).output_finished);
            content.chunks(chunk).for_each(|piece| driver.feed(0, piece));
            driver.finish(0);
            assert_eq!(driver.disk["a/b"], content);
            assert_over(&mut driver, Progress::Done { bytes: content.len() as u64 });
        }
    }
}

#[test]
fn a_path_that_comes_byte_by_byte_has_no_more_time_than_any_request() {
    let mut driver = server::<4>(Settings::DEFAULT);
    open_path(&mut driver, 0);
    let pauses = (Settings::DEFAULT.request_timeout.as_millis() / 900) as usize;
    for _ in 0..pauses {
        driver.feed(0, b"a");
        driver.pass(Duration::from_millis(900));
    }
    assert!(!driver.stream(0).aborted);
    driver.feed(0, b"a");
    driver.pass(Duration::from_millis(900));
    assert!(driver.stream(0).aborted && driver.written(0).is_empty());
    assert_eq!(driver.machine.counters().timed_out, 1);
}

#[test]
fn a_path_to_nothing_is_refused() {
    for chunk in [1, 100] {
        let mut driver = downloading(100);
        path::NOT_FOUND.chunks(chunk).for_each(|piece| driver.feed(0, piece));
        driver.finish(0);
        assert!(driver.disk.is_empty());
        assert_over(&mut driver, Progress::Refused(Code::NotFound));
    }
}

#[test]
fn a_path_to_nothing_is_refused_by_a_server_that_does_not_close_too() {
    let mut driver = downloading(100);
    driver.feed(0, path::NOT_FOUND);
    driver.pass(PATIENCE);
    assert!(driver.disk.is_empty() && driver.stream(0).aborted);
    assert_over(&mut driver, Progress::Refused(Code::NotFound));
}

#[test]
fn a_path_answered_by_more_than_is_accepted_fails_and_by_just_as_much_does_not() {
    for (limit, last) in [
        (6, Progress::Failed(Failure::TooLarge)),
        (7, Progress::Done { bytes: 7 }),
        (u64::MAX, Progress::Done { bytes: 7 }),
    ] {
        let mut driver = downloading(limit);
        driver.feed(0, b"content");
        driver.finish(0);
        assert_eq!(driver.disk.contains_key("a/b"), limit > 6);
        assert_over(&mut driver, last);
    }
}

#[test]
fn a_path_answered_by_nothing_is_an_empty_file_though_the_stream_closes_first() {
    let mut driver = downloading(9);
    driver.is_slow = true;
    driver.finish(0);
    driver.close(0, Closed::Done);
    driver.answer();
    driver.answer();
    assert_eq!(driver.disk["a/b"], b"");
    assert_over(&mut driver, Progress::Done { bytes: 0 });
}

#[test]
fn a_path_whose_answer_breaks_off_leaves_nothing() {
    for beginning in [b"".as_slice(), b"Error:", b"cont"] {
        let mut driver = downloading(9);
        driver.feed(0, beginning);
        driver.close(0, Closed::Broken);
        assert!(driver.disk.is_empty());
        assert_over(&mut driver, Progress::Failed(Failure::Closed));
    }
}

#[test]
fn a_server_that_falls_silent_is_given_up_in_time() {
    for beginning in [b"Error: ".as_slice(), b""] {
        is_given_up(downloading(6), beginning);
    }
}

#[test]
fn a_path_is_answered_by_the_bare_content_however_it_ends() {
    for (request, is_finished) in [("a/b\n", false), ("/a/b\r\n", false), ("a/b\0", false), ("//a/b", true)] {
        let mut driver = server::<4>(Settings::DEFAULT);
        open_path(&mut driver, 2);
        driver.feed(2, request.as_bytes());
        if is_finished {
            driver.finish(2);
        }
        assert_eq!(driver.written(2), b"content");
        assert!(driver.stream(2).output_finished);
    }
}

#[test]
fn a_path_that_nothing_ends_is_answered_after_a_pause() {
    let mut driver = server::<4>(Settings { path_pause: Duration::from_secs(1), ..Settings::DEFAULT });
    open_path(&mut driver, 0);
    for piece in [b"/a", b"/b"] {
        driver.pass(Duration::from_millis(999));
        driver.feed(0, piece);
    }
    driver.pass(Duration::from_millis(999));
    assert!(driver.written(0).is_empty());
    driver.pass(Duration::from_millis(1));
    assert_eq!(driver.written(0), b"content");
    // Who sends nothing at all has asked for nothing.
    open_path(&mut driver, 1);
    driver.pass(Settings::DEFAULT.request_timeout);
    assert!(driver.stream(1).aborted && driver.written(1).is_empty());
}

#[test]
fn a_path_to_nothing_is_answered_by_the_text() {
    let long = format!("{}\n", "x".repeat(NAME_MAX + 9));
    for request in ["none\n", "/\n", "../a\n", "\n", &long] {
        let mut driver = server::<4>(Settings::DEFAULT);
        open_path(&mut driver, 0);
        driver.feed(0, request.as_bytes());
        assert_eq!(driver.written(0), path::NOT_FOUND);
        assert!(driver.stream(0).output_finished);
        assert_eq!(driver.machine.counters().refused, 1);
    }
}

#[test]
fn an_empty_file_by_path_is_an_empty_answer_and_a_fault_an_abort() {
    let mut driver = server::<4>(Settings::DEFAULT);
    open_path(&mut driver, 0);
    driver.feed(0, b"empty\n");
    assert!(driver.written(0).is_empty() && driver.stream(0).output_finished);
    driver.faults.open = Some(Fault::Failed);
    open_path(&mut driver, 1);
    driver.feed(1, b"a/b\n");
    assert!(driver.written(1).is_empty() && driver.stream(1).aborted);
}

#[test]
fn both_dialects_are_served_at_once() {
    let mut driver = server::<4>(Settings::DEFAULT);
    open_path(&mut driver, 0);
    assert!(driver.open(1));
    driver.feed(0, b"a/");
    driver.feed(1, &request("a/b"));
    driver.feed(0, b"b\n");
    assert_eq!((driver.written(0), driver.written(1)), (b"content".to_vec(), download(b"content")));
}
