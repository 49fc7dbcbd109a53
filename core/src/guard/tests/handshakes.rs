//! The half-open table: who gets a place, for how long, and who has to make room.

use super::*;

/// Fills the table with clients that proved their addresses and never answer.
fn fill_proven<const S: usize, const B: usize>(guard: &mut Guard<S, B>, now: Instant, first: u32) {
    for number in first..first + S as u32 {
        let client = Client::number(number);
        let cookie = client.cookie(guard, now);
        assert!(enter(guard, now, &client.packet_with(&cookie)).is_some());
    }
}

#[test]
fn case_22_a_first_packet_replayed_a_thousand_times_costs_one_key_agreement() {
    let mut guard: Host = guard();
    let packet = Client::number(1).packet();
    let slot = enter(&mut guard, at(0), &packet).unwrap().slot;
    for replay in 0..fewer(999, 20) {
        guard.turn();
        assert_eq!(guard.first(at(replay), &packet), Verdict::Repeat(slot));
    }
    assert_eq!((guard.counters().agreements, guard.half_open()), (1, 1));
}

#[test]
fn case_23_a_retransmitted_first_packet_finds_its_slot_and_takes_no_other() {
    let mut guard: Host = guard();
    let clients = [1, 2, 3].map(Client::number);
    let slots = clients.map(|client| enter(&mut guard, at(0), &client.packet()).unwrap().slot);
    for (client, slot) in clients.into_iter().zip(slots) {
        // Whether it comes with a cookie by now or not, under load or not, in this turn or not.
        assert_eq!(guard.first(at(250), &client.packet()), Verdict::Repeat(slot));
        guard.late(at(250));
        assert_eq!(guard.first(at(750), &client.packet()), Verdict::Repeat(slot));
        assert_eq!(guard.first(at(750), &client.packet_with(&[0; 16])), Verdict::Repeat(slot));
    }
    let counters = guard.counters();
    assert_eq!((counters.agreements, counters.repeats, guard.half_open()), (3, 9, 3));
}

#[test]
fn case_23_a_key_agreement_that_ran_twice_all_the_same_takes_one_slot() {
    let mut guard: Host = guard();
    let packet = Client::number(1).packet();
    let (Verdict::Proceed(one), Verdict::Proceed(other)) =
        (guard.first(at(0), &packet), guard.first(at(0), &packet))
    else {
        panic!()
    };
    assert!(guard.answered(at(0), one).is_some());
    assert_eq!(guard.answered(at(0), other), None);
    assert_eq!(guard.half_open(), 1);
}

#[test]
fn a_key_agreement_that_failed_takes_no_slot_and_without_a_cookie_no_token() {
    let mut guard: Host = guard();
    let client = Client::number(1);
    for _ in 0..90 {
        guard.turn();
        assert!(matches!(guard.first(at(0), &client.packet()), Verdict::Proceed(_)));
    }
    assert_eq!(guard.half_open(), 0);
    let cookie = client.cookie(&mut guard, at(0));
    assert!(enter(&mut guard, at(0), &client.packet_with(&cookie)).is_some());
}

#[test]
fn case_34_a_client_that_says_no_more_loses_its_slot_after_three_seconds() {
    let mut guard: Host = guard();
    let packet = Client::number(1).packet();
    let slot = enter(&mut guard, at(0), &packet).unwrap().slot;
    assert_eq!(guard.next_deadline(), Some(at(3_000)));
    // It asks again: the answer was lost, and it is to have its time for the next one.
    assert_eq!(guard.first(at(2_999), &packet), Verdict::Repeat(slot));
    assert_eq!(guard.expired(at(5_998)), None);
    assert_eq!(guard.expired(at(5_999)), Some(slot));
    assert_eq!(guard.expired(at(5_999)), None);
    assert_eq!((guard.half_open(), guard.next_deadline(), guard.counters().expired), (0, None, 1));
    assert!(!guard.may_send(slot, 1));
    assert!(!guard.confirmed(slot));
}

#[test]
fn case_34_slots_that_nobody_collected_do_not_keep_clients_out() {
    let mut guard: Guard<4, 16> = guard();
    fill_proven(&mut guard, at(0), 0);
    let client = Client::number(9);
    let answered = enter(&mut guard, at(10_000), &client.packet());
    assert_eq!(answered, None, "four are still in the table: that is a load");
    let cookie = client.cookie(&mut guard, at(10_000));
    assert!(enter(&mut guard, at(10_000), &client.packet_with(&cookie)).unwrap().displaced);
}

