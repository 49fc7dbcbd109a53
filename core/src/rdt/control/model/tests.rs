//! What leaves before anything is heard, and what a round shows.

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

/// A first flight over 40 ms, of which two hundred are heard of, eight at a time, each so many microseconds behind the one
/// before it.
fn hear_of_a_flight(interval: u64, round_trip_of: impl Fn(u64) -> u64) -> Model {
    let mut model = model(Instant::ZERO, 40_000);
    let mut sent = 0;
    for micros in (0..40_000).step_by(100) {
        send(&mut model, Instant::from_micros(micros), &mut sent);
    }
    for top in (8..=200).step_by(8) {
        let now = Instant::from_micros(40_000 + u64::from(top) * interval);
        send(&mut model, now, &mut sent);
        let round_trip = round_trip_of(u64::from(top)) as u32;
        let news = News { acknowledged: 8, lost: 0, in_flight: sent - top, top, next: sent + 1, round_trip };
        model.acknowledged(now, &news);
    }
    model
}

#[test]
fn what_goes_ahead_on_a_long_path_tells_its_rate() {
    // At 12.5 MB/s every datagram comes 118 us behind the one before it, and left 10 us behind that.
    let interval = DATAGRAM * 1_000_000 / 12_500_000;
    let model = hear_of_a_flight(interval, |top| 40_000 + top * (interval - 10));
    assert_ne!(model.phase, Phase::Start);
    assert!((11_000_000..14_000_000).contains(&model.rate()), "{}", model.rate());
}

#[test]
fn what_comes_as_fast_as_it_left_was_not_spread_however_slow_that_is() {
    let model = hear_of_a_flight(118, |_| 40_000);
    assert_eq!(model.phase, Phase::Start);
}

#[test]
fn a_long_path_of_100_mbit_s_has_let_go_most_of_the_queue_when_the_first_flight_has_left() {
    let mut model = model(Instant::ZERO, 100_000);
    let (mut sent, mut queued, mut micros) = (0, 0, 0);
    while sent < FLIGHT {
        let before = sent;
        send(&mut model, Instant::from_micros(micros), &mut sent);
        queued = (queued + u64::from(sent - before) * DATAGRAM).saturating_sub(1_250);
        micros += 100;
    }
    assert!(queued < 256_000 / 3, "{queued} bytes after {micros} us");
}

/// A round of so many that were sent at `now`, on a path of this round trip in microseconds: so many of them are lost.
fn round(model: &mut Model, (sent, newest): (u32, &mut u32), lost: u32, now: Instant, round_trip: u32) {
    model.sent(now, sent, *newest + sent, sent);
    *newest += sent;
    let (top, next) = (*newest, *newest + 1);
    let heard = now.plus_micros(round_trip.into());
    let half = (sent - lost) / 2;
    let news = News { acknowledged: half, lost: 0, in_flight: sent - half, top: top - 1, next, round_trip };
    model.acknowledged(heard, &news);
    let rest = sent - lost - half;
    let heard = heard.plus_micros(u64::from(sent) * DATAGRAM * 1_000_000 / 12_500_000);
    model.acknowledged(heard, &News { acknowledged: rest, lost, in_flight: 0, top, next, round_trip });
}

#[test]
fn a_first_flight_that_a_gap_swallows_is_begun_again_and_says_nothing_of_the_rate() {
    let mut model = model(Instant::from_micros(1_000_000), 100_000);
    let mut newest = 0;
    let mut now = Instant::from_micros(1_000_000);
    round(&mut model, (400, &mut newest), 390, now, 100_000);
    assert_eq!(model.phase, Phase::Start);
    // From what came through it grows again.
    for _ in 0..6 {
        now = now.plus_micros(150_000);
        let window = model.window();
        round(&mut model, (window, &mut newest), 0, now, 100_000);
    }
    assert!(model.window() > 64, "{}", model.window());
}

#[test]
fn a_queue_while_nothing_is_tried_makes_room_until_it_is_gone_and_then_the_share_counts() {
    let mut model = model(Instant::from_micros(1_000_000), 40_000);
    let (mut newest, mut now) = (0, Instant::from_micros(1_000_000));
    model.enter(Phase::Cruise);
    model.forget_rates(12_500_000);
    let mut cruise = |model: &mut Model, sent, round_trip| {
        now = now.plus_micros(60_000);
        round(model, (sent, &mut newest), 0, now, round_trip);
    };
    cruise(&mut model, 300, 40_000);
    let alone = model.pace;
    cruise(&mut model, 300, 55_000);
    cruise(&mut model, 300, 55_000);
    assert!(model.pace < alone / 8 * 7, "{} of {alone} with a queue", model.pace);
    cruise(&mut model, 200, 40_000);
    cruise(&mut model, 200, 40_000);
    assert!(model.queued == 0 && model.pace < alone, "{} of {alone} afterwards", model.pace);
    assert!(model.rounds < CALM_ROUNDS + 2, "a probe is as far away as at first");
}

#[test]
fn what_is_lost_of_whatever_is_sent_slows_down_once_and_is_noise_from_then_on() {
    let mut model = model(Instant::from_micros(1_000_000), 20_000);
    let (mut newest, mut now) = (0, Instant::from_micros(1_000_000));
    model.enter(Phase::Cruise);
    model.forget_rates(12_500_000);
    for sent in [174, 174, 174, 120, 120] {
        round(&mut model, (sent, &mut newest), sent / 10 * 3, now, 20_000);
        now = now.plus_micros(40_000);
    }
    let (rate, noise) = (model.rate(), model.noise);
    assert!(rate > 1_000_000 && noise > 250, "{rate} {noise}");
    for _ in 0..20 {
        round(&mut model, (120, &mut newest), 36, now, 20_000);
        now = now.plus_micros(40_000);
        assert_eq!(model.heavy, 0);
    }
    assert!(model.rate() >= rate / 4 * 3, "{} of {rate}", model.rate());
}

#[test]
fn rounds_of_few_tell_of_the_noise_together() {
    let mut model = model(Instant::from_micros(1_000_000), 20_000);
    let (mut newest, mut now) = (0, Instant::from_micros(1_000_000));
    model.enter(Phase::Cruise);
    model.forget_rates(250_000);
    for _ in 0..20 {
        round(&mut model, (10, &mut newest), 2, now, 20_000);
        now = now.plus_micros(40_000);
    }
    assert!((100..=205).contains(&model.noise), "{}", model.noise);
}
