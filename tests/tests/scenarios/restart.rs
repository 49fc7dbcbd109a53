//! Peers that are switched off and on again, with the same address and no memory of what was.

use skep_core::{
    files::Progress,
    rdt::{Error, Language},
};
use skep_tests::{
    ClientNode, Habits, Handle, Host, Node, Report, Scenario, ServerNode, Sessions, Simulated, Way, download,
    upload,
};
use std::time::Duration;

fn scenarios(size: usize) -> impl Iterator<Item = Scenario> {
    [Way::Download, Way::Upload].into_iter().flat_map(move |way| {
        let scenario = || Scenario::new(way, size);
        let any = |it: &mut Scenario| it.language = Language::Any;
        [
            scenario().own(1, 100),
            scenario().own(8, 100).but(any),
            scenario().known(1, 100),
            scenario().known(8, 100),
        ]
    })
}

/// The client is replaced by a new one in its place.
fn restart_client(report: &mut Report<Simulated>, scenario: &Scenario) -> Handle<ClientNode<Host>> {
    let (server, client) = report.handles();
    let (to, now) = (report.world.address(server), report.world.now());
    let files = report.client().storage.files.clone();
    let service = if scenario.way == Way::Download { download("the file") } else { upload("the file") };
    let new = report.world.replace(client, |seat| {
        let habits = Habits { leaves: true, ..scenario.habits };
        Node::new(seat, scenario.client, 77, service).with(habits).calling(now, to, scenario.language)
    });
    report.world.get_mut(new).storage.files = files;
    new
}

#[test]
fn a_restarted_client_begins_anew_and_its_past_is_forgotten() {
    for scenario in scenarios(20_000) {
        for moment in [3_500, 4_000, 5_000] {
            // A slow path, so that the transfer takes some seconds.
            let network = Simulated::new(1).both(|path| path.delay = Duration::from_millis(60));
            let mut report = scenario.prepare::<_, Host, Host>(network);
            report.world.run_for(Duration::from_millis(moment));
            if !report.client().past.is_empty() {
                continue;
            }
            let new = restart_client(&mut report, &scenario);
            report.world.run();
            let end = report.world.get(new).events.last().unwrap().1;
            assert_eq!(
                end,
                Progress::Done { bytes: 20_000 },
                "{:?} {moment}: {:?}",
                scenario.language,
                report.world.get(new).past
            );
            let outcomes: Vec<_> = report.server().past.iter().map(|past| past.outcome).collect();
            assert_eq!(outcomes, [Err(Error::Restarted), Ok(())], "{:?} {moment}", scenario.language);
        }
    }
}

#[test]
fn a_client_restarted_at_any_moment_is_served_in_the_end() {
    for scenario in scenarios(20_000) {
        let scenario = scenario.but(|it| {
            it.client.calls = 60;
            it.rules.request_timeout = Duration::from_secs(20);
        });
        for moment in 0..60 {
            let network = Simulated::new(1).both(|path| path.delay = Duration::from_millis(60));
            let mut report = scenario.prepare::<_, Host, Host>(network);
            report.world.run_for(Duration::from_millis(moment * 100 + 7));
            if report.client().has_left() {
                continue;
            }
            let first = restart_client(&mut report, &scenario);
            report.world.run();
            let end = report.world.get(first).events.last().map(|event| event.1);
            // A known peer that was restarted at once cannot be told from its past; its user tries again.
            let is_known = scenario.language == Language::Known;
            if end != Some(Progress::Done { bytes: 20_000 }) {
                assert!(is_known && moment < 35, "{:?} {moment}: {end:?}", scenario.language);
                let second = restart_client(&mut report, &scenario);
                report.world.run();
                let end = report.world.get(second).events.last().map(|event| event.1);
                assert_eq!(end, Some(Progress::Done { bytes: 20_000 }));
            }
        }
    }
}

#[test]
fn a_restarted_server_says_that_it_knows_nobody() {
    for scenario in scenarios(20_000) {
        let network = Simulated::new(1).both(|path| path.delay = Duration::from_millis(60));
        let mut report = scenario.prepare::<_, Host, Host>(network);
        report.world.run_for(Duration::from_millis(1_500));
        let (server, client) = report.handles();
        let restarted = report.world.now();
        let new: Handle<ServerNode<Host, Sessions>> = report.world.replace(server, |seat| {
            let service = skep_core::files::Server::new(scenario.rules, Sessions::new());
            Node::new(seat, scenario.server, 99, service)
        });
        report.world.run();
        let past = *report.world.get(client).last_past();
        assert!(past.outcome.is_err());
        let waited = past.at.since(restarted);
        // Skep's own language has a word for it; known peers have to notice. Who only receives asks after a while.
        let most = if scenario.language == Language::Known { 36 } else { 9 };
        assert!(waited < Duration::from_secs(most), "{:?} {:?}: {waited:?}", scenario.language, scenario.way);
        assert_eq!(report.world.get(new).storage.files.len(), 0);
        assert_eq!(report.world.get(new).endpoint.count(), 0);
    }
}

#[test]
fn a_client_that_comes_back_hears_nothing_of_what_was_broken_off_before() {
    for scenario in scenarios(20_000) {
        let network = Simulated::new(1).both(|path| path.delay = Duration::from_millis(60));
        let mut report = scenario.prepare::<_, Host, Host>(network);
        report.world.run_for(Duration::from_secs(2));
        // To a known peer that is a FIN, again and again, and the one that it is for has gone.
        report.server_mut().abort_all();
        let new = restart_client(&mut report, &scenario);
        report.world.run();
        let end = report.world.get(new).events.last().unwrap().1;
        assert_eq!(end, Progress::Done { bytes: 20_000 }, "{:?} {:?}", scenario.language, scenario.way);
    }
}
