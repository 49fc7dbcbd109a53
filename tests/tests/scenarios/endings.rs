//! How connections end: the last acknowledgement, FIN and FINACK, in either order, lost or not.

use skep_core::{
    Instant,
    rdt::{Language, Settings},
    stream::Closed,
};
use skep_tests::{
    Habits, Handle, Host, Node, Scenario, Simulated, Speaker, Way, World, known_settings, own_settings,
};
use std::time::Duration;

type SpeakerNode = Node<Host, Speaker>;

/// The kinds of packets, in both languages.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Ack,
    Fin,
    FinAck,
}

fn kind(datagram: &[u8]) -> Option<Kind> {
    let byte = if datagram.starts_with(b"SKEP") { datagram[4] & 0x0f } else { datagram[6] };
    match byte {
        3 => Some(Kind::Ack),
        4 => Some(Kind::Fin),
        5 => Some(Kind::FinAck),
        _ => None,
    }
}

/// Loses the packets of a kind with these numbers, counted from 0 over both directions.
fn losing(lost: Kind, numbers: std::ops::Range<u32>) -> Simulated {
    let mut count = 0;
    Simulated::new(1).sieve(move |datagram| {
        let is_it = kind(datagram) == Some(lost);
        count += u32::from(is_it);
        is_it && numbers.contains(&(count - 1))
    })
}

fn scenarios() -> impl Iterator<Item = Scenario> {
    [Way::Download, Way::Upload].into_iter().flat_map(|way| {
        let scenario = || Scenario::new(way, 4 * 100);
        [scenario().own(1, 100), scenario().own(4, 100), scenario().known(1, 100), scenario().known(4, 100)]
    })
}

fn every_loss_of(lost: Kind) {
    for scenario in scenarios() {
        for first in 0..10 {
            for length in 1..4 {
                let report = scenario.run(losing(lost, first..first + length)).expect_done();
                assert!(report.elapsed() < Duration::from_secs(5), "{lost:?} {first} {length}");
            }
        }
    }
}

#[test]
fn a_lost_last_ack_is_answered_again() {
    every_loss_of(Kind::Ack);
}

#[test]
fn a_lost_fin_is_sent_again() {
    every_loss_of(Kind::Fin);
}

#[test]
fn a_lost_finack_is_answered_again() {
    every_loss_of(Kind::FinAck);
    for scenario in scenarios() {
        for lost in 0..2 {
            let report = scenario.run(losing(Kind::FinAck, lost..lost + 1)).expect_done();
            assert_eq!(report.server().last_past().outcome, Ok(()), "it need not know that the client knows");
            assert_eq!(report.client().last_past().outcome, Ok(()));
            assert!(report.client().has_left());
        }
    }
}

#[test]
fn a_lost_finack_is_answered_again_on_a_slow_path() {
    for scenario in scenarios() {
        for lost in 0..2 {
            let network =
                losing(Kind::FinAck, lost..lost + 1).both(|path| path.delay = Duration::from_millis(300));
            let report = scenario.run(network).expect_done();
            assert_eq!(report.server().last_past().outcome, Ok(()));
        }
    }
}

#[test]
fn who_leaves_at_once_is_understood_if_one_of_three_good_byes_arrives() {
    for way in [Way::Download, Way::Upload] {
        for (kind, numbers) in [(None, 0..0), (Some(Kind::Fin), 0..2), (Some(Kind::Fin), 1..3)] {
            let network = kind.map_or_else(|| Simulated::new(1), |kind| losing(kind, numbers));
            let scenario = Scenario::new(way, 4 * 100).own(64, 100).but(|it| it.habits.hurries = true);
            let report = scenario.run(network).expect_done();
            assert!(report.client().has_left());
            let past = report.server().last_past();
            assert_eq!(past.outcome, Ok(()), "{way:?}: it ends without the answer to its own FIN");
            assert!(past.at < report.end().0 + Duration::from_secs(5));
        }
    }
}

