//! Who is asked for a cookie, and whose cookie is good.

use super::*;

fn is_refused<const S: usize, const B: usize>(
    guard: &mut Guard<S, B>,
    now: Instant,
    packet: &FirstPacket<'_>,
) {
    let before = guard.counters();
    assert_eq!(guard.first(now, packet), Verdict::Drop(Reason::BadCookie));
    let after = guard.counters();
    assert_eq!(after.bad_cookies, before.bad_cookies + 1);
    assert_eq!((after.challenges, after.agreements), (before.challenges, before.agreements));
}

#[test]
fn a_guard_that_is_not_under_load_asks_for_no_cookie() {
    let mut guard: Host = guard();
    assert!(matches!(guard.first(at(0), &Client::number(1).packet()), Verdict::Proceed(_)));
    assert_eq!(guard.counters().challenges, 0);
}

#[test]
fn a_cookie_proves_the_address_that_it_was_sent_to() {
    let mut guard: Host = guard();
    let client = Client::number(1);
    let cookie = client.cookie(&mut guard, at(0));
    let Verdict::Proceed(permit) = guard.first(at(50), &client.packet_with(&cookie)) else { panic!() };
    assert!(permit.is_proven());
    let slot = guard.answered(at(50), permit).unwrap().slot;
    assert!(guard.may_send(slot, 1_000_000));
}

#[test]
fn case_21_a_challenge_replayed_from_another_address_is_refused() {
    let mut guard: Host = guard();
    let client = Client::number(1);
    let cookie = client.cookie(&mut guard, at(0));
    for from in ["0.0.1.2:4000", "0.0.2.1:4000", "[::1]:4000", "[::ffff:0.0.1.2]:4000"] {
        let thief = Client { from: from.parse().unwrap(), ..client };
        is_refused(&mut guard, at(1), &thief.packet_with(&cookie));
    }
}

#[test]
fn case_21_a_challenge_replayed_from_another_port_is_refused() {
    let mut guard: Host = guard();
    let client = Client::number(1);
    let cookie = client.cookie(&mut guard, at(0));
    let from = SocketAddr::new(client.from.ip(), client.from.port() + 1);
    is_refused(&mut guard, at(1), &Client { from, ..client }.packet_with(&cookie));
}

#[test]
fn case_21_a_challenge_replayed_for_another_client_id_is_refused() {
    let mut guard: Host = guard();
    let client = Client::number(1);
    let cookie = client.cookie(&mut guard, at(0));
    for bit in (0..64).step_by(fewer(1, 9)) {
        let id = (u64::from_be_bytes(client.id) ^ 1 << bit).to_be_bytes();
        is_refused(&mut guard, at(1), &Client { id, ..client }.packet_with(&cookie));
    }
}

#[test]
fn case_21_a_cookie_with_any_other_bit_is_refused() {
    let mut guard: Host = guard();
    let client = Client::number(1);
    let cookie = client.cookie(&mut guard, at(0));
    for bit in (0..128).step_by(fewer(1, 17)) {
        let other = (u128::from_le_bytes(cookie) ^ 1 << bit).to_le_bytes();
        is_refused(&mut guard, at(1), &client.packet_with(&other));
    }
}

#[test]
fn case_21_an_expired_challenge_is_refused() {
    let mut guard: Host = guard();
    let client = Client::number(1);
    // Made at the very end of an epoch, and at its very beginning.
    for (made, last) in [(15_999, 31_999), (32_000, 63_999)] {
        let cookie = client.cookie(&mut guard, at(made));
        assert!(matches!(guard.first(at(last), &client.packet_with(&cookie)), Verdict::Proceed(_)));
        for epochs in [0, 1, 2, 3, 1_000] {
            is_refused(&mut guard, at(last + 1 + epochs * 16_000), &client.packet_with(&cookie));
        }
    }
}

#[test]
fn case_21_a_challenge_dated_in_the_future_is_refused() {
    let client = Client::number(1);
    let mut ahead: Host = guard();
    for epochs in [1, 2, 3, 1_000] {
        // The same seed, and so what an attacker would have to forge.
        let cookie = client.cookie(&mut ahead, at(16_000 * epochs));
        let mut guard: Host = guard();
        is_refused(&mut guard, at(0), &client.packet_with(&cookie));
    }
}

#[test]
fn case_21_a_challenge_of_another_start_is_refused() {
    let client = Client::number(1);
    let mut before: Host = Guard::new(Settings::HOST, [8; 32]);
    let cookie = client.cookie(&mut before, at(0));
    is_refused(&mut guard::<64, 1_024>(), at(0), &client.packet_with(&cookie));
}

#[test]
fn a_bad_cookie_is_dropped_without_load_too() {
    is_refused(&mut guard::<64, 1_024>(), at(0), &Client::number(1).packet_with(&[0; 16]));
}

#[test]
fn an_address_of_ipv4_is_the_same_when_it_is_reported_as_a_mapped_one() {
    let mut guard: Host = guard();
    let client = Client { from: "192.0.2.1:4000".parse().unwrap(), id: [1; 8] };
    let mapped = Client { from: "[::ffff:192.0.2.1]:4000".parse().unwrap(), ..client };
    let cookie = client.cookie(&mut guard, at(0));
    assert!(matches!(guard.first(at(1), &mapped.packet_with(&cookie)), Verdict::Proceed(_)));
}

