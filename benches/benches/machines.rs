//! A transfer through a pair of machines in memory: what the protocol itself costs, without sockets and storage.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use skep_benches::Pair;
use std::time::Duration;

const LENGTH: usize = 4 << 20;

fn transfers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("machines/transfer");
    group.throughput(Throughput::Bytes(LENGTH as u64));
    for window in [1, 16, 64, 256] {
        let mut pair = Pair::new(window, LENGTH);
        group.bench_function(BenchmarkId::new("window", window), |bencher| bencher.iter(|| pair.transfer()));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = transfers
}
criterion_main!(benches);
