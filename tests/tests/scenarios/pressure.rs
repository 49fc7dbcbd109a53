//! Receivers whose application takes nothing for a while: the window closes, the peer asks, the window opens.

use skep_core::{Instant, rdt::Language};
use skep_tests::{
    Habits, Handle, Host, Node, Scenario, Simulated, Speaker, Way, World, known_settings, own_settings,
};
use std::time::Duration;

/// An upload whose server has to wait so long for its storage before it can take content.
fn slow_storage(seconds: u64) -> Scenario {
    let scenario = Scenario::new(Way::Upload, 20_000);
    scenario.but(|it| it.server_faults.slow_open = Duration::from_secs(seconds))
}

#[test]
fn a_closed_window_is_asked_for_seldom_and_opens() {
    for window in [1, 4, 64] {
        let report = slow_storage(20).own(window, 500).run(Simulated::new(1)).expect_done();
        let counters = report.sender().statistics.counters;
        assert!(counters.resent <= u64::from(window) + 4, "{window}: {counters:?}");
        assert!(report.world.network.count() < 300, "{}", report.world.network.count());
        assert!(report.elapsed() < Duration::from_secs(24), "{:?}", report.elapsed());
    }
}

#[test]
fn a_window_may_stay_closed_for_longer_than_the_idle_time() {
    for window in [1, 4, 64] {
        for seed in 0..20 {
            let network = Simulated::new(seed).both(|path| path.loss = 10 * seed as u32);
            slow_storage(300).own(window, 500).run(network).expect_done();
        }
    }
}

#[test]
fn a_known_peer_waits_as_long_as_its_tries_last() {
    for window in [1, 8] {
        let report = slow_storage(10).known(window, 500).run(Simulated::new(1)).expect_done();
        assert!(report.elapsed() < Duration::from_secs(13), "{:?}", report.elapsed());
        let report = slow_storage(300).known(window, 500).run(Simulated::new(1));
        assert_eq!(report.stored(), None);
        assert_eq!(report.server().storage.in_use(), 0);
    }
}

#[test]
fn the_word_that_the_window_is_open_may_be_lost() {
    for window in [1, 4, 64] {
        // All of the server's datagrams around the moment when it opens are lost.
        let opens = Instant::from_micros(1_000_000 + 20_000_000);
        for late in [1, 50, 500, 3_000] {
            let network =
                Simulated::new(1).down(|path| path.cuts.push(opens..opens + Duration::from_millis(late)));
            let report = slow_storage(20).own(window, 500).run(network).expect_done();
            assert!(report.elapsed() < Duration::from_secs(28), "{:?}", report.elapsed());
        }
    }
}

type SpeakerNode = Node<Host, Speaker>;

#[test]
fn an_application_may_be_deaf_and_take_in_small_bites() {
    for language in [Language::Own, Language::Known] {
        for seed in 0..100 {
            let mut world = World::new(Simulated::new(seed).both(|path| path.loss = 100));
            let settings =
                if language == Language::Own { own_settings(4, 64) } else { known_settings(4, 64) };
            let deaf_until = Some(Instant::from_micros(1_000_000 + 8_000_000));
            let listener = Speaker {
                deaf_until,
                bites: 1 + seed as usize % 64,
                finishes_after: true,
                ..Speaker::default()
            };
            let listener: Handle<SpeakerNode> = world.add(|seat| Node::new(seat, settings, 1, listener));
            let to = world.address(listener);
            let says: Vec<Vec<u8>> = (0..5).map(|number| vec![number; 100]).collect();
            let speaker = Speaker { says: says.clone(), finishes: true, ..Speaker::default() };
            let habits = Habits { leaves: true, ..Habits::default() };
            let speaker: Handle<SpeakerNode> = world.add(|seat| {
                Node::new(seat, settings, 2, speaker).with(habits).calling(Instant::ZERO, to, language)
            });
            world.run();
            assert_eq!(world.get(listener).service.heard, says.concat());
            assert!(world.get(speaker).service.has_heard_all, "{:?}", world.get(speaker).past);
        }
    }
}
