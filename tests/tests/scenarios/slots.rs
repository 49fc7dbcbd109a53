//! A server that serves so many at once: the others are refused, or wait.

use skep_core::{
    Span,
    files::{self, Progress, WhenFull},
    rdt::Language,
    wire::file::Code,
};
use skep_tests::{
    Boards, Cast, Crowd, PlainRdt, PlainTcp, Player, Programs, SealedTcp, Simulated, download,
    known_settings, own_settings, upload,
};
use std::time::Duration;

const CLIENTS: usize = 6;
const SIZE: usize = 20_000;

/// Boards with room for all of them.
type Rdt = Boards<PlainRdt<8>>;
type Tcp = Boards<PlainTcp<8>>;
type Sealed = Boards<SealedTcp<8>>;

/// Clients that call a server of one slot, one after the other; half of them upload.
fn crowd<C: Cast<Sessions: Default>>(
    network: Simulated,
    language: Language,
    when_full: WhenFull,
) -> Crowd<Simulated, C> {
    let settings = if language == Language::Own { own_settings(8, 500) } else { known_settings(1, 500) };
    // In the known language nobody can be asked whether he lives: who lets others wait has to be patient.
    let idle = if language == Language::Own { settings.idle } else { Span::from_secs(600) };
    let settings = skep_core::rdt::Settings { idle, ..settings };
    let patient = skep_core::rdt::Settings { tries: 100, ..settings };
    let rules = files::Settings { slots: 1, when_full, ..files::Settings::DEFAULT };
    let mut crowd = Crowd::<_, C>::new(network, settings, rules);
    crowd.served().insert("served".into(), vec![7; SIZE]);
    for number in 0..CLIENTS {
        let service = if number % 2 == 0 { download("served") } else { upload(&format!("file {number}")) };
        let at = crowd.world.now() + Duration::from_millis(number as u64);
        let client = crowd.client(at, patient, language, service);
        let files = &mut crowd.world.get_mut(client).files_mut().files;
        files.insert(format!("file {number}"), vec![number as u8; SIZE]);
    }
    crowd
}

const DONE: Progress = Progress::Done { bytes: SIZE as u64 };

fn the_others_are_told<C: Cast<Sessions: Default>>(languages: &[Language]) {
    for &language in languages {
        let mut crowd = crowd::<C>(Simulated::new(1), language, WhenFull::Busy);
        crowd.world.run();
        let ends: Vec<_> = crowd.clients.iter().map(|&client| crowd.end(client).1).collect();
        assert_eq!(ends.iter().filter(|&&end| end == DONE).count(), 1, "{ends:?}");
        assert_eq!(ends.iter().filter(|&&end| end == Progress::Refused(Code::Busy)).count(), CLIENTS - 1);
        let server = crowd.world.get(crowd.server).machine();
        assert_eq!(server.counters().refused, CLIENTS as u64 - 1);
    }
}

#[test]
fn who_finds_no_slot_is_told_that_the_server_is_busy() {
    the_others_are_told::<Programs>(&[Language::Own, Language::Known]);
    the_others_are_told::<Rdt>(&[Language::Own, Language::Known]);
    the_others_are_told::<Tcp>(&[Language::Own]);
    the_others_are_told::<Sealed>(&[Language::Own]);
}

fn the_others_wait<C: Cast<Sessions: Default>>(languages: &[Language]) {
    for &language in languages {
        let mut crowd = crowd::<C>(Simulated::new(1), language, WhenFull::Wait);
        crowd.world.run();
        let ends: Vec<_> = crowd.clients.iter().map(|&client| crowd.end(client)).collect();
        assert!(ends.iter().map(|end| end.0).is_sorted(), "{ends:?}");
        assert!(ends.iter().all(|end| end.1 == DONE), "{ends:?}");
        assert_eq!(crowd.served().len(), 1 + CLIENTS / 2);
    }
}

#[test]
fn who_finds_no_slot_waits_and_is_served_in_order() {
    the_others_wait::<Programs>(&[Language::Own, Language::Known]);
    the_others_wait::<Rdt>(&[Language::Own, Language::Known]);
    the_others_wait::<Tcp>(&[Language::Own]);
    the_others_wait::<Sealed>(&[Language::Own]);
}

fn all_are_served<C: Cast<Sessions: Default>>(languages: &[Language], loss: u32) {
    for &language in languages {
        for seed in 0..50 {
            let network = Simulated::new(seed).both(|path| path.loss = loss);
            let mut crowd = crowd::<C>(network, language, WhenFull::Wait);
            crowd.world.run();
            let ends: Vec<_> = crowd.clients.iter().map(|&client| crowd.end(client).1).collect();
            assert!(ends.iter().all(|&end| end == DONE), "{seed}: {ends:?}");
        }
    }
}

#[test]
fn who_waits_is_served_under_loss_too() {
    all_are_served::<Programs>(&[Language::Own, Language::Known], 100);
    all_are_served::<Rdt>(&[Language::Own, Language::Known], 100);
    // Calls over TCP are not repeated for as long.
    all_are_served::<Tcp>(&[Language::Own], 20);
    all_are_served::<Sealed>(&[Language::Own], 20);
}

fn the_next_is_served<C: Cast<Sessions: Default>>(languages: &[Language]) {
    for &language in languages {
        // A known peer that dies in the line is noticed only when it has been patiently waited for.
        let dead = if language == Language::Own { 2 } else { 1 };
        for first in 0..dead {
            let mut crowd = crowd::<C>(Simulated::new(1), language, WhenFull::Wait);
            crowd.world.run_for(Duration::from_millis(100));
            for number in 0..=first {
                crowd.world.get_mut(crowd.clients[number]).kill();
            }
            crowd.world.run();
            for &client in &crowd.clients[1 + first..] {
                assert_eq!(crowd.end(client).1, DONE);
            }
        }
    }
}

#[test]
fn a_slot_is_free_again_when_its_client_dies() {
    the_next_is_served::<Programs>(&[Language::Own, Language::Known]);
    the_next_is_served::<Rdt>(&[Language::Own, Language::Known]);
    the_next_is_served::<Tcp>(&[Language::Own]);
    the_next_is_served::<Sealed>(&[Language::Own]);
}
