//! What leaves before anything is heard.

use super::*;
use crate::rdt::control::Congestion;

const DATAGRAM: u64 = 1_480;
const FLIGHT: u32 = 768;

fn model(now: Instant, round_trip: u32) -> Model {
    Model::new(&Start {
        now,
        window: 8_192,
        datagram: DATAGRAM as u32,
        round_trip,
        expected: 0,
        congestion: Congestion::Model,
        rate: 0,
        first_flight: FLIGHT,
    })
}

/// Sends what it allows now.
fn send(model: &mut Model, now: Instant, sent: &mut u32) {
    while *sent < FLIGHT {
        let count = model.allowance(now);
        if count == 0 {
            break;
        }
        *sent += count;
        model.sent(now, count, *sent, *sent);
    }
}

#[test]
fn the_first_flight_is_spread_when_the_round_trip_is_known_before_it() {
    let now = Instant::from_micros(1_000_000);
    let mut model = model(now, 20_000);
    assert_eq!(model.window(), FLIGHT);
    let mut sent = 0;
    send(&mut model, now, &mut sent);
    assert!(sent <= 64, "{sent} at once");
    assert!(model.resumes() > now);
}

#[test]
fn what_leaves_on_a_long_path_before_anything_is_heard_fits_a_queue_before_100_mbit_s() {
    for round_trip in [30_000, 40_000, 60_000, 100_000] {
        let mut model = model(Instant::ZERO, round_trip);
        let mut sent = 0;
        for micros in (0..round_trip).step_by(100) {
            send(&mut model, Instant::from_micros(micros.into()), &mut sent);
            let queued =
                (u64::from(sent) * DATAGRAM).saturating_sub(u64::from(micros) * 12_500_000 / 1_000_000);
            assert!(queued < 256_000, "{queued} bytes after {micros} of {round_trip} us");
        }
        assert!(sent >= FLIGHT / 4, "{sent} of {round_trip} us");
    }
}
