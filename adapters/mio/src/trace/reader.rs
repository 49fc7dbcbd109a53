//! Reading a trace.

use serde_json::Value;
use std::io::{self, BufRead};

/// What begins a record in a JSON text sequence.
const RECORD_SEPARATOR: u8 = 0x1e;

/// The longest record that is read, in bytes.
const RECORD_MAX: u64 = 1 << 20;

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Seconds since the first event.
    pub seconds: f64,
    /// What happened.
    pub happened: Happened,
}

/// What can happen, as far as it can be drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Happened {
    /// A packet was sent.
    Sent {
        /// Its number.
        number: u64,
        /// What the number counts.
        space: Space,
        /// The place of its content in the stream and the bytes of that, if it has any.
        content: Option<(u64, u64)>,
        /// Bytes of the packet.
        length: u64,
    },
    /// A packet arrived.
    Received {
        /// What the numbers count that it acknowledges.
        space: Space,
        /// The place of its content in the stream and the bytes of that, if it has any.
        content: Option<(u64, u64)>,
        /// Bytes of the packet.
        length: u64,
        /// What it acknowledges: ranges of numbers, first and last.
        acknowledged: Vec<(u64, u64)>,
    },
    /// A packet that was sent is taken for lost.
    Lost {
        /// Its number.
        number: u64,
        /// What the number counts.
        space: Space,
    },
    /// What the sender knows of the path has changed.
    Metrics(Metrics),
}

/// A packet number space (RFC 9000, section 12.3): in each, packets are counted from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Space {
    /// Of the first packets of a handshake.
    Initial,
    /// Of its later ones.
    Handshake,
    /// Of all others.
    #[default]
    Application,
}

impl Space {
    fn of(data: &Value) -> Self {
        match data.get("header").and_then(|header| header.get("packet_type")?.as_str()) {
            Some("initial") => Self::Initial,
            Some("handshake") => Self::Handshake,
            _ => Self::Application,
        }
    }
}

/// What a sender knows of the path. Times in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Metrics {
    /// The newest sample of the round-trip time.
    pub latest_rtt: Option<f64>,
    /// The smoothed round-trip time.
    pub smoothed_rtt: Option<f64>,
    /// Bytes that may be under way.
    pub window: Option<u64>,
    /// Bytes that are under way.
    pub in_flight: Option<u64>,
    /// Bits per second that the sender allows itself.
    pub rate: Option<f64>,
}

/// What a file has of a trace.
#[derive(Debug, Default)]
pub struct Trace {
    /// What happened, in the order of the file.
    pub events: Vec<Event>,
    /// How many records were left out, as they were cut off or damaged.
    pub bad: usize,
}

/// Reads a whole trace. Events that are not known are left out, and so is what is no record: whoever wrote it may have been
/// killed (RFC 7464, section 2.3).
///
/// # Errors
/// It cannot be read, or is none: the error says why.
pub fn read(mut from: impl BufRead) -> io::Result<Trace> {
    let (mut trace, mut clock) = (Trace::default(), Clock::default());
    let (mut is_trace, mut trouble) = (false, None);
    let mut record = Vec::new();
    for number in 1.. {
        if !next(&mut from, &mut record)? {
            break;
        }
        if record.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice::<Value>(&record) {
            Ok(value) if is_head(&value) => {
                is_trace = true;
                clock = Clock::of(&value);
            }
            Ok(value) => match event(&value, &mut clock) {
                Some(event) => {
                    is_trace = true;
                    trace.events.push(event);
                }
                None if is_trace => {}
                None => _ = trouble.get_or_insert((number, "a trace begins with qlog_format".to_owned())),
            },
            Err(error) => {
                trace.bad = trace.bad.saturating_add(1);
                trouble.get_or_insert((number, error.to_string()));
            }
        }
    }
    if is_trace {
        return Ok(trace);
    }
    let (number, reason) = trouble.unwrap_or((1, "it is empty".to_owned()));
    Err(io::Error::new(io::ErrorKind::InvalidData, format!("no trace: record {number}: {reason}")))
}

/// The next record; of one that is too long, the beginning, which is no JSON. `false`: there is none.
fn next(from: &mut impl BufRead, record: &mut Vec<u8>) -> io::Result<bool> {
    record.clear();
    let count = io::Read::take(&mut *from, RECORD_MAX).read_until(RECORD_SEPARATOR, record)?;
    if record.last() == Some(&RECORD_SEPARATOR) {
        record.pop();
    } else if count as u64 == RECORD_MAX {
        from.skip_until(RECORD_SEPARATOR)?;
    }
    Ok(count > 0)
}

