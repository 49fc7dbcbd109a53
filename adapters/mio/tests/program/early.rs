//! Segments of known peers that come before their turn: what was acknowledged is never sent again, so it must be kept.

use std::{io::Write, time::Duration};

use crate::support::{CONFIRM, Home, Known, connect, together, upload};

/// Longer than a server waits for a request that has come in part.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn an_empty_first_segment_may_come_last() {
    let home = Home::new();
    let server = home.serve("");
    let mut known = Known::connect(server.at("rdt"));
    known.send_segment(2, b"abc");
    known.send_segment(1, &upload(3, b"file"));
    known.send_segment(0, b"");
    assert_eq!(known.receive(1, PATIENCE).as_deref(), Some(&CONFIRM[..]));
    assert_eq!(home.read("shared/file"), b"abc");
}

#[test]
fn content_that_came_before_its_request_waits_with_it_for_a_slot() {
    together([false, true], |finishes| {
        let home = Home::new();
        let server = home.serve("--slots 1 --wait");
        let mut first = connect(server.at("tcp"));
        first.write_all(&[&upload(2, b"first")[..], b"a"].concat()).unwrap();
        home.wait_for_part("shared");
        let mut known = Known::connect(server.at("rdt"));
        known.send_segment(2, b"cd");
        known.send_segment(1, b"ab");
        known.send_segment(0, &upload(4, b"second"));
        if finishes {
            known.finish();
        }
        first.write_all(b"b").unwrap();
        assert_eq!(known.receive(1, PATIENCE).as_deref(), Some(&CONFIRM[..]));
        assert_eq!(home.read("shared/second"), b"abcd");
    });
}

#[test]
fn content_for_nobody_is_taken_all_the_same() {
    let home = Home::new();
    let server = home.serve("--max-upload 1");
    let mut known = Known::connect(server.at("rdt"));
    for number in (1..20).rev() {
        known.send_segment(number, &[b'x'; 1000]);
    }
    known.send_segment(0, &upload(1 << 20, b"large"));
    for number in 20..30 {
        known.send_segment(number, &[b'x'; 1000]);
    }
    assert_eq!(known.receive(2, PATIENCE).as_deref(), Some(&[4, 3][..]));
    known.finish();
}
