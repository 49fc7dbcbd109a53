//! A file over loopback, by each carrier: what a user of this machine gets.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use skep_benches::loopback::{Carrier, Host};
use std::time::Duration;

const LENGTH: usize = 64 << 20;

fn loopback(criterion: &mut Criterion) {
    let host = Host::new(LENGTH);
    let mut group = criterion.benchmark_group("loopback, 64 MiB");
    group.throughput(Throughput::Bytes(LENGTH as u64)).sample_size(10);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    for carrier in [Carrier::Tcp, Carrier::Rdt, Carrier::SealedTcp, Carrier::SealedRdt] {
        group.bench_function(format!("{carrier:?}"), |bencher| {
            bencher.iter(|| assert_eq!(host.fetch(carrier), LENGTH as u64));
        });
    }
    group.finish();
}

criterion_group!(benches, loopback);
criterion_main!(benches);
