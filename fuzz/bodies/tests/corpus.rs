//! Replays the committed corpus on a stable compiler.

use std::{fs, path::Path};

fn replay(target: &str, body: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(target);
    let mut count = 0;
    for entry in fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        // A fault names its input: the test's output is shown only when it fails.
        println!("{}", path.display());
        body(&fs::read(path).unwrap());
        count += 1;
    }
    assert!(count > 0, "no corpus in {}", directory.display());
}

/// Bytes that look random: what a fuzzer begins with.
fn sample(body: fn(&[u8]), count: u64, length: usize) {
    for seed in 0..count {
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let bytes: Vec<u8> = (0..length)
            .map(|_| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                random as u8
            })
            .collect();
        println!("seed {seed}");
        body(&bytes);
    }
}

#[test]
fn the_corpus_of_packets_passes() {
    replay("packet", skep_fuzz_bodies::packet);
}

#[test]
fn the_corpus_of_rdt_passes() {
    replay("rdt", skep_fuzz_bodies::rdt);
}

#[test]
fn the_corpus_of_files_passes() {
    replay("files", skep_fuzz_bodies::files);
}

#[test]
fn the_corpus_of_layers_passes() {
    replay("layer", skep_fuzz_bodies::layer);
}

#[test]
fn the_corpus_of_handshakes_passes() {
    replay("handshake", skep_fuzz_bodies::handshake);
}

#[test]
fn the_corpus_of_sealed_datagrams_passes() {
    replay("datagrams", skep_fuzz_bodies::datagrams);
}

#[test]
fn the_corpus_of_records_passes() {
    replay("records", skep_fuzz_bodies::records);
}

#[test]
fn the_corpus_of_guards_passes() {
    replay("guard", skep_fuzz_bodies::guard);
}

#[test]
fn the_corpus_of_trackers_passes() {
    replay("tracker", skep_fuzz_bodies::tracker);
}

#[test]
fn the_corpus_of_clients_passes() {
    replay("client", skep_fuzz_bodies::client);
}

#[test]
fn the_corpus_of_sessions_passes() {
    replay("session", skep_fuzz_bodies::session);
}

#[test]
fn some_random_networks_pass() {
    sample(skep_fuzz_bodies::rdt, 300, 400);
}

#[test]
fn some_random_calls_pass() {
    sample(skep_fuzz_bodies::files, 1_000, 600);
}

#[test]
fn some_random_networks_under_layers_pass() {
    sample(skep_fuzz_bodies::layer, 200, 400);
}

#[test]
fn some_random_handshakes_datagrams_and_records_pass() {
    sample(skep_fuzz_bodies::handshake, 200, 300);
    sample(skep_fuzz_bodies::datagrams, 500, 600);
    sample(skep_fuzz_bodies::records, 500, 200);
}

#[test]
fn some_random_guards_pass() {
    sample(skep_fuzz_bodies::guard, 500, 2_000);
}

#[test]
fn some_random_trackers_clients_and_sessions_pass() {
    sample(skep_fuzz_bodies::tracker, 1_000, 1_500);
    sample(skep_fuzz_bodies::client, 2_000, 1_000);
    sample(skep_fuzz_bodies::session, 300, 600);
}