fn is_head(value: &Value) -> bool {
    ["qlog_version", "qlog_format", "file_schema"].iter().any(|field| value.get(field).is_some())
}

/// What the times of a trace are counted from.
#[derive(Debug, Default)]
struct Clock {
    /// The time of the first event in milliseconds.
    first: Option<f64>,
    /// That of the event before, if each is counted from there.
    before: Option<f64>,
}

impl Clock {
    /// As the head of a trace says.
    fn of(head: &Value) -> Self {
        let format =
            head.get("trace").and_then(|trace| trace.get("common_fields")?.get("time_format")?.as_str());
        let is_from_event_to_event = matches!(format, Some("delta" | "relative_to_previous_event"));
        Self { first: None, before: is_from_event_to_event.then_some(0.0) }
    }

    /// The seconds from the first event to one with this time. Each event is asked for, once.
    fn seconds(&mut self, time: f64) -> f64 {
        let time = match &mut self.before {
            Some(before) => {
                *before += time;
                *before
            }
            None => time,
        };
        (time - *self.first.get_or_insert(time)) / 1e3
    }
}

fn event(value: &Value, clock: &mut Clock) -> Option<Event> {
    let seconds = clock.seconds(value.get("time")?.as_f64()?);
    let data = value.get("data")?;
    let happened = match value.get("name")?.as_str()? {
        "transport:packet_sent" | "quic:packet_sent" => Happened::Sent {
            number: number(data)?,
            space: Space::of(data),
            content: content(data),
            length: length(data),
        },
        "transport:packet_received" | "quic:packet_received" => Happened::Received {
            space: Space::of(data),
            content: content(data),
            length: length(data),
            acknowledged: acknowledged(data),
        },
        "recovery:packet_lost" | "quic:packet_lost" => {
            Happened::Lost { number: number(data)?, space: Space::of(data) }
        }
        "recovery:metrics_updated" | "quic:recovery_metrics_updated" => Happened::Metrics(metrics(data)),
        _ => return None,
    };
    Some(Event { seconds, happened })
}

fn number(data: &Value) -> Option<u64> {
    data.get("header")?.get("packet_number")?.as_u64()
}

fn length(data: &Value) -> u64 {
    data.get("raw").and_then(|raw| raw.get("length")?.as_u64()).unwrap_or(0)
}

fn frames<'v>(data: &'v Value, kind: &'static str) -> impl Iterator<Item = &'v Value> {
    let frames = data.get("frames").and_then(Value::as_array).into_iter().flatten();
    frames.filter(move |frame| frame.get("frame_type").and_then(Value::as_str) == Some(kind))
}

fn content(data: &Value) -> Option<(u64, u64)> {
    let frame = frames(data, "stream").next()?;
    let of_raw = || frame.get("raw")?.get("payload_length");
    let length = frame.get("length").or_else(of_raw)?;
    Some((frame.get("offset")?.as_u64()?, length.as_u64()?))
}

fn acknowledged(data: &Value) -> Vec<(u64, u64)> {
    let ranges = frames(data, "ack").filter_map(|frame| frame.get("acked_ranges")?.as_array()).flatten();
    ranges
        .filter_map(|range| {
            let range = range.as_array()?;
            Some((range.first()?.as_u64()?, range.last()?.as_u64()?))
        })
        .collect()
}

