//! Orders whose outcome is stored, or is not.

use super::*;
use crate::{
    args::Registration,
    tracker::{
        account::Banned,
        house::House,
        store::{Kept, Store},
    },
};
use mio::{Poll, Token, Waker};
use skep_core::{
    seal::{KeyPair, RustCrypto, Secret},
    tracker::Settings,
};
use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, sync_channel},
    },
};

const LINK: &str = "skep://key@host:7537/";

fn key(number: u8) -> Fingerprint {
    Fingerprint::new(*KeyPair::<RustCrypto>::new(Secret::new([number; 32])).public()).unwrap()
}

fn account(number: u8) -> Account {
    Account { key: key(number), role: Role::User }
}

fn ban(id: u64, name: &str) -> Ban {
    Ban { id, who: Banned::Name(name.into()), until: None, reason: String::new() }
}

fn hub_on(directory: &Path, store: Store<Receipt>, kept: Kept) -> Hub {
    let passwords = directory.join("passwords");
    let house = House::new(Registration::Open, store, kept, &passwords, &Secret::new([1; 32])).unwrap();
    let mut hub = Hub::new(Settings::DEFAULT, [2; 32], Arc::new(Mutex::new(house)), &Kept::default());
    hub.link = Some(LINK.into());
    hub
}

fn hub(directory: &Path) -> Hub {
    let poll = Poll::new().unwrap();
    let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
    let (store, kept) = Store::open(&directory.join("state.redb"), waker).unwrap();
    hub_on(directory, store, kept)
}

fn give(hub: &mut Hub, order: Order) -> Receiver<Answer> {
    let (to, answer) = sync_channel(1);
    hub.administer(Instant::ZERO, order, None, to);
    answer
}

fn answered(hub: &mut Hub, answer: &Receiver<Answer>) -> Answer {
    loop {
        hub.settle_stored(Instant::ZERO);
        if let Ok(answer) = answer.try_recv() {
            return answer;
        }
        std::thread::yield_now();
    }
}

/// Gives an order, and says whether it was done.
fn is_done(hub: &mut Hub, order: Order) -> bool {
    let answer = give(hub, order);
    match answered(hub, &answer) {
        Answer::Done(_) | Answer::Invited(_) => true,
        Answer::Failed(_) => false,
        other => panic!("{other:?}"),
    }
}

fn orders() -> [Order; 6] {
    let ban = |name: &str| Banned::Name(name.into());
    [
        Order::Ban { who: ban("eva"), seconds: None, reason: String::new() },
        Order::Unban { id: 1 },
        Order::Add { name: "eva".into(), account: account(2) },
        Order::Role { name: "bob".into(), role: Role::Admin },
        Order::Invite { name: "ann".into(), role: Role::User, seconds: 60 },
        Order::Remove { name: "bob".into() },
    ]
}

fn kept() -> Kept {
    Kept {
        accounts: vec![("bob".into(), account(1))],
        bans: vec![ban(1, "ana")],
        last_ban: 1,
        ..Kept::default()
    }
}

#[test]
fn what_cannot_be_stored_is_not_done_and_not_told() {
    let directory = tempfile::tempdir().unwrap();
    let mut hub = hub_on(directory.path(), Store::full(), kept());
    // Twice: nothing is left of the first time either.
    for order in orders().into_iter().chain(orders()) {
        let answer = give(&mut hub, order);
        match answered(&mut hub, &answer) {
            Answer::Failed(why) => assert_eq!(why, "cannot store: the disk is full"),
            other => panic!("{other:?}"),
        }
    }
    assert!(hub.take_reports().iter().all(|report| matches!(report, Report::Failed { .. })));
    let house = hub.house();
    assert_eq!(house.bans.open().map(|ban| ban.id).collect::<Vec<_>>(), [1]);
    assert_eq!(house.accounts().collect::<Vec<_>>(), [("bob", &account(1))]);
}

#[test]
fn what_is_stored_is_done_and_told() {
    let directory = tempfile::tempdir().unwrap();
    let mut hub = hub(directory.path());
    assert!(is_done(&mut hub, Order::Add { name: "bob".into(), account: account(1) }));
    let who = Banned::Name("ana".into());
    assert!(is_done(&mut hub, Order::Ban { who, seconds: None, reason: String::new() }));
    for order in orders() {
        assert!(is_done(&mut hub, order));
    }
    assert_eq!(hub.take_reports().len(), 8);
    let house = hub.house();
    assert_eq!(house.bans.open().collect::<Vec<_>>(), [&ban(2, "eva")]);
    assert_eq!(house.accounts().collect::<Vec<_>>(), [("eva", &account(2))]);
}

#[test]
fn orders_at_the_same_time_do_not_cross() {
    let directory = tempfile::tempdir().unwrap();
    let mut hub = hub(directory.path());
    let add = |name: &str, number| Order::Add { name: name.into(), account: account(number) };
    let given =
        [add("ana", 1), add("ana", 2), add("eva", 1), add("bob", 3)].map(|order| give(&mut hub, order));
    let done = given.map(|answer| matches!(answered(&mut hub, &answer), Answer::Done(_)));
    assert_eq!(done, [true, false, false, true]);
    // What is taken away is not given another role meanwhile, or it would be there again.
    let role = Order::Role { name: "bob".into(), role: Role::Admin };
    let given = [Order::Remove { name: "bob".into() }, role].map(|order| give(&mut hub, order));
    let done = given.map(|answer| matches!(answered(&mut hub, &answer), Answer::Done(_)));
    assert_eq!(done, [true, false]);
    assert_eq!(hub.house().accounts().collect::<Vec<_>>(), [("ana", &account(1))]);
}