/// Two that speak, and how they are set to.
fn conversation(
    network: Simulated,
    language: Language,
    one: Speaker,
    other: Speaker,
) -> (World<Simulated>, Handle<SpeakerNode>, Handle<SpeakerNode>) {
    let mut world = World::new(network);
    let settings = if language == Language::Own { own_settings(4, 100) } else { known_settings(1, 100) };
    // However much is lost: this is about ends.
    let settings = Settings { calls: 50, ..settings };
    let first = world.add(|seat| Node::new(seat, settings, 1, one));
    let to = world.address(first);
    let habits = Habits { leaves: true, ..Habits::default() };
    let second = world
        .add(|seat| Node::new(seat, settings, 2, other).with(habits).calling(Instant::ZERO, to, language));
    (world, first, second)
}

const LANGUAGES: [Language; 2] = [Language::Own, Language::Known];

fn says(text: &str) -> Speaker {
    Speaker { says: vec![text.into()], finishes: true, ..Speaker::default() }
}

#[test]
fn both_finish_at_once() {
    for language in LANGUAGES {
        // One in 3,125 loses all five of its FINs (0.2 to the fifth), and leaves the other waiting: none of these.
        for seed in 200..400 {
            let network = Simulated::new(seed).both(|path| path.loss = if seed == 200 { 0 } else { 200 });
            let (mut world, one, other) = conversation(network, language, says("hello"), says("good bye"));
            world.run();
            let (one, other) = (world.get(one), world.get(other));
            assert_eq!(one.service.heard, b"good bye");
            assert_eq!(other.service.heard, b"hello");
            assert!(one.service.has_heard_all && other.service.has_heard_all, "{seed} {language:?}");
            assert_eq!(other.service.closed, Some(Closed::Done), "{seed} {language:?}");
        }
    }
}

#[test]
fn a_direction_that_carries_nothing_finishes_too() {
    for language in LANGUAGES {
        let silent = || Speaker { finishes: true, ..Speaker::default() };
        let (mut world, one, other) = conversation(Simulated::new(1), language, silent(), silent());
        world.run();
        assert_eq!(world.get(one).service.closed, Some(Closed::Done));
        assert_eq!(world.get(other).service.closed, Some(Closed::Done));
    }
}

#[test]
fn one_direction_goes_on_after_the_other_has_finished() {
    for language in LANGUAGES {
        for seed in 0..100 {
            let network = Simulated::new(seed).both(|path| path.loss = 100);
            let answer =
                Speaker { says: vec![b"late".to_vec(); 60], finishes_after: true, ..Speaker::default() };
            let (mut world, one, other) = conversation(network, language, answer, says("first"));
            world.run();
            assert_eq!(world.get(one).service.heard, b"first");
            assert_eq!(world.get(other).service.heard, b"late".repeat(60));
            assert!(world.get(other).service.has_heard_all);
        }
    }
}

#[test]
fn finishing_waits_for_what_was_said_before() {
    for language in LANGUAGES {
        let (mut world, one, _) = conversation(
            Simulated::new(1),
            language,
            Speaker { bites: 7, finishes_after: true, ..Speaker::default() },
            Speaker { says: vec![vec![b'x'; 400]], finishes: true, ..Speaker::default() },
        );
        world.run();
        assert_eq!(world.get(one).service.heard.len(), 400);
    }
}

#[test]
fn an_abort_ends_both_sides_and_leaves_nothing() {
    for scenario in scenarios() {
        for steps in 5..40 {
            let mut report = scenario.prepare::<_, Host, Host>(Simulated::new(1));
            report.world.run_steps(steps);
            // The client's program is told to stop.
            report.client_mut().abort_all();
            report.world.run();
            report.check();
            assert!(
                report.server().past.iter().all(|past| past.at < report.end().0 + Duration::from_secs(60))
            );
        }
    }
}

#[test]
fn an_abort_in_the_known_language_is_an_early_end_of_the_stream() {
    let scenario = Scenario::new(Way::Upload, 10_000).known(1, 100);
    let mut report = scenario.prepare::<_, Host, Host>(Simulated::new(1));
    report.world.run_to(|world| world.network.count() > 100);
    report.client_mut().abort_all();
    report.world.run();
    assert_eq!(report.stored(), None);
    assert_eq!(report.server().storage.in_use(), 0);
}
