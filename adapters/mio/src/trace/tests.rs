//! What is written can be read.

use super::{Event, Happened, Metrics, Space, Start, Writer, read};
use serde_json::{Value, json};
use skep_core::{
    Instant,
    rdt::trace::{Cause, Controlled, Happened as Noted, Phase, Signal, Why},
    wire::rdt::Map,
};
use std::time::{Duration, SystemTime};

fn start() -> Start {
    Start { own: Instant::from_micros(0), wall: SystemTime::UNIX_EPOCH + Duration::from_millis(1_500) }
}

fn text(notes: &[(u64, Noted)]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file, "a \"test\"", start()).unwrap();
    for (micros, happened) in notes {
        writer.note(Instant::from_micros(*micros), happened);
    }
    writer.finish().unwrap();
    file
}

fn written(notes: &[(u64, Noted)]) -> Vec<Event> {
    read(text(notes).as_slice()).unwrap().events
}

fn records(notes: &[(u64, Noted)]) -> Vec<Value> {
    let text = text(notes);
    let records = text.split(|byte| *byte == 0x1e).skip(1);
    records.map(|record| serde_json::from_slice(record).unwrap()).collect()
}

#[test]
fn a_segment_is_sent_lost_and_sent_again() {
    let sent = |transmission, why| Noted::Sent { transmission, segment: 3, length: 900, why };
    let events = written(&[
        (5_000, Noted::Opened { segment: 1000, around: 17, window: 64 }),
        (6_000, sent(4, Why::New)),
        (26_500, Noted::Lost { transmission: 4, segment: 3, cause: Cause::Overtaken }),
        (26_500, sent(9, Why::Repeat)),
    ]);
    let sent = |number| Happened::Sent {
        number,
        space: Space::Application,
        content: Some((3000, 900)),
        length: 917,
    };
    assert_eq!(
        events,
        [
            Event { seconds: 0.001, happened: sent(4) },
            Event { seconds: 0.0215, happened: Happened::Lost { number: 4, space: Space::Application } },
            Event { seconds: 0.0215, happened: sent(9) },
        ]
    );
}

#[test]
fn one_acknowledgement_is_one_record_of_ranges() {
    let acknowledged = |transmission| (0, Noted::Acknowledged { transmission, segment: transmission });
    let events = written(&[
        acknowledged(7),
        acknowledged(8),
        acknowledged(11),
        (0, Noted::RoundTrip { latest: 2_500, smoothed: 3_000, deviation: 100 }),
    ]);
    let ranges = Happened::Received {
        space: Space::Application,
        content: None,
        length: 0,
        acknowledged: vec![(7, 8), (11, 11)],
    };
    let metrics = Metrics { latest_rtt: Some(2.5), smoothed_rtt: Some(3.0), ..Metrics::default() };
    let happened: Vec<_> = events.into_iter().map(|event| event.happened).collect();
    assert_eq!(happened, [ranges, Happened::Metrics(metrics)]);
}

#[test]
fn the_controller_is_told_in_bytes_and_bits() {
    let state = Controlled { window: 10, in_flight: 4, rate: 1_000, phase: Phase::Start };
    let events = written(&[
        (0, Noted::Opened { segment: 1000, around: 17, window: 64 }),
        (0, Noted::Controlled(state)),
    ]);
    let metrics =
        Metrics { window: Some(10_000), in_flight: Some(4_000), rate: Some(8_000.0), ..Metrics::default() };
    assert_eq!(events, [Event { seconds: 0.0, happened: Happened::Metrics(metrics) }]);
}

#[test]
fn what_is_sent_behind_the_call_has_its_place() {
    let events = written(&[
        (0, Noted::Called { segment: 1000, around: 17 }),
        (1, Noted::Sent { transmission: 2, segment: 1, length: 10, why: Why::New }),
    ]);
    let content = Some((1000, 10));
    let sent = Happened::Sent { number: 2, space: Space::Application, content, length: 27 };
    assert_eq!(events[0].happened, sent);
}

#[test]
fn what_arrives_has_the_place_of_its_segment_each_time() {
    let (transmission, segment, length) = (9, 3, 900);
    let events = written(&[
        (0, Noted::Opened { segment: 1000, around: 17, window: 64 }),
        (1, Noted::Received { transmission, segment, length }),
        (2, Noted::Duplicate { transmission: 12, segment, length }),
    ]);
    let content = Some((3000, 900));
    let received =
        Happened::Received { space: Space::Application, content, length: 917, acknowledged: Vec::new() };
    assert!(events.len() == 2 && events.iter().all(|event| event.happened == received), "{events:?}");
}

#[test]
fn an_acknowledgement_that_is_sent_tells_of_all_that_its_map_has() {
    let told = |top, map| Noted::AckSent { top, map, next: 3, limit: 9 };
    let records = records(&[
        (0, told(300, Map([0b1011, 0, 0, 1 << 63]))),
        // Nothing has number 0.
        (0, told(2, Map([0b11, 0, 0, 0]))),
        (0, told(0, Map::default())),
    ]);
    let ranges = |record: &Value| record["data"]["frames"][0]["acked_ranges"].clone();
    assert_eq!(ranges(&records[1]), json!([[44, 44], [296, 296], [298, 300]]));
    assert_eq!(ranges(&records[2]), json!([[1, 2]]));
    assert_eq!(ranges(&records[3]), json!([]));
}

#[test]
fn a_trace_says_when_it_began_and_what_went_out_besides_content() {
    let sent = |why| Noted::Sent { transmission: 1, segment: 0, length: 9, why };
    let records = records(&[
        (2_000, Noted::Signalled { signal: Signal::Open, length: 1200 }),
        (2_000, sent(Why::Copy)),
        (2_000, sent(Why::Probe)),
    ]);
    assert_eq!(records[0]["trace"]["common_fields"]["reference_time"], 1500.0);
    assert_eq!(
        records[1],
        json!({ "time": 2.0, "name": "transport:packet_sent", "data": {
            "header": { "packet_type": "initial" },
            "raw": { "length": 1200 },
            "frames": [{ "frame_type": "open" }],
        } })
    );
    assert_eq!(records[2]["data"].get("trigger"), None);
    assert_eq!(records[3]["data"]["trigger"], "pto_probe");
}

#[test]
fn what_is_not_known_of_the_controller_is_not_told() {
    let state = Controlled { window: 10, in_flight: 0, rate: 0, phase: Phase::Start };
    let records = records(&[(0, Noted::Controlled(state))]);
    assert_eq!(records[1]["data"], json!({ "bytes_in_flight": 0 }));
}

#[test]
fn what_is_told_after_the_end_is_not_written() {
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file, "", start()).unwrap();
    writer.note(Instant::ZERO, &Noted::Acknowledged { transmission: 7, segment: 7 });
    writer.finish().unwrap();
    writer.note(Instant::ZERO, &Noted::TimedOut { tries: 1 });
    writer.finish().unwrap();
    let events = read(file.as_slice()).unwrap().events;
    let acknowledged = vec![(7, 7)];
    let received = Happened::Received { space: Space::Application, content: None, length: 0, acknowledged };
    assert_eq!(events, [Event { seconds: 0.0, happened: received }]);
}
