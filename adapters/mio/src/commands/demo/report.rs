//! What happened, as a table or as lines of JSON.

use super::Mode;
use crate::{args::Demo, commands::output::print, exit::Failure, progress::Summary};
use indicatif::HumanBytes;
use skep_core::rdt::Statistics;
use std::{fmt::Display, time::Duration};

/// How one transfer went.
pub(super) struct Row {
    pub(super) bytes: u64,
    pub(super) elapsed: Duration,
    /// The sender's, at its end.
    pub(super) statistics: Option<Statistics>,
    pub(super) lost: u64,
    pub(super) equal: bool,
}

/// Prints a line as soon as there is one.
pub(super) struct Report {
    json: bool,
}

impl Report {
    /// # Errors
    /// It cannot be written.
    pub(super) fn begin(demo: &Demo) -> Result<Self, Failure> {
        if !demo.json {
            let (size, delay) = (HumanBytes(demo.size), demo.delay.as_secs_f64() * 1e3);
            let Demo { loss, seed, .. } = demo;
            say(&format_args!(
                "{size} through a relay: delay {delay} ms and loss {loss} % each way, seed {seed}\n"
            ))?;
            let titles = ["window", "time", "rate", "sent", "resent", "lost", "round trip", "content"];
            say(&line("", "mode", &titles.map(str::to_owned)))?;
        }
        Ok(Self { json: demo.json })
    }

    /// # Errors
    /// It cannot be written.
    pub(super) fn add(&self, mode: &Mode, row: &Row) -> Result<(), Failure> {
        let counters = row.statistics.map(|statistics| statistics.counters).unwrap_or_default();
        let round_trip = row.statistics.and_then(|statistics| statistics.round_trip).unwrap_or_default();
        let Row { bytes, elapsed, lost, equal, .. } = *row;
        let rate = Summary { bytes, elapsed, resent: None }.rate();
        let (sent, resent) = (counters.sent, counters.resent);
        let Mode { name, legacy, window } = *mode;
        if self.json {
            let (seconds, round_trip) = (elapsed.as_secs_f64(), round_trip.as_secs_f64());
            return say(&format_args!(
                r#"{{"mode":"{name}","legacy":{legacy},"window":{window},"bytes":{bytes},"seconds":{seconds:.6},"rate":{rate},"sent":{sent},"resent":{resent},"lost":{lost},"round_trip":{round_trip:.6},"equal":{equal}}}"#
            ));
        }
        say(&line(
            if legacy { ", legacy" } else { "" },
            name,
            &[
                window.to_string(),
                format!("{:.3} s", elapsed.as_secs_f64()),
                format!("{}/s", HumanBytes(rate)),
                sent.to_string(),
                resent.to_string(),
                lost.to_string(),
                format!("{:.2} ms", round_trip.as_secs_f64() * 1e3),
                if equal { "equal" } else { "DIFFERS" }.to_owned(),
            ],
        ))
    }
}

fn line(
    suffix: &str,
    name: &str,
    [window, time, rate, sent, resent, lost, trip, content]: &[String; 8],
) -> String {
    let mode = format!("{name}{suffix}");
    format!(
        "{mode:<24} {window:>6} {time:>9} {rate:>14} {sent:>6} {resent:>6} {lost:>5} {trip:>10}  {content}"
    )
}

fn say(line: &dyn Display) -> Result<(), Failure> {
    print(format_args!("{line}\n"))
}
