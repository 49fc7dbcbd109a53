//! The live list: fresh, resumed, merged, and never the author's own.

use super::{
    Small,
    speaker::{List, Speaker, info},
    tracker,
    world::World,
};
use crate::{
    miri::fewer,
    stream::Closed,
    tracker::{Fixed, Settings, Tracker},
    wire::session::Request,
};
use core::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn world() -> World<Small> {
    World::new(tracker(Settings::DEFAULT))
}

fn list(users: &[(&str, &[(&str, u64)])]) -> List {
    let files =
        |files: &[(&str, u64)]| files.iter().map(|&(name, length)| (name.into(), info(length))).collect();
    users.iter().map(|&(user, shared)| (user.into(), files(shared))).collect()
}

fn joined<P: crate::tracker::Profile>(world: &mut World<P>, name: &str) -> Speaker {
    let mut speaker = Speaker::new(name);
    assert!(speaker.join(world));
    assert!(speaker.me.is_some(), "{:?}", speaker.bye);
    speaker
}

#[test]
fn who_logs_in_gets_the_list_and_the_others_get_the_news() {
    let mut world = world();
    let mut ana = joined(&mut world, "ana");
    ana.publish(&mut world, "a/b", 5);
    world.run();
    let mut eva = joined(&mut world, "eva");
    assert_eq!(eva.list(), list(&[("ana", &[("a/b", 5)])]));
    eva.publish(&mut world, "x", 7);
    world.pass(SECOND);
    ana.listen(&mut world);
    eva.listen(&mut world);
    assert_eq!(ana.list(), list(&[("eva", &[("x", 7)])]));
    assert_eq!(ana.heard, ["Done { tag: 1 }"]);
    ana.withdraw(&mut world, "a/b");
    world.pass(SECOND);
    eva.listen(&mut world);
    assert_eq!(eva.list(), list(&[("ana", &[])]));
    world.close(ana.stream, Closed::Broken);
    world.pass(SECOND);
    eva.listen(&mut world);
    assert_eq!((eva.list(), eva.noise), (list(&[]), 0));
}

#[test]
fn a_file_that_is_published_again_with_another_length_is_a_change_and_the_same_again_is_none() {
    let mut world = world();
    let (ana, mut eva) = (joined(&mut world, "ana"), joined(&mut world, "eva"));
    for length in [1, 1, 2, 2] {
        ana.publish(&mut world, "x", length);
        world.pass(SECOND);
    }
    eva.listen(&mut world);
    assert_eq!(eva.list(), list(&[("ana", &[("x", 2)])]));
    assert_eq!(eva.told, 3);
}

#[test]
fn a_first_change_goes_out_at_once_and_those_after_it_together() {
    let mut world = world();
    let (ana, mut eva) = (joined(&mut world, "ana"), joined(&mut world, "eva"));
    world.pass(SECOND);
    world.pass(SECOND);
    eva.listen(&mut world);
    let before = eva.upto;
    for name in ["1", "2", "3", "4"] {
        ana.publish(&mut world, name, 1);
        world.run();
    }
    eva.listen(&mut world);
    assert_eq!((eva.files.len(), eva.upto), (1, before + 1));
    // One session was told.
    world.pass(Settings::DEFAULT.gather);
    eva.listen(&mut world);
    assert_eq!(eva.files.len(), 1);
    world.pass(Settings::DEFAULT.gather_each);
    eva.listen(&mut world);
    assert_eq!((eva.files.len(), eva.upto), (4, before + 2));
}

#[test]
fn a_slow_reader_is_told_the_newest_state_only_and_costs_no_more_than_one_message() {
    const CHANGES: u64 = fewer(500, 40);
    let mut world = world();
    let (ana, mut eva) = (joined(&mut world, "ana"), joined(&mut world, "eva"));
    world.streams.get_mut(&eva.stream).unwrap().pace = 0;
    // The first change is on its way; it blocks the others.
    for length in 1..=CHANGES {
        ana.publish(&mut world, "x", length);
        world.pass(Duration::from_millis(20));
    }
    assert!(world.streams[&eva.stream].backlog <= 512);
    world.streams.get_mut(&eva.stream).unwrap().pace = 3;
    let before = eva.told;
    world.run();
    eva.listen(&mut world);
    assert_eq!(eva.list(), list(&[("ana", &[("x", CHANGES)])]));
    assert_eq!(eva.told - before, 2, "more changes than the ring has have become one message");
}

