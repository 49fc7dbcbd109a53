//! Sessions by TCP, sealed and plain.

use super::{
    member::{Member, Tracker},
    wire::{Wire, keys},
};
use crate::support::Home;
use skep_core::wire::session::{Code, Request};

#[test]
fn members_see_each_other_and_what_they_share_sealed_and_plain() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--plain 127.0.0.1:0");
    let mut ana = tracker.join_sealed("ana", &keys(1)).welcomed();
    ana.publish("notes.txt", 9);
    let mut eva = tracker.join("eva").welcomed();
    eva.sees("ana");
    eva.listen_until("a file", |eva| eva.files.values().any(|file| file.1 == "notes.txt" && file.2 == 9));
    ana.sees("eva");
    eva.say(&Request::Logout);
    ana.misses("eva");
    tracker.stop();
}

#[test]
fn a_guest_without_a_key_may_come_in_and_a_wrong_key_of_the_tracker_is_noticed() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "");
    Member::new(Wire::sealed(tracker.sealed(), &tracker.key(), None).unwrap(), "guest").welcomed();
    let other = skep::identity::Fingerprint::new(*keys(7).public()).unwrap().to_string();
    assert!(Wire::sealed(tracker.sealed(), &other, Some(&keys(1))).is_err());
    tracker.stop();
}

#[test]
fn who_comes_back_takes_his_own_place_and_nobody_else_does() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--plain 127.0.0.1:0");
    let mut ana = tracker.join("ana").welcomed();
    assert_eq!(tracker.join("ana").refused(), Code::NameInUse);
    let again = ana.again(Wire::plain(tracker.plain())).welcomed();
    assert!(again.welcome);
    ana.listen_until("Bye", |ana| ana.bye == Some(Code::Replaced));
    tracker.stop();
}