fn metrics(data: &Value) -> Metrics {
    let float = |name| data.get(name).and_then(Value::as_f64);
    let whole = |name| data.get(name).and_then(Value::as_u64);
    Metrics {
        latest_rtt: float("latest_rtt"),
        smoothed_rtt: float("smoothed_rtt"),
        window: whole("congestion_window"),
        in_flight: whole("bytes_in_flight"),
        rate: float("pacing_rate"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "\x1e{\"qlog_version\":\"0.3\",\"qlog_format\":\"JSON-SEQ\"}\n";

    fn events(records: &str) -> Vec<Event> {
        read(format!("{HEAD}{records}").as_bytes()).unwrap().events
    }

    #[test]
    fn events_count_their_time_from_the_first() {
        let read = events(
            "\x1e{\"time\":1000,\"name\":\"transport:packet_sent\",\"data\":{\"header\":{\"packet_number\":7},\
             \"raw\":{\"length\":1200},\"frames\":[{\"frame_type\":\"stream\",\"offset\":5,\"length\":9}]}}\n\
             \x1e{\"time\":1250.5,\"name\":\"recovery:packet_lost\",\"data\":{\"header\":{\"packet_number\":7}}}\n",
        );
        let space = Space::Application;
        let sent = Happened::Sent { number: 7, space, content: Some((5, 9)), length: 1200 };
        assert_eq!(read[0], Event { seconds: 0.0, happened: sent });
        assert_eq!(read[1], Event { seconds: 0.2505, happened: Happened::Lost { number: 7, space } });
    }

    #[test]
    fn acknowledgements_and_metrics_are_read() {
        let read = events(
            "\x1e{\"time\":0,\"name\":\"transport:packet_received\",\"data\":{\"frames\":[{\"frame_type\":\"ack\",\
             \"acked_ranges\":[[1,4],[6]]}]}}\n\
             \x1e{\"time\":1,\"name\":\"recovery:metrics_updated\",\"data\":{\"latest_rtt\":2.5,\"congestion_window\":9}}",
        );
        let space = Space::Application;
        let acknowledged = vec![(1, 4), (6, 6)];
        let received = Happened::Received { space, content: None, length: 0, acknowledged };
        assert_eq!(read[0].happened, received);
        let metrics = Metrics { latest_rtt: Some(2.5), window: Some(9), ..Metrics::default() };
        assert_eq!(read[1].happened, Happened::Metrics(metrics));
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        assert_eq!(events("\x1e{\"time\":0,\"name\":\"http:frame\",\"data\":{}}\n\x1e{\"odd\":1}\n"), []);
    }

    #[test]
    fn what_is_no_trace_is_an_error_that_says_where() {
        let error = |text: &str| read(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error(""), "no trace: record 1: it is empty");
        assert!(error("{\"time\":0}").contains("begins with qlog_format"));
        assert!(error(&HEAD[..HEAD.len() - 5]).starts_with("no trace: record 2: "));
    }

    const LOST: &str =
        "\x1e{\"time\":4,\"name\":\"quic:packet_lost\",\"data\":{\"header\":{\"packet_number\":7}}}\n";

    #[test]
    fn records_that_are_cut_off_or_damaged_are_left_out_and_counted() {
        let long = format!("\x1e{{\"time\":\"{}\"}}\n", "x".repeat(3 << 20));
        let text = format!("{HEAD}{LOST}\x1e{{half{LOST}\x1e\x1e\0\0{long}{LOST}");
        let trace = read(text.as_bytes()).unwrap();
        assert_eq!((trace.events.len(), trace.bad), (3, 3));
    }

    #[test]
    fn a_trace_may_end_anywhere_behind_its_first_record() {
        let text = format!("{HEAD}{LOST}{LOST}");
        for end in HEAD.len() - 1..text.len() {
            let trace = read(&text.as_bytes()[..end]).unwrap();
            assert!(trace.events.len() <= 2 && trace.bad <= 1, "{end}: {trace:?}");
        }
    }

    #[test]
    fn a_trace_whose_first_record_is_damaged_has_events() {
        let trace = read(format!("\x1e{{\"qlog{LOST}").as_bytes()).unwrap();
        assert_eq!((trace.events.len(), trace.bad), (1, 1));
    }

    #[test]
    fn names_and_times_of_later_drafts_are_read() {
        let head = "\x1e{\"file_schema\":\"urn:ietf:params:qlog:file:sequential\",\
            \"trace\":{\"common_fields\":{\"time_format\":\"relative_to_previous_event\"}}}\n";
        let packet = |name: &str, kind: &str| {
            format!(
                "\x1e{{\"time\":4,\"name\":\"quic:{name}\",\"data\":{{\
                 \"header\":{{\"packet_type\":\"{kind}\",\"packet_number\":7}},\
                 \"frames\":[{{\"frame_type\":\"stream\",\"offset\":5,\"raw\":{{\"payload_length\":9}}}}]}}}}\n"
            )
        };
        let text =
            [head, &packet("packet_sent", "initial"), &packet("other", ""), &packet("packet_lost", "0RTT")];
        let content = Some((5, 9));
        let sent = Happened::Sent { number: 7, space: Space::Initial, content, length: 0 };
        let lost = Happened::Lost { number: 7, space: Space::Application };
        let happened = [(0.0, sent), (0.008, lost)];
        let events = happened.map(|(seconds, happened)| Event { seconds, happened });
        assert_eq!(read(text.concat().as_bytes()).unwrap().events, events);
    }
}
