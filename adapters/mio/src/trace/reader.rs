//! Reading a trace.

use serde_json::Value;
use std::io::{self, BufRead};

/// What begins a record in a JSON text sequence.
const RECORD_SEPARATOR: u8 = 0x1e;

/// The longest record that is read, in bytes.
const RECORD_MAX: usize = 1 << 20;

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
        /// The place of its content in the stream and the bytes of that, if it has any.
        content: Option<(u64, u64)>,
        /// Bytes of the packet.
        length: u64,
    },
    /// A packet arrived.
    Received {
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
    },
    /// What the sender knows of the path has changed.
    Metrics(Metrics),
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

/// Reads a whole trace. Events that are not known are left out.
///
/// # Errors
/// It cannot be read, or is none: the error says in which record.
pub fn read(mut from: impl BufRead) -> io::Result<Vec<Event>> {
    let (mut events, mut first, mut is_trace) = (Vec::new(), None, false);
    let mut record = Vec::new();
    for number in 1.. {
        record.clear();
        let limited = &mut io::Read::take(&mut from, RECORD_MAX as u64);
        if limited.read_until(RECORD_SEPARATOR, &mut record)? == 0 {
            break;
        }
        let text = record.strip_suffix(&[RECORD_SEPARATOR]).unwrap_or(&record);
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let value: Value =
            serde_json::from_slice(text).map_err(|error| no_trace(number, &error.to_string()))?;
        if value.get("qlog_version").is_some() || value.get("qlog_format").is_some() {
            is_trace = true;
        } else if !is_trace {
            return Err(no_trace(number, "a trace begins with qlog_format"));
        } else if let Some(event) = event(&value, &mut first) {
            events.push(event);
        }
    }
    if is_trace { Ok(events) } else { Err(no_trace(1, "it is empty")) }
}

fn no_trace(record: usize, reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("no trace: record {record}: {reason}"))
}

fn event(value: &Value, first: &mut Option<f64>) -> Option<Event> {
    let time = value.get("time")?.as_f64()?;
    let seconds = (time - *first.get_or_insert(time)) / 1e3;
    let data = value.get("data")?;
    let happened = match value.get("name")?.as_str()? {
        "transport:packet_sent" => {
            Happened::Sent { number: number(data)?, content: content(data), length: length(data) }
        }
        "transport:packet_received" => Happened::Received {
            content: content(data),
            length: length(data),
            acknowledged: acknowledged(data),
        },
        "recovery:packet_lost" => Happened::Lost { number: number(data)? },
        "recovery:metrics_updated" => Happened::Metrics(metrics(data)),
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
    Some((frame.get("offset")?.as_u64()?, frame.get("length")?.as_u64()?))
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
        read(format!("{HEAD}{records}").as_bytes()).unwrap()
    }

    #[test]
    fn events_count_their_time_from_the_first() {
        let read = events(
            "\x1e{\"time\":1000,\"name\":\"transport:packet_sent\",\"data\":{\"header\":{\"packet_number\":7},\
             \"raw\":{\"length\":1200},\"frames\":[{\"frame_type\":\"stream\",\"offset\":5,\"length\":9}]}}\n\
             \x1e{\"time\":1250.5,\"name\":\"recovery:packet_lost\",\"data\":{\"header\":{\"packet_number\":7}}}\n",
        );
        let sent = Happened::Sent { number: 7, content: Some((5, 9)), length: 1200 };
        assert_eq!(read[0], Event { seconds: 0.0, happened: sent });
        assert_eq!(read[1], Event { seconds: 0.2505, happened: Happened::Lost { number: 7 } });
    }

    #[test]
    fn acknowledgements_and_metrics_are_read() {
        let read = events(
            "\x1e{\"time\":0,\"name\":\"transport:packet_received\",\"data\":{\"frames\":[{\"frame_type\":\"ack\",\
             \"acked_ranges\":[[1,4],[6]]}]}}\n\
             \x1e{\"time\":1,\"name\":\"recovery:metrics_updated\",\"data\":{\"latest_rtt\":2.5,\"congestion_window\":9}}",
        );
        let received = Happened::Received { content: None, length: 0, acknowledged: vec![(1, 4), (6, 6)] };
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
        assert!(error(&format!("{HEAD}\x1e{{half")).starts_with("no trace: record 3: "));
    }
}
