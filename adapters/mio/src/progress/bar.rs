//! A bar on a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::summary::resends;
use crate::escape::escape;

const KNOWN: &str = "{prefix} {bytes}/{total_bytes} [{wide_bar}] ETA {eta} {msg}";
const UNKNOWN: &str = "{prefix} {bytes} {spinner} {elapsed} {msg}";

/// Characters of the label that are shown beside the bar.
const LABEL_MAX: usize = 36;

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
            .with_prefix(shortened(&escape(label).to_string()));
        bar.set_style(style(if total.is_some() { KNOWN } else { UNKNOWN }));
        bar.tick();
        Self { bar, told: String::new() }
    }

    pub(super) fn set_total(&mut self, total: u64) {
        self.bar.set_length(total);
        self.bar.set_style(style(KNOWN));
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
fn shortened(label: &str) -> String {
    match label.char_indices().rev().nth(LABEL_MAX - 1) {
        Some((cut, _)) if cut > 0 => format!("…{}", &label[cut..]),
        _ => label.to_owned(),
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("=> ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_label_keeps_its_end() {
        assert_eq!(shortened("get a"), "get a");
        assert_eq!(shortened(&"ä".repeat(LABEL_MAX)), "ä".repeat(LABEL_MAX));
        assert_eq!(
            shortened(&format!("get {}/bee.jpg", "ä".repeat(60))),
            format!("…{}/bee.jpg", "ä".repeat(28))
        );
        assert_eq!(shortened(""), "");
    }

    #[test]
    fn the_templates_are_good() {
        for template in [KNOWN, UNKNOWN] {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }
}