#[test]
fn a_confirmed_handshake_leaves_its_slot_to_the_next() {
    let mut guard: Guard<1, 1> = guard();
    for number in 0..10 {
        let answered = enter(&mut guard, at(0), &Client::number(number).packet()).unwrap();
        assert!(!answered.displaced);
        assert!(guard.confirmed(answered.slot));
        assert!(!guard.confirmed(answered.slot));
    }
    assert_eq!(guard.counters().confirmed, 10);
}

#[test]
fn in_a_table_of_one_a_proven_client_takes_the_place_of_one_that_is_not() {
    let mut guard: Guard<1, 1> = guard();
    let (silent, honest) = (Client::number(1), Client::number(2));
    let slot = enter(&mut guard, at(0), &silent.packet()).unwrap().slot;
    let Verdict::Challenge(cookie) = guard.first(at(1), &honest.packet()) else { panic!() };
    assert_eq!(
        enter(&mut guard, at(51), &honest.packet_with(&cookie)),
        Some(Answered { slot, displaced: true })
    );
    assert_eq!((guard.half_open(), guard.counters().displaced), (1, 1));
    assert!(matches!(guard.first(at(52), &honest.packet()), Verdict::Repeat(_)));
}

#[test]
fn a_client_without_a_cookie_displaces_nobody() {
    let mut guard: Guard<1, 1> = guard();
    let (early, late) = (Client::number(1), Client::number(2));
    let (Verdict::Proceed(one), Verdict::Proceed(other)) =
        (guard.first(at(0), &early.packet()), guard.first(at(0), &late.packet()))
    else {
        panic!()
    };
    assert!(guard.answered(at(0), one).is_some());
    assert_eq!(guard.answered(at(0), other), None);
    assert_eq!(guard.counters().table_full, 1);
    assert!(matches!(guard.first(at(1), &early.packet()), Verdict::Repeat(_)));
}

#[test]
fn the_oldest_unproven_entry_goes_first_and_then_the_oldest_proven_one() {
    let mut guard: Guard<3, 64> = guard();
    let cookies = [0, 1, 2, 3, 4].map(|number| Client::number(number).cookie(&mut guard, at(0)));
    let proven = |guard: &mut Guard<3, 64>, number: u32, now| {
        enter(guard, at(now), &Client::number(number).packet_with(&cookies[number as usize]))
    };
    let first = proven(&mut guard, 0, 0).unwrap().slot;
    // Not under load any more: two that need no cookie, let through while nothing was half-open.
    let permits = [10, 11].map(|number| Permit {
        fingerprint: number,
        client: 0,
        prefix: 0,
        length: 113,
        proven: false,
    });
    let [older, younger] = permits.map(|permit| {
        let now = at(permit.fingerprint);
        guard.answered(now, permit).unwrap().slot
    });
    let take = |slot| Some(Answered { slot, displaced: true });
    assert_eq!(proven(&mut guard, 1, 100), take(older));
    assert_eq!(proven(&mut guard, 2, 110), take(younger));
    // All are proven; the oldest one has a quarter of a second to finish.
    assert_eq!(proven(&mut guard, 3, 249), None);
    assert_eq!(proven(&mut guard, 3, 250), take(first));
    assert_eq!(proven(&mut guard, 4, 300), None);
    assert_eq!(guard.counters().table_full, 2);
}

#[test]
fn a_client_that_begins_anew_takes_its_own_place_and_nobody_else_s() {
    let mut guard: Guard<2, 64> = guard();
    let (quick, slow) = (Client::number(1), Client::number(2));
    let cookies = [quick, slow].map(|client| client.cookie(&mut guard, at(0)));
    let mut come = |client: Client, cookie, attempt, now| {
        let packet = FirstPacket { attempt: [attempt; 8], ..client.packet_with(cookie) };
        enter(&mut guard, at(now), &packet).map(|answered| answered.slot.number())
    };
    assert_eq!(come(slow, &cookies[1], 0, 0), Some(0));
    assert_eq!(come(quick, &cookies[0], 0, 1), Some(1));
    // One is the oldest, and has had its quarter of a second; the other calls again and again.
    for attempt in 1..9 {
        assert_eq!(come(quick, &cookies[0], attempt, 300 + u64::from(attempt)), Some(1));
    }
}