#[test]
fn a_resumed_session_gets_what_it_missed_within_the_ring_and_beyond_it() {
    for missed in [0, 1, 5, 16, 17, 40].into_iter().step_by(fewer(1, 2)) {
        let mut world = world();
        let (ana, mut eva) = (joined(&mut world, "ana"), joined(&mut world, "eva"));
        let mut bob = joined(&mut world, "bob");
        for name in ["keep", "drop", "grow"] {
            ana.publish(&mut world, name, 1);
        }
        world.pass(SECOND);
        eva.listen(&mut world);
        world.close(eva.stream, Closed::Broken);
        world.pass(SECOND);
        bob.listen(&mut world);
        ana.withdraw(&mut world, "drop");
        ana.publish(&mut world, "grow", 2);
        world.close(bob.stream, Closed::Broken);
        for number in 0..missed {
            ana.publish(&mut world, "new", number);
            world.run();
        }
        let before = eva.told;
        assert!(eva.join(&mut world));
        world.pass(SECOND);
        eva.listen(&mut world);
        let expected: &[(&str, u64)] = if missed == 0 {
            &[("keep", 1), ("grow", 2)]
        } else {
            &[("keep", 1), ("grow", 2), ("new", missed - 1)]
        };
        assert_eq!(eva.list(), list(&[("ana", expected)]), "{missed}");
        // One has left, one file is gone or another is in its place, one has grown. Itself the client has left and
        // come again; of that it is told nothing but perhaps that its old place is empty.
        let told = 3 + eva.noise;
        assert_eq!(eva.told - before, told, "{missed}: {}", eva.noise);
        assert!(eva.noise <= 1);
    }
}

#[test]
fn a_session_resumed_from_another_run_or_from_the_future_gets_a_fresh_list() {
    let mut world = world();
    let ana = joined(&mut world, "ana");
    ana.publish(&mut world, "x", 1);
    world.run();
    for (epoch, number) in [(1, 1), (0, u64::MAX)] {
        let mut eva = Speaker::new("eva");
        eva.users.insert(99, "ghost".into());
        let real = joined(&mut world, "real").epoch;
        world.tidy();
        eva.epoch = if epoch == 0 { real } else { epoch };
        eva.number = number;
        assert!(eva.join(&mut world));
        assert!(!eva.users.contains_key(&99));
        assert!(eva.list().contains_key("ana"));
        world.close(eva.stream, Closed::Broken);
        let streams: Vec<u32> =
            world.streams.keys().copied().filter(|&stream| stream != ana.stream).collect();
        for stream in streams {
            world.close(stream, Closed::Broken);
        }
    }
}

#[test]
fn a_change_during_a_fresh_list_is_told_once() {
    // Every interleaving of a slow list and one change of each kind.
    for step in (fewer(0, 20)..60).step_by(fewer(1, 40)) {
        let mut world =
            World::new(Tracker::<Fixed<16, 12, 64, 512, 64, 4>>::fixed(Settings::DEFAULT, [7; 32]));
        let mut ana = joined(&mut world, "ana");
        for number in 0..30 {
            ana.publish(&mut world, &format!("a file with a rather long name {number}"), 1);
        }
        world.run();
        let mut eva = Speaker::new("eva");
        eva.stream = world
            .open(crate::tracker::Dialect::Session, &super::super::Peer::at([1, 1, 1, 1].into()))
            .unwrap();
        world.streams.get_mut(&eva.stream).unwrap().pace = 0;
        let login = Request::Login {
            version: 1,
            wants_list: true,
            epoch: 0,
            number: 0,
            resume: [0; 16],
            door: 0,
            name: b"eva",
        };
        eva.say(&mut world, &login);
        world.run();
        for now in 0..60 {
            if now == step {
                ana.withdraw(&mut world, "a file with a rather long name 3");
                ana.publish(&mut world, "a file with a rather long name 29", 2);
                ana.publish(&mut world, "new", 3);
            }
            // A little leaves, then it stops again.
            let stream = world.streams.get_mut(&eva.stream).unwrap();
            stream.pace = 50;
            world.run_once(eva.stream);
            world.streams.get_mut(&eva.stream).unwrap().pace = 0;
            world.run();
        }
        world.streams.get_mut(&eva.stream).unwrap().pace = 512;
        world.pass(SECOND);
        eva.listen(&mut world);
        ana.listen(&mut world);
        let mut expected: Vec<(String, u64)> = (0..30)
            .filter(|&n| n != 3)
            .map(|n| (format!("a file with a rather long name {n}"), 1 + u64::from(n == 29)))
            .collect();
        expected.push(("new".into(), 3));
        let expected: Vec<(&str, u64)> =
            expected.iter().map(|(name, length)| (name.as_str(), *length)).collect();
        assert_eq!(eva.list(), list(&[("ana", &expected)]), "{step}");
    }
}

#[test]
fn a_name_that_is_used_again_does_not_mix_two_users_files() {
    let mut world = world();
    let mut eva = joined(&mut world, "eva");
    for round in 0..fewer(50, 4) {
        let (one, other) = (joined(&mut world, "one"), joined(&mut world, "other"));
        one.publish(&mut world, "x", round);
        other.publish(&mut world, "x", round + 1);
        world.run();
        if round % 3 == 0 {
            world.pass(SECOND);
        }
        world.close(one.stream, Closed::Broken);
        let third = joined(&mut world, "third");
        third.publish(&mut world, "z", round);
        world.close(other.stream, Closed::Broken);
        if round % 5 == 0 {
            world.pass(SECOND);
        }
        eva.listen(&mut world);
        world.close(third.stream, Closed::Broken);
    }
    let last = joined(&mut world, "last");
    last.publish(&mut world, "y", 1);
    world.pass(SECOND);
    eva.listen(&mut world);
    assert_eq!(eva.list(), list(&[("last", &[("y", 1)])]));
}