#[test]
fn a_quarter_of_the_table_is_a_load() {
    let mut guard: Host = guard();
    for number in 0..16 {
        assert!(enter(&mut guard, at(0), &Client::number(number).packet()).is_some());
    }
    assert!(matches!(guard.first(at(0), &Client::number(16).packet()), Verdict::Challenge(_)));
}

#[test]
fn more_than_a_hundred_first_packets_a_second_are_a_load() {
    let mut guard: Host = guard();
    let packet = Client::number(1).packet();
    for number in 0..250 {
        // 100 in every second.
        drop(guard.first(at(number * 10), &packet));
        assert!(!guard.is_under_load(at(number * 10)));
    }
    drop(guard.first(at(2_499), &packet));
    (0..50).for_each(|_| drop(guard.first(at(2_500), &packet)));
    assert!(guard.is_under_load(at(2_500)));
}

#[test]
fn first_packets_from_before_the_clock_was_set_back_do_not_count() {
    let mut guard: Host = guard();
    let packet = Client::number(1).packet();
    (0..60).for_each(|_| drop(guard.first(at(3_600_000), &packet)));
    (0..60).for_each(|_| drop(guard.first(at(0), &packet)));
    assert!(!guard.is_under_load(at(0)));
}

#[test]
fn a_load_lasts_five_seconds_after_its_last_reason() {
    let mut guard: Host = guard();
    guard.late(at(0));
    guard.late(at(3_000));
    assert!(guard.is_under_load(at(7_999)));
    assert!(!guard.is_under_load(at(8_000)));
}

#[test]
fn a_first_packet_shorter_than_a_challenge_is_not_answered_by_one() {
    let mut guard: Host = guard();
    guard.late(at(0));
    let packet = |length| FirstPacket { length, ..Client::number(1).packet() };
    assert_eq!(guard.first(at(0), &packet(CHALLENGE_LENGTH - 1)), Verdict::Drop(Reason::TooShort));
    assert!(matches!(guard.first(at(0), &packet(CHALLENGE_LENGTH)), Verdict::Challenge(_)));
}

#[test]
fn a_prefix_gets_twenty_key_agreements_at_once_and_twenty_a_second() {
    let mut guard: Host = guard();
    let client = Client::number(1);
    let cookie = client.cookie(&mut guard, at(0));
    const TRIES: usize = fewer(100, 25);
    let agreements = |guard: &mut Host, now| {
        // The key agreements fail: nothing becomes half-open.
        let proceeds = |_: &_| {
            guard.turn();
            matches!(guard.first(now, &client.packet_with(&cookie)), Verdict::Proceed(_))
        };
        (0..TRIES).filter(proceeds).count()
    };
    assert_eq!(agreements(&mut guard, at(0)), 20);
    assert_eq!(agreements(&mut guard, at(500)), 10);
    assert_eq!(guard.counters().over_rate, 2 * TRIES as u64 - 30);

    let other = Client::number(2);
    let cookie = other.cookie(&mut guard, at(500));
    assert!(enter(&mut guard, at(500), &other.packet_with(&cookie)).is_some());
}

#[test]
fn who_shares_buckets_with_an_attacker_shares_them_for_an_epoch_only() {
    let mut keys = Keys::new([7; 32]);
    let [one, other] = [1, 2].map(|number| Client::number(number).from.ip());
    let shares = |epoch: u64| {
        keys.advance(at(epoch * 16_000));
        let [one, other] = [one, other].map(|ip| keys.buckets(ip).map(|hash| hash >> 63));
        one == other
    };
    // Both of two buckets, in the same order: one epoch in four.
    let shared = (0..fewer(4_000, 40)).map(shares).filter(|&shared| shared).count();
    assert!((fewer(850, 4)..fewer(1_150, 20)).contains(&shared), "{shared}");
}

#[test]
fn a_prefix_is_a_24_of_ipv4_and_a_48_of_ipv6() {
    let mut keys = Keys::new([7; 32]);
    keys.advance(at(0));
    let bucket = |ip: &str| keys.buckets(ip.parse().unwrap());
    assert_eq!(bucket("192.0.2.1"), bucket("192.0.2.255"));
    assert_eq!(bucket("192.0.2.1"), bucket("::ffff:192.0.2.9"));
    assert_ne!(bucket("192.0.2.1"), bucket("192.0.3.1"));
    assert_eq!(bucket("2001:db8:1::"), bucket("2001:db8:1:ffff:ffff:ffff:ffff:ffff"));
    assert_ne!(bucket("2001:db8:1::"), bucket("2001:db8:2::"));
    assert_ne!(bucket("1.2.3.4"), bucket("0:1:203::"));
}

#[test]
fn no_key_shows_in_what_is_printed_for_debugging() {
    let mut guard: Guard<1, 1> = Guard::new(Settings::HOST, [0xab; 32]);
    guard.late(at(0));
    drop(guard.first(at(0), &Client::number(1).packet()));
    let printed = format!("{guard:?}");
    assert!(printed.contains("Keys { epoch: Some(0), .. }"), "{printed}");
}
