//! What the tracker itself costs: the machine in memory, without sockets.
//!
//! `cargo bench -p skep-benches --bench tracker`

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use skep_benches::{Hub, Relay};
use skep_core::wire::command::Operation;
use std::time::Duration;

/// Everybody hears of a change: time for one delivery is the inverse of the throughput.
fn fan_out(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tracker/fan-out");
    for sessions in [1_000, 10_000] {
        let mut hub = Hub::with(sessions);
        let mut length = 0;
        group.throughput(Throughput::Elements(u64::from(sessions)));
        group.bench_function(BenchmarkId::new("one change to", sessions), |bencher| {
            bencher.iter(|| {
                length += 1;
                // The author is told only that it is done.
                assert_eq!(hub.announce(length), u64::from(sessions));
            });
        });
        group.throughput(Throughput::Elements(u64::from(sessions) * 16));
        group.bench_function(BenchmarkId::new("16 changes to", sessions), |bencher| {
            bencher.iter(|| {
                length += 1;
                hub.announce_many(16, length)
            });
        });
    }
    group.finish();
}

fn sessions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tracker/session");
    let mut alone = Hub::with(1);
    group.bench_function("log in and out", |bencher| bencher.iter(|| alone.log_in_and_out()));
    group.bench_function("publish and withdraw", |bencher| bencher.iter(|| alone.publish_and_withdraw()));
    for users in [1_000, 10_000] {
        let mut hub = Hub::with(users);
        group.throughput(Throughput::Elements(users.into()));
        group.bench_function(BenchmarkId::new("log in, with a list of", users), |bencher| {
            bencher.iter(|| hub.log_in_and_out());
        });
    }
    group.finish();
}

/// 10,000 users come, and each learns of all: time for one of them.
fn crowd(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tracker/crowd");
    group.sample_size(10).throughput(Throughput::Elements(10_000));
    group.bench_function("10,000 come and learn of each other", |bencher| bencher.iter(|| Hub::with(10_000)));
    group.finish();
}

fn commands(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tracker/command");
    let mut hub = Hub::with(1);
    group.throughput(Throughput::Elements(2));
    group.bench_function("register and unregister", |bencher| {
        bencher.iter(|| {
            hub.command(Operation::Register, &[b"ana"]);
            hub.command(Operation::Unregister, &[b"ana"]);
        });
    });
    hub.command(Operation::Register, &[b"eva"]);
    hub.command(Operation::Connect, &[b"eva", b"4000"]);
    group.bench_function("publish and delete", |bencher| {
        bencher.iter(|| {
            hub.command(Operation::Publish, &[b"eva", b"/tmp/x", b"a description"]);
            hub.command(Operation::Delete, &[b"eva", b"/tmp/x"]);
        });
    });
    let mut hub = Hub::with(1_000);
    hub.command(Operation::Register, &[b"eva"]);
    hub.command(Operation::Connect, &[b"eva", b"4000"]);
    group.throughput(Throughput::Elements(1));
    group.bench_function("list 1,000 users", |bencher| {
        bencher.iter(|| hub.command(Operation::ListUsers, &[b"eva"]));
    });
    group.finish();
}

/// What is relayed from one sealed session over RDT to another; what the ends do is not counted.
fn relay(criterion: &mut Criterion) {
    const LENGTH: usize = 4 << 20;
    let mut group = criterion.benchmark_group("tracker/relay");
    group.throughput(Throughput::Bytes(LENGTH as u64));
    let mut relay = Relay::new();
    group.bench_function("sealed RDT to sealed RDT", |bencher| {
        bencher.iter_custom(|times| (0..times).map(|_| relay.pass(LENGTH)).sum());
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = fan_out, sessions, crowd, commands, relay
}
criterion_main!(benches);
