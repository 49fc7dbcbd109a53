//! Guests of a tracker who come with an invite.

use super::*;
use crate::tracker::account::{Ban, Banned};
use jiff::Timestamp;
use mio::{Poll, Token, Waker};
use skep_core::seal::{KeyPair, RustCrypto};
use std::{net::SocketAddr, sync::Arc};

const INVITE: [u8; 8] = [3; 8];

fn open_store(directory: &Path) -> (Store<()>, Kept) {
    let poll = Poll::new().unwrap();
    let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
    Store::open(&directory.join("state.redb"), waker).unwrap()
}

fn open(directory: &Path) -> House<()> {
    let (store, kept) = open_store(directory);
    house(directory, store, kept)
}

fn house(directory: &Path, store: Store<()>, kept: Kept) -> House<()> {
    let passwords = directory.join("passwords");
    House::new(Registration::Invite, store, kept, &passwords, &Secret::new([1; 32])).unwrap()
}

fn invite(house: &mut House<()>) {
    invite_until(house, Timestamp::now() + SignedDuration::from_hours(1));
}

fn invite_until(house: &mut House<()>, until: Timestamp) {
    let invite = Invite { name: "eva".into(), role: Role::User, until, psk: [4; 32] };
    house.store.put(Change::Invite(INVITE, invite.clone()), ());
    house.invite(INVITE, invite);
}

fn guest(number: u8) -> Caller {
    let key = *KeyPair::<RustCrypto>::new(Secret::new([number; 32])).public();
    let address = SocketAddr::from(([127, 0, 0, 1], 4_000));
    Caller { address, purpose: Purpose::Enrol { invite: INVITE }, key: Some(key) }
}

fn fingerprint(caller: &Caller) -> Fingerprint {
    Fingerprint::new(caller.key.unwrap()).unwrap()
}

/// What is decided in the end.
fn decided(house: &mut House<()>, caller: &Caller) -> Decision {
    loop {
        match house.decide(caller, true) {
            Decision::Later => std::thread::yield_now(),
            decision => return decision,
        }
    }
}

#[test]
fn a_guest_waits_for_the_disk_and_the_loop_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let mut house = open(directory.path());
    invite(&mut house);
    assert_eq!(house.decide(&guest(5), true), Decision::Later);
    // Meanwhile the name is nobody else's, the invite no other guest's, and the first message opens again.
    assert!(house.is_owned("eva") && Access::invite(&mut house, &INVITE).is_some());
    assert_eq!(house.decide(&guest(6), true), Decision::Refuse);
    assert_eq!(decided(&mut house, &guest(5)), Decision::Admit);
    assert_eq!(house.name_of(&fingerprint(&guest(5))), Some("eva"));
    // It is used up, also after a restart.
    assert_eq!(decided(&mut house, &guest(6)), Decision::Refuse);
    drop(house);
    let mut house = open(directory.path());
    assert!(Access::invite(&mut house, &INVITE).is_none());
    assert_eq!(house.name_of(&fingerprint(&guest(5))), Some("eva"));
}

#[test]
fn a_guest_who_has_gone_meanwhile_has_the_name_and_comes_in_by_his_key() {
    let directory = tempfile::tempdir().unwrap();
    let mut house = open(directory.path());
    invite(&mut house);
    assert_eq!(house.decide(&guest(5), true), Decision::Later);
    while house.account("eva").is_none() {
        house.settle_guests();
        std::thread::yield_now();
    }
    let member = Caller { purpose: Purpose::Member, ..guest(5) };
    assert_eq!(house.decide(&member, true), Decision::Admit);
}

#[test]
fn a_guest_who_did_not_get_it_and_never_comes_back_keeps_nobody_from_an_invite() {
    let directory = tempfile::tempdir().unwrap();
    let mut house = house(directory.path(), Store::full(), Kept::default());
    invite(&mut house);
    assert_eq!(house.decide(&guest(5), true), Decision::Later);
    while house.is_owned("eva") {
        house.settle_guests();
        std::thread::yield_now();
    }
    assert_eq!(house.decide(&guest(6), true), Decision::Later);
}

