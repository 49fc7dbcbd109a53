//! Every bound at one: one connection, one segment, one place in the backlog, one slot, one session.

use skep_core::{
    files::{self, Progress, Session},
    rdt::{Fixed, Language, Settings},
    table::Slot,
    wire::rdt::Terms,
};
use skep_tests::{ClientNode, Handle, Host, Scenario, ServerNode, Simulated, Way, World, download, upload};
use std::time::Duration;

type One = Fixed<1, 1>;
type OneSession = heapless::Vec<Slot<Session>, 1>;
type OneClient = Handle<ClientNode<One>>;

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
fn crowd(network: Simulated, language: Language, count: usize) -> u64 {
    let mut world = World::new(network);
    let server: Handle<ServerNode<One, OneSession>> = world.serve(smallest(), rules());
    world.get_mut(server).storage.files.insert("served".into(), vec![7; 100]);
    let (to, now) = (world.address(server), world.now());
    let clients: Vec<OneClient> = (0..count)
        .map(|number| {
            let service =
                if number % 2 == 0 { download("served") } else { upload(&format!("file {number}")) };
            let client = world.client(to, now, smallest(), language, service);
            world.get_mut(client).storage.files.insert(format!("file {number}"), vec![number as u8; 101]);
            client
        })
        .collect();
    world.run();
    for (number, client) in clients.into_iter().enumerate() {
        let client = world.get(client);
        let bytes = if number % 2 == 0 { 100 } else { 101 };
        assert_eq!(client.events.last().unwrap().1, Progress::Done { bytes }, "{number}: {:?}", client.past);
    }
    let stored = &world.get(server).storage.files;
    assert_eq!(stored.len(), 1 + count / 2);
    assert!(stored.iter().all(|(_, content)| content.iter().all(|byte| *byte == content[0])));
    world.network.hash()
}

#[test]
fn one_of_everything_serves_one_client_after_the_other() {
    for language in [Language::Own, Language::Known, Language::Any] {
        crowd(Simulated::new(1), language, 5);
    }
}

#[test]
fn one_of_everything_serves_them_all_under_loss() {
    for language in [Language::Own, Language::Known] {
        for seed in 0..100 {
            crowd(Simulated::new(seed).both(|path| path.loss = 100), language, 3);
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
