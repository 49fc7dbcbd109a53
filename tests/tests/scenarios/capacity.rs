//! Every bound at one: one connection, one segment, one place in the backlog, one slot, one session.

use skep_core::{
    files::{self, Progress, Session},
    rdt::{Fixed, Language, Settings},
    table::Named,
    wire::rdt::Terms,
};
use skep_tests::{
    Boards, Cast, ClientNode, Crowd, Host, PlainRdt, Player, Programs, Random, Scenario, Seat, Simulated,
    Way, Wired, download, upload,
};
use std::time::Duration;

type OneSession = heapless::Vec<Named<Session>, 1>;
type Program = Programs<Fixed<1, 1>, OneSession>;
type Board = Boards<PlainRdt<1, 1>, OneSession>;

fn smallest() -> Settings {
    Settings {
        terms: Terms { window: 1, segment: 40 },
        window: 1,
        known_segment: 40,
        batch: 1,
        backlog: 1,
        // Who finds no room calls until there is.
        calls: 250,
        ..Settings::DEVICE
    }
}

fn rules() -> files::Settings {
    files::Settings { slots: 1, ..files::Settings::DEFAULT }
}

/// One server and `count` clients that all call at the start; half of them upload.
fn crowd<C: Cast<Sessions = OneSession>>(network: Simulated, language: Language, count: usize) {
    let mut crowd = Crowd::<_, C>::new(network, smallest(), rules());
    crowd.served().insert("served".into(), vec![7; 100]);
    for number in 0..count {
        let service = if number % 2 == 0 { download("served") } else { upload(&format!("file {number}")) };
        let client = crowd.client(crowd.world.now(), smallest(), language, service);
        let files = &mut crowd.world.get_mut(client).files_mut().files;
        files.insert(format!("file {number}"), vec![number as u8; 101]);
    }
    crowd.world.run();
    for (number, &client) in crowd.clients.iter().enumerate() {
        let bytes = if number % 2 == 0 { 100 } else { 101 };
        assert_eq!(crowd.end(client).1, Progress::Done { bytes }, "{language:?}: {number}");
    }
    let stored = crowd.served();
    assert_eq!(stored.len(), 1 + count / 2);
    assert!(stored.iter().all(|(_, content)| content.iter().all(|byte| *byte == content[0])));
}

#[test]
fn one_of_everything_serves_one_client_after_the_other() {
    for language in [Language::Own, Language::Known, Language::Any] {
        crowd::<Program>(Simulated::new(1), language, 5);
        crowd::<Board>(Simulated::new(1), language, 5);
    }
}

#[test]
fn one_of_everything_serves_them_all_under_loss() {
    for language in [Language::Own, Language::Known] {
        for seed in 0..100 {
            let network = || Simulated::new(seed).both(|path| path.loss = 100);
            crowd::<Program>(network(), language, 3);
            crowd::<Board>(network(), language, 3);
        }
    }
}

#[test]
fn a_device_and_a_host_understand_each_other() {
    for way in [Way::Download, Way::Upload] {
        for language in [Language::Own, Language::Known, Language::Any] {
            for seed in 0..50 {
                let network = || Simulated::new(seed).both(|path| path.loss = 100);
                let scenario = Scenario::new(way, 20_000).but(|it| it.language = language);
                let device = scenario.clone().but(|it| it.client = Settings::DEVICE);
                device.run_on::<_, Host, Fixed<1, 4>>(network()).expect_done();
                let device = scenario.but(|it| it.server = Settings::DEVICE);
                device.run_on::<_, Fixed<1, 4>, Host>(network()).expect_done();
            }
        }
    }
}

#[test]
fn a_board_serves_a_host_on_its_cable() {
    for language in [Language::Own, Language::Known, Language::Any] {
        for seed in 0..50 {
            let cable = Simulated::new(seed).both(|path| path.loss = 100);
            let mut crowd =
                Crowd::<_, Boards<PlainRdt<2, 4>>>::new(cable, Settings::DEVICE, files::Settings::DEFAULT);
            let content = Random::new(seed).bytes(20_000);
            crowd.served().insert("served".into(), content.clone());
            let (at, to) = (crowd.world.now(), Wired::<ClientNode>::address(Seat(0)));
            let host = |seat, service| {
                let call = (at, to, language);
                Wired::new(seat, <Programs as Cast>::client(seat, Settings::HOST, service, call))
            };
            let down = crowd.world.add(|seat| host(seat, download("served")));
            let up = crowd.world.add(|seat| host(seat, upload("sent")));
            crowd.world.get_mut(up).member.storage.files.insert("sent".into(), content.clone());
            crowd.world.run();
            assert_eq!(crowd.world.get(down).member.storage.files["served"], content, "{seed}");
            assert_eq!(crowd.served()["sent"], content, "{seed}");
        }
    }
}

#[test]
fn a_window_is_bounded_by_the_memory_not_by_the_setting() {
    // Settings of a host, in memories of a device, and of an odd size.
    for seed in 0..50 {
        let network = || Simulated::new(seed).both(|path| path.loss = 50);
        for way in [Way::Download, Way::Upload] {
            let scenario = Scenario::new(way, 30_000).own(1_024, 500);
            scenario.run_on::<_, Fixed<2, 2>, Host>(network()).expect_done();
            scenario.run_on::<_, Host, Fixed<3, 6>>(network()).expect_done();
            scenario.run_on::<_, Fixed<1, 1>, Fixed<1, 1>>(network()).expect_done();
        }
    }
}

#[test]
fn replies_that_find_no_room_are_asked_for_again() {
    // 64 datagrams before a poll, and room for four replies to them.
    let scenario = Scenario::new(Way::Upload, 50_000).known(32, 500).but(|it| it.habits.feeds = 64);
    let scenario = scenario.but(|it| it.habits.keeps_early = true);
    let report = scenario.run_on::<_, Fixed<1, 32>, Host>(Simulated::new(1)).expect_done();
    assert!(report.elapsed() < Duration::from_secs(60));
}