#[test]
fn a_key_gets_one_name_however_many_it_asks_for_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut house = open(directory.path());
    house.registration = Registration::Open;
    let (key, address) = (guest(5).key.map(|key| key.0), IpAddr::from([127, 0, 0, 1]));
    let Judgement::Register(account) = house.judge("ana", key, address, false) else { panic!() };
    house.reserve("ana", account.key);
    // Whether the other one may come in is known when the first is stored.
    assert_eq!(house.judge("bob", key, address, false), Judgement::Later);
    assert_eq!(house.judge("ana~0", key, address, false), Judgement::Later);
    invite(&mut house);
    assert_eq!(house.decide(&guest(5), true), Decision::Refuse);
    // Could it not be stored, the key is free again.
    house.settle("ana", account.clone(), false);
    assert_eq!(house.judge("bob", key, address, false), Judgement::Register(account.clone()));
    house.reserve("ana", account.key);
    house.settle("ana", account, true);
    assert_eq!(house.judge("bob", key, address, false), Judgement::Refuse(Because::KeyHasName));
    assert_eq!(house.judge("ana~0", key, address, false), Judgement::LetIn);
}

#[test]
fn of_two_names_of_one_key_the_other_holds_when_one_is_taken_away() {
    let directory = tempfile::tempdir().unwrap();
    let key = fingerprint(&guest(5));
    for (taken, left) in [("ana", "bob"), ("bob", "ana")] {
        let account = Account { key, role: Role::User };
        let accounts = ["ana", "bob"].map(|name| (name.to_owned(), account.clone()));
        let kept = Kept { accounts: accounts.into(), ..Kept::default() };
        let mut house = house(directory.path(), Store::full(), kept);
        house.strike(taken);
        assert_eq!(house.name_of(&key), Some(left));
        house.strike(left);
        assert_eq!(house.name_of(&key), None);
    }
}

#[test]
fn what_ended_a_moment_ago_means_nothing_and_is_kept_as_the_clock_may_be_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let mut house = open(directory.path());
    let ended = Timestamp::now() - SignedDuration::from_hours(1);
    let ban = Ban { id: 1, who: Banned::Name("eva".into()), until: Some(ended), reason: String::new() };
    house.store.put(Change::Ban(ban.clone()), ());
    house.bans.add(ban);
    invite_until(&mut house, ended);
    house.forget_ended();
    assert!(!house.bans.cover_name("eva") && house.bans.open().next().is_none());
    assert!(Access::invite(&mut house, &INVITE).is_none() && house.invites().next().is_none());
    drop(house);
    let kept = open_store(directory.path()).1;
    assert_eq!((kept.bans.len(), kept.invites.len()), (1, 1));
}

#[test]
fn what_has_ended_is_gone_from_the_database_and_no_number_is_given_again() {
    let directory = tempfile::tempdir().unwrap();
    let kept = || open_store(directory.path()).1;
    let ban = |house: &mut House<()>, until| {
        let id = house.bans.next_number();
        let ban = Ban { id, who: Banned::Name("eva".into()), until, reason: String::new() };
        house.store.put(Change::Ban(ban.clone()), ());
        house.bans.add(ban);
        id
    };
    let ended = Timestamp::UNIX_EPOCH;
    // When it is met,
    let mut house = open(directory.path());
    invite_until(&mut house, ended);
    assert_eq!((ban(&mut house, Some(ended)), ban(&mut house, None)), (1, 2));
    house.forget_ended();
    house.store.put(Change::Lift(2), ());
    drop(house);
    assert!(kept().bans.is_empty() && kept().invites.is_empty());
    // and at the start.
    let house = open(directory.path());
    let invite = Invite { name: "eva".into(), role: Role::User, until: ended, psk: [4; 32] };
    house.store.put(Change::Invite(INVITE, invite), ());
    let ban = Ban { id: 3, who: Banned::Name("eva".into()), until: Some(ended), reason: String::new() };
    house.store.put(Change::Ban(ban), ());
    drop(house);
    assert_eq!((kept().bans.len(), kept().invites.len()), (1, 1));
    let mut house = open(directory.path());
    assert_eq!(house.bans.next_number(), 4);
    drop(house);
    assert!(kept().bans.is_empty() && kept().invites.is_empty());
}
