//! How far a transfer is.
//!
//! On a terminal a bar that moves; elsewhere (a log, a pipe) a line now and then; and one at the end ([`Summary::tell`]).
//! All of it goes to standard error: standard output is for content.

mod bar;
mod lines;
mod recent;
mod summary;

use std::{
    io::{IsTerminal, Stderr, stderr},
    time::{Duration, Instant},
};

pub use summary::Summary;

use bar::Bar;
use lines::Lines;
use recent::Recent;

/// The least time between two looks at the display: a transfer may report each of a million packets.
const REDRAW: Duration = Duration::from_millis(100);

/// The display of one transfer. It vanishes with this, and makes room for what is to be told of the end.
#[derive(Debug)]
pub struct Progress {
    display: Display,
    total: Option<u64>,
    recent: Recent,
    started: Instant,
    redrawn: Instant,
}

#[derive(Debug)]
enum Display {
    Quiet,
    Bar(Bar),
    Lines(Lines<Stderr>),
}

impl Progress {
    /// Begins the display. `label` says what is moved; it may come from anywhere, it is shown escaped.
    pub fn new(quiet: bool, total: Option<u64>, label: &str) -> Self {
        let display = if quiet {
            Display::Quiet
        } else if is_terminal() {
            Display::Bar(Bar::new(total, label))
        } else {
            Display::Lines(Lines::new(stderr(), total, label))
        };
        let now = Instant::now();
        Self { display, total, recent: Recent::new(), started: now, redrawn: now }
    }

    /// The total became known.
    pub fn set_total(&mut self, total: u64) {
        self.total = Some(total);
        match &mut self.display {
            Display::Quiet => {}
            Display::Bar(bar) => bar.set_total(total),
            Display::Lines(lines) => lines.set_total(total),
        }
    }

    /// Tells how far it is: bytes of content in all, and packets sent again, where there are such. Cheap to call often.
    /// What came twice may be counted twice: no more is shown than there is.
    pub fn update(&mut self, bytes: u64, resent: Option<u64>) {
        if matches!(self.display, Display::Quiet) {
            return;
        }
        let now = Instant::now();
        if now.duration_since(self.redrawn) < REDRAW {
            return;
        }
        self.redrawn = now;
        let elapsed = now.duration_since(self.started);
        let bytes = self.total.map_or(bytes, |total| bytes.min(total));
        let pace = self.recent.pace(elapsed, bytes, self.total);
        match &mut self.display {
            Display::Quiet => {}
            Display::Bar(bar) => bar.update(bytes, &pace, resent),
            Display::Lines(lines) => lines.update(elapsed, bytes, &pace, resent),
        }
    }
}

/// Whether a bar can be drawn: what calls itself "dumb" cannot move its cursor.
fn is_terminal() -> bool {
    stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
