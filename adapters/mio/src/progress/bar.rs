//! A bar on a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::summary::resends;
use crate::escape::escape;

/// With the length known, and not.
const WIDE: [&str; 2] = [
    "{prefix} {bytes}/{total_bytes} [{wide_bar}] ETA {eta} {msg}",
    "{prefix} {bytes} {spinner} {elapsed} {msg}",
];
/// The same where there is no room for it: what does not fit into a line is left out, as it would be drawn below the
/// last one again and again.
const NARROW: [&str; 2] = ["{percent}% ETA {eta} {wide_msg}", "{bytes} {wide_msg}"];

/// Characters of the label that are shown beside the bar, where there is room for so many.
const LABEL_MAX: usize = 36;
const LABEL_MIN: usize = 12;
/// Columns for the rest, with a short bar.
const BESIDE: usize = 60;

/// Redraws a second at most.
const REDRAWS: u8 = 10;

#[derive(Debug)]
pub(super) struct Bar {
    bar: ProgressBar,
    told: String,
}

impl Bar {
    pub(super) fn new(total: Option<u64>, label: &str) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(REDRAWS))
            .with_prefix(shortened(&escape(label).to_string(), columns().saturating_sub(BESIDE)));
        bar.set_style(style(total.is_some()));
        bar.tick();
        Self { bar, told: String::new() }
    }

    pub(super) fn set_total(&mut self, total: u64) {
        self.bar.set_length(total);
        self.bar.set_style(style(true));
    }

    pub(super) fn update(&mut self, bytes: u64, pace: &str, resent: Option<u64>) {
        // Each call draws: only what is new.
        let told = format!("{pace}{}", resends(resent));
        if self.told != told {
            self.bar.set_message(told.clone());
            self.told = told;
        }
        self.bar.set_position(bytes);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The end of a label that would leave no room for the bar: the name of a file says more than its directory.
fn shortened(label: &str, room: usize) -> String {
    match label.char_indices().rev().nth(room.clamp(LABEL_MIN, LABEL_MAX) - 1) {
        Some((cut, _)) if cut > 0 => format!("…{}", &label[cut..]),
        _ => label.to_owned(),
    }
}

fn columns() -> usize {
    console::Term::stderr().size().1.into()
}

fn style(knows_total: bool) -> ProgressStyle {
    let templates = if columns() < LABEL_MIN + BESIDE { NARROW } else { WIDE };
    let template = templates[usize::from(!knows_total)];
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_label_keeps_its_end() {
        assert_eq!(shortened("get a", 0), "get a");
        assert_eq!(shortened(&"ä".repeat(LABEL_MAX), 200), "ä".repeat(LABEL_MAX));
        let long = format!("get {}/bee.jpg", "ä".repeat(60));
        assert_eq!(shortened(&long, 200), format!("…{}/bee.jpg", "ä".repeat(28)));
        assert_eq!(shortened(&long, 20), format!("…{}/bee.jpg", "ä".repeat(12)));
        assert_eq!(shortened(&long, 0), format!("…{}/bee.jpg", "ä".repeat(4)));
        assert_eq!(shortened("", 20), "");
    }

    #[test]
    fn the_templates_are_good() {
        for template in [WIDE, NARROW].concat() {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }
}
