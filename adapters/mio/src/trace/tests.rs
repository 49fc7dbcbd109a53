//! What is written can be read.

use super::{Event, Happened, Metrics, Space, Writer, read};
use skep_core::{
    Instant,
    rdt::trace::{Cause, Controlled, Happened as Noted, Phase, Why},
};

fn written(notes: &[(u64, Noted)]) -> Vec<Event> {
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file, "a \"test\"").unwrap();
    for (micros, happened) in notes {
        writer.note(Instant::from_micros(*micros), happened);
    }
    writer.finish().unwrap();
    read(file.as_slice()).unwrap().events
}

#[test]
fn a_segment_is_sent_lost_and_sent_again() {
    let sent = |transmission, why| Noted::Sent { transmission, segment: 3, length: 900, why };
    let events = written(&[
        (5_000, Noted::Opened { segment: 1000, window: 64 }),
        (6_000, sent(4, Why::New)),
        (26_500, Noted::Lost { transmission: 4, segment: 3, cause: Cause::Overtaken }),
        (26_500, sent(9, Why::Repeat)),
    ]);
    let sent = |number| Happened::Sent {
        number,
        space: Space::Application,
        content: Some((3000, 900)),
        length: 900,
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
    let events = written(&[(0, Noted::Opened { segment: 1000, window: 64 }), (0, Noted::Controlled(state))]);
    let metrics =
        Metrics { window: Some(10_000), in_flight: Some(4_000), rate: Some(8_000.0), ..Metrics::default() };
    assert_eq!(events, [Event { seconds: 0.0, happened: Happened::Metrics(metrics) }]);
}
