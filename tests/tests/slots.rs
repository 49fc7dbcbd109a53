//! A server that serves so many at once: the others are refused, or wait.

use skep_core::{
    files::{self, Progress, WhenFull},
    rdt::Language,
    wire::file::Code,
};
use skep_tests::{
    ClientNode, Handle, Host, ServerNode, Sessions, Simulated, World, download, known_settings, own_settings,
    upload,
};
use std::time::Duration;

type Client = Handle<ClientNode<Host>>;

const CLIENTS: usize = 6;
const SIZE: usize = 20_000;

/// Clients that call a server of one slot, one after the other; half of them upload.
fn crowd(
    network: Simulated,
    language: Language,
    when_full: WhenFull,
) -> (World<Simulated>, Handle<ServerNode<Host, Sessions>>, Vec<Client>) {
    let mut world = World::new(network);
    let settings = if language == Language::Own { own_settings(8, 500) } else { known_settings(1, 500) };
    // In the known language nobody can be asked whether he lives: who lets others wait has to be patient.
    let idle = if language == Language::Own { settings.idle } else { Duration::from_secs(600) };
    let settings = skep_core::rdt::Settings { idle, ..settings };
    let patient = skep_core::rdt::Settings { tries: 100, ..settings };
    let rules = files::Settings { slots: 1, when_full, ..files::Settings::DEFAULT };
    let server = world.serve(settings, rules);
    world.get_mut(server).storage.files.insert("served".into(), vec![7; SIZE]);
    let (to, now) = (world.address(server), world.now());
    let clients = (0..CLIENTS)
        .map(|number| {
            let service =
                if number % 2 == 0 { download("served") } else { upload(&format!("file {number}")) };
            let at = now + Duration::from_millis(number as u64);
            let client: Client = world.client(to, at, patient, language, service);
            world.get_mut(client).storage.files.insert(format!("file {number}"), vec![number as u8; SIZE]);
            client
        })
        .collect();
    (world, server, clients)
}

fn end(world: &World<Simulated>, client: Client) -> Progress {
    world.get(client).events.last().unwrap().1
}

const DONE: Progress = Progress::Done { bytes: SIZE as u64 };

#[test]
fn who_finds_no_slot_is_told_that_the_server_is_busy() {
    for language in [Language::Own, Language::Known] {
        let (mut world, server, clients) = crowd(Simulated::new(1), language, WhenFull::Busy);
        world.run();
        assert_eq!(end(&world, clients[0]), DONE);
        for &client in &clients[1..] {
            assert_eq!(end(&world, client), Progress::Refused(Code::Busy));
        }
        assert_eq!(world.get(server).service.counters().refused, CLIENTS as u64 - 1);
    }
}

#[test]
fn who_finds_no_slot_waits_and_is_served_in_order() {
    for language in [Language::Own, Language::Known] {
        let (mut world, server, clients) = crowd(Simulated::new(1), language, WhenFull::Wait);
        world.run();
        let ends: Vec<_> = clients.iter().map(|&client| world.get(client).events.last().unwrap().0).collect();
        assert!(ends.is_sorted(), "{ends:?}");
        assert!(clients.iter().all(|&client| end(&world, client) == DONE));
        assert_eq!(world.get(server).storage.files.len(), 1 + CLIENTS / 2);
    }
}

#[test]
fn who_waits_is_served_under_loss_too() {
    for language in [Language::Own, Language::Known] {
        for seed in 0..50 {
            let network = Simulated::new(seed).both(|path| path.loss = 100);
            let (mut world, _, clients) = crowd(network, language, WhenFull::Wait);
            world.run();
            assert!(clients.iter().all(|&client| end(&world, client) == DONE), "{seed}");
        }
    }
}

#[test]
fn a_slot_is_free_again_when_its_client_dies() {
    for language in [Language::Own, Language::Known] {
        // A known peer that dies in the line is noticed only when it has been patiently waited for.
        let dead = if language == Language::Own { 2 } else { 1 };
        for first in 0..dead {
            let (mut world, _, clients) = crowd(Simulated::new(1), language, WhenFull::Wait);
            world.run_for(Duration::from_millis(100));
            world.get_mut(clients[0]).kill();
            if first == 1 {
                world.get_mut(clients[1]).kill();
            }
            world.run();
            for &client in &clients[1 + first..] {
                assert_eq!(end(&world, client), DONE);
            }
        }
    }
}
