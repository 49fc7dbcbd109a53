//! Writing a trace.

use serde_json::{Value, json};
use skep_core::{
    Instant,
    rdt::trace::{Cause, Controlled, Happened, Phase, Why},
    wire::rdt::Own,
};
use std::{
    fs::File,
    io::{self, BufWriter, Write},
    mem,
    path::Path,
};

/// A trace that is being written.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    first: Option<Instant>,
    /// Bytes of content in a full segment.
    segment: u64,
    /// Ranges of transmissions that one acknowledgement has told of, as far as was noted.
    acknowledged: Vec<(u32, u32)>,
    phase: Option<Phase>,
    /// The trace is not worth the transfer: after the first error nothing more is written.
    failed: bool,
}

impl Writer<BufWriter<File>> {
    /// Begins a trace in this file, of which `title` says what it is about. A file that is there is replaced.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn create(file: &Path, title: &str) -> io::Result<Self> {
        Self::new(BufWriter::new(File::create(file)?), title)
    }
}

impl<W: Write> Writer<W> {
    /// Begins a trace.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(out: W, title: &str) -> io::Result<Self> {
        let mut writer =
            Self { out, first: None, segment: 0, acknowledged: Vec::new(), phase: None, failed: false };
        writer.record(&json!({
            "qlog_version": "0.3",
            "qlog_format": "JSON-SEQ",
            "title": title,
            "trace": {
                "vantage_point": { "name": "skep", "type": "client" },
                "common_fields": { "time_format": "relative", "reference_time": 0, "protocol_type": ["RDT"] },
            },
        }))?;
        Ok(writer)
    }

    /// Writes down what happened.
    pub fn note(&mut self, now: Instant, happened: &Happened) {
        if let Happened::Acknowledged { transmission, .. } = *happened {
            return self.gather(transmission);
        }
        if !self.acknowledged.is_empty() {
            let ranges: Vec<_> = mem::take(&mut self.acknowledged);
            let frames = json!([{ "frame_type": "ack", "acked_ranges": ranges }]);
            self.event(now, "transport:packet_received", &json!({ "frames": frames }));
        }
        match *happened {
            Happened::Acknowledged { .. } => {}
            Happened::Opened { segment, window } => {
                self.segment = segment.into();
                let data = json!({ "owner": "remote", "segment": segment, "window": window });
                self.event(now, "transport:parameters_set", &data);
            }
            Happened::Sent { transmission, segment, length, why } => {
                let mut data = self.packet(transmission, Some(segment), length);
                match why {
                    Why::New => {}
                    Why::Repeat => data["trigger"] = "retransmit_reordered".into(),
                    Why::Probe => data["trigger"] = "pto_probe".into(),
                }
                self.event(now, "transport:packet_sent", &data);
            }
            Happened::Received { transmission, length } => {
                let data = self.packet(transmission, None, length);
                self.event(now, "transport:packet_received", &data);
            }
            Happened::Skipped { transmission } => {
                self.event(now, "rdt:number_skipped", &json!({ "packet_number": transmission }));
            }
            Happened::Lost { transmission, cause, .. } => {
                let trigger = match cause {
                    Cause::Overtaken => "reordering_threshold",
                    Cause::Late => "time_threshold",
                    Cause::Silence => "pto_expired",
                };
                let data = json!({ "header": { "packet_number": transmission }, "trigger": trigger });
                self.event(now, "recovery:packet_lost", &data);
            }
            Happened::Spurious { transmission, .. } => {
                self.event(now, "rdt:spurious_loss", &json!({ "packet_number": transmission }));
            }
            Happened::TimedOut { tries } => {
                let data = json!({ "event_type": "expired", "timer_type": "pto", "tries": tries });
                self.event(now, "recovery:loss_timer_updated", &data);
            }
            Happened::RoundTrip { latest, smoothed, deviation } => {
                let milliseconds = |micros: u32| f64::from(micros) / 1e3;
                let data = json!({
                    "latest_rtt": milliseconds(latest),
                    "smoothed_rtt": milliseconds(smoothed),
                    "rtt_variance": milliseconds(deviation),
                });
                self.event(now, "recovery:metrics_updated", &data);
            }
            Happened::Width { is_narrow } => {
                let new = if is_narrow { 1_200 } else { self.segment + Own::DATA_HEADER as u64 };
                self.event(now, "connectivity:mtu_updated", &json!({ "new": new }));
            }
            Happened::Controlled(state) => self.controlled(now, &state),
            Happened::Heard { next, limit } => {
                self.event(now, "rdt:heard", &json!({ "next": next, "limit": limit }));
            }
            Happened::Told { top, next, limit } => {
                let frame = json!({ "frame_type": "ack", "acked_ranges": [[top, top]], "next": next, "limit": limit });
                self.event(now, "transport:packet_sent", &json!({ "header": {}, "frames": [frame] }));
            }
        }
    }

    /// Writes what is still held back.
    ///
    /// # Errors
    /// That, or something before, could not be written.
    pub fn finish(&mut self) -> io::Result<()> {
        self.out.flush()?;
        if self.failed { Err(io::Error::other("a part of it could not be written")) } else { Ok(()) }
    }

    /// An acknowledgement tells of many transmissions, one after the other.
    fn gather(&mut self, transmission: u32) {
        match self.acknowledged.last_mut() {
            Some((_, last)) if last.wrapping_add(1) == transmission => *last = transmission,
            _ => self.acknowledged.push((transmission, transmission)),
        }
    }

    fn packet(&self, transmission: u32, segment: Option<u32>, length: u16) -> Value {
        let place = segment.unwrap_or(transmission);
        json!({
            "header": { "packet_type": "1RTT", "packet_number": transmission },
            "raw": { "length": length },
            "frames": [{
                "frame_type": "stream",
                "stream_id": 0,
                "offset": u64::from(place) * self.segment,
                "length": length,
            }],
        })
    }

    fn controlled(&mut self, now: Instant, state: &Controlled) {
        let bytes = |segments: u32| u64::from(segments) * self.segment;
        let mut data =
            json!({ "congestion_window": bytes(state.window), "bytes_in_flight": bytes(state.in_flight) });
        if state.rate > 0 {
            data["pacing_rate"] = state.rate.saturating_mul(8).into();
        }
        self.event(now, "recovery:metrics_updated", &data);
        if self.phase.replace(state.phase) != Some(state.phase) {
            let name = match state.phase {
                Phase::Fixed => "fixed",
                Phase::Start => "startup",
                Phase::Drain => "drain",
                Phase::Cruise => "cruise",
                Phase::Probe => "probe",
                Phase::Recover => "recovery",
            };
            self.event(now, "recovery:congestion_state_updated", &json!({ "new": name }));
        }
    }

    fn event(&mut self, now: Instant, name: &str, data: &Value) {
        let first = *self.first.get_or_insert(now);
        let time = now.since(first).as_micros() as f64 / 1e3;
        if self.record(&json!({ "time": time, "name": name, "data": data })).is_err() {
            self.failed = true;
        }
    }

    fn record(&mut self, value: &Value) -> io::Result<()> {
        if self.failed {
            return Ok(());
        }
        self.out.write_all(b"\x1e")?;
        serde_json::to_writer(&mut self.out, value)?;
        self.out.write_all(b"\n")
    }
}
