//! Writing a trace.

use serde_json::{Value, json};
use skep_core::{
    Instant,
    rdt::trace::{Cause, Controlled, Happened, Phase, Signal, Why},
    wire::rdt::Map,
};
use std::{
    fs::File,
    io::{self, BufWriter, Write},
    mem,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

/// The beginning of a trace: the same moment twice.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// By the clock of what is traced.
    pub own: Instant,
    /// By the clock on the wall, to which captures of the network can be joined.
    pub wall: SystemTime,
}

/// A trace that is being written.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    /// What times count from.
    start: Instant,
    /// The time of the newest event.
    newest: Instant,
    /// Bytes of content in a full segment; 0 before anything is known of that.
    segment: u64,
    /// Bytes around the content of a packet.
    around: u64,
    /// Ranges of transmissions that one acknowledgement has told of, as far as was noted.
    acknowledged: Vec<(u32, u32)>,
    phase: Option<Phase>,
    /// The trace is not worth the transfer: after the first error nothing more is written, nor after the end.
    is_over: bool,
    has_failed: bool,
}

impl Writer<BufWriter<File>> {
    /// Begins a trace in this file, of which `title` says what it is about. A file that is there is replaced.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn create(file: &Path, title: &str, start: Start) -> io::Result<Self> {
        Self::new(BufWriter::new(File::create(file)?), title, start)
    }
}

