//! The goodput of every window over every link, loss and round trip, in virtual time: to the byte what `goodput.txt`
//! says. A change of it is a change of the algorithm, and is to be looked at:
//!
//! ```text
//! SKEP_WRITE_TABLE=1 cargo test -p skep-tests table:: && git diff tests/tests/scenarios/goodput.txt
//! ```

use skep_core::{Span, rdt::control::Congestion};
use skep_tests::{Link, Scenario, Way};
use std::{fmt::Write as _, time::Duration};

const MIB: usize = 1 << 20;
/// What the table of the smallest windows counts in.
const SEGMENT: u16 = 1_456;

/// The median of so many downloads, in kB/s.
fn goodput(downloads: u64, link: &Link, size: usize, window: u32, congestion: Congestion) -> u64 {
    let mut rates: Vec<_> = (1..=downloads)
        .map(|seed| {
            let scenario = Scenario::new(Way::Download, size).own(window, SEGMENT).but(|it| {
                it.server.congestion = congestion;
                it.server.tries = 200;
                it.server.idle = Span::from_secs(600);
                it.client.idle = Span::from_secs(600);
            });
            let report = scenario.run(link.network(seed)).expect_done();
            size as u64 * 1_000 / report.elapsed().as_micros() as u64
        })
        .collect();
    rates.sort_unstable();
    rates[rates.len() / 2]
}

/// A download loses a handful of datagrams, give or take as many: it takes some of them to tell the median.
fn windows(text: &mut String) {
    let _ = writeln!(text, "# Fixed windows, 1 MiB, kB/s: links b to f of docs/performance.md\n");
    let _ = writeln!(text, "{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}", "window", "b", "c", "d", "e", "f");
    for window in [1, 2, 4, 8, 16, 32, 64] {
        let _ = write!(text, "{window:>8}");
        for link in [Link::B, Link::C, Link::D, Link::E, Link::F] {
            let _ = write!(text, "{:>8}", goodput(21, &link, MIB, window, Congestion::Constant));
        }
        let _ = writeln!(text);
    }
}

fn controllers(text: &mut String) {
    let losses = [0, 1, 10, 50, 100];
    for (name, congestion) in
        [("model", Congestion::Model), ("cubic", Congestion::Cubic), ("reno", Congestion::Reno)]
    {
        let _ = writeln!(
            text,
            "\n# The {name}, window 8,192, 16 MiB, 100 Mbit/s, 256 kB queue, kB/s: round trip in ms, loss in ‰\n"
        );
        let _ = write!(text, "{:>8}", "ms");
        for loss in losses {
            let _ = write!(text, "{loss:>8}");
        }
        let _ = writeln!(text);
        for millis in [2, 20, 100, 300] {
            let _ = write!(text, "{millis:>8}");
            for loss in losses {
                let delay = Duration::from_millis(millis) / 2;
                let link = Link { delay, loss, rate: 12_500_000, queue: 256_000, ..Link::E };
                // With chance alone to blame for it, what TCP does takes minutes of virtual time for the whole.
                let size = if loss > 0 && congestion != Congestion::Model { MIB } else { 16 * MIB };
                let _ = write!(text, "{:>8}", goodput(3, &link, size, 8_192, congestion));
            }
            let _ = writeln!(text);
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes hours")]
fn the_table_of_goodput_is_the_one_that_is_written_down() {
    let mut text = String::new();
    windows(&mut text);
    controllers(&mut text);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/goodput.txt");
    if std::env::var_os("SKEP_WRITE_TABLE").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(path).unwrap_or_default();
    for (number, (line, golden)) in text.lines().zip(golden.lines()).enumerate() {
        assert_eq!(line, golden, "line {}: see the head of this test", number + 1);
    }
    assert_eq!(text, golden);
}
