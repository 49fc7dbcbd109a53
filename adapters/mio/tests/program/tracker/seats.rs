//! Seats and the line.

use skep_core::wire::session::{Code, Request};

use super::{member::Tracker, wire::keys};
use crate::support::Home;

#[test]
fn who_finds_no_seat_waits_in_line_and_is_told_his_place() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--plain 127.0.0.1:0 --max-users 1 --waiting 2");
    let mut ana = tracker.join("ana").welcomed();
    let mut bob = tracker.join("bob");
    bob.listen_until("a place", |bob| bob.place == Some(1));
    let mut eva = tracker.join("eva");
    eva.listen_until("a place", |eva| eva.place == Some(2));
    assert_eq!(tracker.join("dan").refused(), Code::NoSeat);
    assert!(tracker.admin(&home, "status").starts_with("1 user, 2 waiting"));
    ana.say(&Request::Logout);
    let mut bob = bob.welcomed();
    eva.listen_until("a better place", |eva| eva.place == Some(1));
    bob.say(&Request::Logout);
    eva.welcomed();
    tracker.stop();
}

#[test]
fn who_waits_in_line_can_be_banned_and_kicked() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--plain 127.0.0.1:0 --max-users 1 --waiting 3");
    let ana = tracker.join("ana").welcomed();
    let mut waiting = ["bob", "eva", "dan"].map(|name| tracker.join(name));
    for (place, who) in (1..).zip(&mut waiting) {
        who.listen_until("a place", |who| who.place == Some(place));
    }
    let [bob, eva, mut dan] = waiting;
    tracker.admin(&home, "ban --name bob");
    assert_eq!(bob.refused(), Code::Dismissed);
    assert_eq!(tracker.admin(&home, "kick eva"), "eva is out\n");
    assert_eq!(eva.refused(), Code::Dismissed);
    dan.listen_until("the first place", |dan| dan.place == Some(1));
    assert!(tracker.admin(&home, "status").starts_with("1 user, 1 waiting"));
    ana.leaves();
    dan.welcomed();
    tracker.stop();
}

#[test]
fn a_name_is_given_with_a_seat_and_not_for_a_place_in_the_line() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--max-users 1 --waiting 2");
    let accounts = || {
        let all = tracker.admin(&home, "accounts");
        all.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let ana = tracker.join_sealed("ana", &keys(1)).welcomed();
    let mut waiting = [("bob", 2), ("eva", 3)].map(|(name, key)| tracker.join_sealed(name, &keys(key)));
    for (place, who) in (1..).zip(&mut waiting) {
        who.listen_until("a place", |who| who.place == Some(place));
    }
    assert_eq!(tracker.join_sealed("dan", &keys(4)).refused(), Code::NoSeat);
    let [bob, eva] = waiting;
    bob.leaves();
    assert_eq!(accounts(), ["ana"]);
    ana.leaves();
    let eva = eva.welcomed();
    assert_eq!(accounts(), ["ana", "eva"]);
    // Whoever has waited for a name that was given meanwhile does not get it.
    let mut waiting = [6, 7].map(|key| tracker.join_sealed("sam", &keys(key)));
    for (place, who) in (1..).zip(&mut waiting) {
        who.listen_until("a place", |who| who.place == Some(place));
    }
    eva.leaves();
    let [first, second] = waiting;
    first.welcomed().leaves();
    assert_eq!(second.refused(), Code::NotAllowed);
    assert_eq!(accounts(), ["ana", "eva", "sam"]);
    tracker.stop();
}

#[test]
fn without_a_line_who_finds_no_seat_is_refused() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--plain 127.0.0.1:0 --max-users 1 --waiting refuse");
    let _ana = tracker.join("ana").welcomed();
    assert_eq!(tracker.join("bob").refused(), Code::NoSeat);
    tracker.stop();
}

#[test]
fn a_second_log_in_takes_the_place_of_the_first_where_it_is_set_so() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--plain 127.0.0.1:0 --same-name replace");
    let ana = tracker.join("ana").welcomed();
    tracker.join("ana").welcomed();
    assert_eq!(ana.refused(), Code::Replaced);
    tracker.stop();
}