impl<W: Write> Writer<W> {
    /// Begins a trace.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(out: W, title: &str, start: Start) -> io::Result<Self> {
        let mut writer = Self {
            out,
            start: start.own,
            newest: start.own,
            segment: 0,
            around: 0,
            acknowledged: Vec::new(),
            phase: None,
            is_over: false,
            has_failed: false,
        };
        let wall = start.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        writer.record(&json!({
            "qlog_version": "0.3",
            "qlog_format": "JSON-SEQ",
            "title": title,
            "trace": {
                "vantage_point": { "name": "skep", "type": "client" },
                "common_fields": {
                    "time_format": "relative",
                    "reference_time": wall.as_micros() as f64 / 1e3,
                    "protocol_type": ["RDT"],
                },
            },
        }))?;
        Ok(writer)
    }

    /// Writes down what happened.
    pub fn note(&mut self, now: Instant, happened: &Happened) {
        if let Happened::Acknowledged { transmission, .. } = *happened {
            return self.gather(transmission);
        }
        self.settle(now);
        match *happened {
            Happened::Acknowledged { .. } => {}
            Happened::Called { segment, around } => {
                (self.segment, self.around) = (segment.into(), around.into());
            }
            Happened::Opened { segment, around, window } => {
                (self.segment, self.around) = (segment.into(), around.into());
                let data = json!({ "owner": "remote", "segment": segment, "window": window });
                self.event(now, "transport:parameters_set", &data);
            }
            Happened::Sent { transmission, segment, length, why } => {
                let mut data = self.packet(transmission, segment, length);
                match why {
                    Why::New | Why::Copy => {}
                    Why::Repeat => data["trigger"] = "retransmit_reordered".into(),
                    Why::Probe => data["trigger"] = "pto_probe".into(),
                }
                self.event(now, "transport:packet_sent", &data);
            }
            Happened::Received { transmission, segment, length }
            | Happened::Duplicate { transmission, segment, length } => {
                let data = self.packet(transmission, segment, length);
                self.event(now, "transport:packet_received", &data);
            }
            Happened::Signalled { signal, length } => {
                self.event(now, "transport:packet_sent", &signalled(signal, length));
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
                let data = json!({ "header": header(transmission), "trigger": trigger });
                self.event(now, "recovery:packet_lost", &data);
            }
            Happened::Spurious { transmission, .. } => {
                self.gather(transmission);
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
            Happened::PathMtu { is_narrow } => {
                let new = if is_narrow { 1_200 } else { self.segment + self.around };
                self.event(now, "connectivity:mtu_updated", &json!({ "new": new }));
            }
            Happened::Controlled(state) => self.controlled(now, &state),
            Happened::AckReceived { next, limit } => {
                self.event(now, "rdt:heard", &json!({ "next": next, "limit": limit }));
            }
            Happened::AckSent { top, map, next, limit } => {
                let ranges = ranges(top, &map);
                let frame =
                    json!({ "frame_type": "ack", "acked_ranges": ranges, "next": next, "limit": limit });
                self.event(
                    now,
                    "transport:packet_sent",
                    &json!({ "header": { "packet_type": "1RTT" }, "frames": [frame] }),
                );
            }
        }
    }

    /// Writes what is still held back. Nothing that is told later is written.
    ///
    /// # Errors
    /// That, or something before, could not be written.
    pub fn finish(&mut self) -> io::Result<()> {
        self.settle(self.newest);
        self.is_over = true;
        self.out.flush()?;
        if self.has_failed { Err(io::Error::other("a part of it could not be written")) } else { Ok(()) }
    }

    /// An acknowledgement tells of many transmissions, one after the other.
    fn gather(&mut self, transmission: u32) {
        match self.acknowledged.last_mut() {
            Some((_, last)) if last.wrapping_add(1) == transmission => *last = transmission,
            _ => self.acknowledged.push((transmission, transmission)),
        }
    }

    /// The acknowledgement is told of to its end.
    fn settle(&mut self, now: Instant) {
        if !self.acknowledged.is_empty() {
            let ranges = mem::take(&mut self.acknowledged);
            let frames = json!([{ "frame_type": "ack", "acked_ranges": ranges }]);
            let data = json!({ "header": { "packet_type": "1RTT" }, "frames": frames });
            self.event(now, "transport:packet_received", &data);
        }
    }

    fn packet(&self, transmission: u32, segment: u32, length: u16) -> Value {
        json!({
            "header": header(transmission),
            "raw": { "length": self.around + u64::from(length), "payload_length": length },
            "frames": [{
                "frame_type": "stream",
                "stream_id": 0,
                "offset": u64::from(segment) * self.segment,
                "length": length,
            }],
        })
    }

    fn controlled(&mut self, now: Instant, state: &Controlled) {
        let bytes = |segments: u32| u64::from(segments) * self.segment;
        let mut data = json!({ "bytes_in_flight": bytes(state.in_flight) });
        let window = bytes(state.window);
        if window > 0 {
            data["congestion_window"] = window.into();
        }
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
        self.newest = now;
        let time = now.since(self.start).as_micros() as f64 / 1e3;
        if self.record(&json!({ "time": time, "name": name, "data": data })).is_err() {
            (self.is_over, self.has_failed) = (true, true);
        }
    }

    fn record(&mut self, value: &Value) -> io::Result<()> {
        if self.is_over {
            return Ok(());
        }
        self.out.write_all(b"\x1e")?;
        serde_json::to_writer(&mut self.out, value)?;
        self.out.write_all(b"\n")
    }
}

fn header(transmission: u32) -> Value {
    json!({ "packet_type": "1RTT", "packet_number": transmission })
}

/// A packet without a number, which has no content and acknowledges nothing.
fn signalled(signal: Signal, length: u16) -> Value {
    let (packet, frame) = match signal {
        Signal::Open => ("initial", "open"),
        Signal::Accept => ("initial", "accept"),
        Signal::Ping => ("1RTT", "ping"),
        Signal::Fin => ("1RTT", "fin"),
        Signal::FinAck => ("1RTT", "fin_ack"),
        Signal::Reset => ("1RTT", "reset"),
    };
    json!({
        "header": { "packet_type": packet },
        "raw": { "length": length },
        "frames": [{ "frame_type": frame }],
    })
}

/// The transmissions that an acknowledgement tells of, first and last of each run. They count from 1.
fn ranges(top: u32, map: &Map) -> Vec<(u32, u32)> {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for distance in (0..=Map::SPAN as u32).rev() {
        let Some(transmission @ 1..) = top.checked_sub(distance) else { continue };
        if distance > 0 && !map.contains(distance.into()) {
            continue;
        }
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == transmission => *last = transmission,
            _ => ranges.push((transmission, transmission)),
        }
    }
    ranges
}