#[test]
fn a_newcomer_takes_a_place_of_the_prefix_that_has_the_most() {
    let mut guard: Guard<3, 64> = guard();
    let crowd = |host: u8| Client { from: SocketAddr::from(([10, 0, 0, host], 4_000)), id: [host; 8] };
    let mut come = |client: Client, now| {
        let cookie = client.cookie(&mut guard, at(now));
        enter(&mut guard, at(now), &client.packet_with(&cookie)).map(|answered| answered.slot.number())
    };
    assert_eq!(come(Client::number(1), 0), Some(0));
    assert_eq!(come(crowd(1), 1), Some(1));
    assert_eq!(come(crowd(2), 2), Some(2));
    // All are young: another of the crowd finds no place, a stranger finds that of its oldest.
    assert_eq!(come(crowd(3), 3), None);
    assert_eq!(come(Client::number(2), 4), Some(1));
    // Now no prefix has two, and all have a quarter of a second.
    assert_eq!(come(Client::number(3), 5), None);
    assert_eq!(come(Client::number(3), 250), Some(0));
}

#[test]
fn of_two_crowded_prefixes_the_one_with_more_loses_a_place() {
    let mut guard: Guard<5, 64> = guard();
    let of =
        |prefix, host: u8| Client { from: SocketAddr::from(([10, 0, prefix, host], 4_000)), id: [host; 8] };
    for (now, (prefix, host)) in [(1, 0), (1, 1), (2, 2), (2, 3), (2, 4)].into_iter().enumerate() {
        let client = of(prefix, host);
        let cookie = client.cookie(&mut guard, at(now as u64));
        assert!(enter(&mut guard, at(now as u64), &client.packet_with(&cookie)).is_some());
    }
    let cookie = of(3, 5).cookie(&mut guard, at(5));
    let answered = enter(&mut guard, at(5), &of(3, 5).packet_with(&cookie)).unwrap();
    assert_eq!((answered.slot.number(), answered.displaced), (2, true));
}

#[test]
fn an_address_that_is_not_proven_is_sent_no_more_than_came_from_it() {
    let mut guard: Host = guard();
    let packet = Client::number(1).packet();
    let slot = enter(&mut guard, at(0), &packet).unwrap().slot;
    assert!(guard.may_send(slot, 113) && !guard.may_send(slot, 114));
    guard.sent(slot, 113);
    assert!(!guard.may_send(slot, 1));
    assert_eq!(guard.first(at(250), &packet), Verdict::Repeat(slot));
    assert!(guard.may_send(slot, 113) && !guard.may_send(slot, 114));
}

#[test]
fn a_device_runs_one_key_agreement_a_turn() {
    let mut guard: Guard<DEVICE_SLOTS, DEVICE_BUCKETS> = Guard::new(Settings::DEVICE, [7; 32]);
    let [one, other] = [1, 2].map(|number| Client::number(number).packet());
    assert!(matches!(guard.first(at(0), &one), Verdict::Proceed(_)));
    assert_eq!(guard.first(at(0), &other), Verdict::Drop(Reason::Busy));
    guard.turn();
    assert!(matches!(guard.first(at(0), &other), Verdict::Proceed(_)));
    assert_eq!(guard.counters().busy, 1);
}

#[test]
fn a_setting_of_no_key_agreement_means_one() {
    let mut guard: Guard<1, 1> = Guard::new(Settings { agreements_per_turn: 0, calm_rate: 100 }, [7; 32]);
    assert!(matches!(guard.first(at(0), &Client::number(1).packet()), Verdict::Proceed(_)));
}

#[test]
fn a_clock_that_jumps_ahead_expires_everything_and_locks_nobody_out() {
    let mut guard: Guard<4, 16> = guard();
    fill_proven(&mut guard, at(0), 0);
    let day = 24 * 3_600_000;
    assert!(!guard.is_under_load(at(day)));
    assert_eq!(std::iter::from_fn(|| guard.expired(at(day))).count(), 4);
    assert!(enter(&mut guard, at(day), &Client::number(9).packet()).is_some());
    assert_eq!(
        guard.first(Instant::FAR, &Client::number(9).packet_with(&[0; 16])),
        Verdict::Drop(Reason::BadCookie)
    );
}

#[test]
fn a_clock_that_is_set_back_locks_nobody_out_either() {
    let mut guard: Guard<4, 16> = guard();
    let day = 24 * 3_600_000;
    fill_proven(&mut guard, at(day), 0);
    assert!(!guard.is_under_load(at(0)));
    assert_eq!(std::iter::from_fn(|| guard.expired(at(0))).count(), 4);
    assert!(enter(&mut guard, at(0), &Client::number(9).packet()).is_some());
    let client = Client::number(8);
    let cookie = client.cookie(&mut guard, at(10));
    assert!(enter(&mut guard, at(10), &client.packet_with(&cookie)).is_some());
}
