//! What sealing costs: a handshake, datagrams, records, and a forged first packet.
//!
//! `cargo bench -p skep-benches --bench seal`

use criterion::{Bencher, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use skep::provider::HostProvider;
use skep_core::{
    Instant,
    guard::{FirstPacket, Guard, HOST_BUCKETS, HOST_SLOTS, Settings, Verdict},
    seal::{
        Initiator, InitiatorKeys, KeyPair, Keys, Prologue, Protection, Provider, Psk, Responder,
        ResponderKeys, RustCrypto, Secret, Transport, datagram, record,
    },
    wire::seal::{Purpose, Suite, Suites},
};
use std::{hint::black_box, time::Duration};

/// A datagram as it goes over the network.
const DATAGRAM: usize = 1_200;

/// Datagrams that are sealed at once, as for segmentation offload.
const BATCH: usize = 64;

/// Text in a record.
const TEXT: usize = 16 << 10;

struct Sides<P: Provider> {
    client: KeyPair<P>,
    server: KeyPair<P>,
    psk: Psk,
}

impl<P: Provider> Sides<P> {
    fn new() -> Self {
        let pair = |byte| KeyPair::new(Secret::new([byte; 32]));
        Self { client: pair(1), server: pair(2), psk: Psk::new(Secret::new([3; 32])) }
    }

    fn keys(&self, purpose: Purpose) -> (InitiatorKeys<'_, P>, ResponderKeys<'_, P>) {
        let (client, server, psk) = (&self.client, &self.server, &self.psk);
        let peer = server.public();
        match purpose {
            Purpose::Member => (InitiatorKeys::Ik { own: client, peer }, ResponderKeys::Ik { own: server }),
            Purpose::Guest | Purpose::Salt => (InitiatorKeys::Nk { peer }, ResponderKeys::Nk { own: server }),
            Purpose::Enrol { .. } => {
                (InitiatorKeys::NkPsk0 { peer, psk }, ResponderKeys::NkPsk0 { own: server, psk })
            }
            Purpose::Peer { .. } => (
                InitiatorKeys::KkPsk0 { own: client, peer, psk },
                ResponderKeys::KkPsk0 { own: server, peer: client.public(), psk },
            ),
        }
    }

    /// All of a handshake, on both sides.
    fn shake_hands(&self, purpose: Purpose) -> (Keys, Keys) {
        let (initiator, responder) = self.keys(purpose);
        let suites = Suites::CHACHA.and(Suite::Aes);
        let prologue = Prologue::new(Transport::Datagrams, suites, purpose);
        let ephemeral = |byte| Secret::new(black_box([byte; 32]));
        let (mut first, mut second, mut payload) = ([0; 160], [0; 160], [0; 160]);
        let (mut initiator, length) =
            Initiator::start(&initiator, &prologue, ephemeral(4), b"offer", &mut first).unwrap();
        let (responder, _) = Responder::read(&responder, &prologue, &first[..length], &mut payload).unwrap();
        let (theirs, length) = responder.answer(ephemeral(5), b"answer", &mut second).unwrap();
        let (ours, _) = initiator.finish(&second[..length], &mut payload).unwrap();
        (ours, theirs)
    }
}

/// With the core's default provider, and with the one that the program has on this system.
fn handshakes(criterion: &mut Criterion) {
    handshakes_of::<RustCrypto>(criterion, "seal/handshake/core");
    handshakes_of::<HostProvider>(criterion, "seal/handshake/host");
}

fn handshakes_of<P: Provider>(criterion: &mut Criterion, name: &str) {
    let sides = Sides::<P>::new();
    let mut group = criterion.benchmark_group(name);
    for (name, purpose) in [
        ("IK", Purpose::Member),
        ("NK", Purpose::Guest),
        ("NKpsk0", Purpose::Enrol { invite: [6; 8] }),
        ("KKpsk0", Purpose::Peer { introduction: [6; 16] }),
    ] {
        group.bench_function(name, |bencher| bencher.iter(|| sides.shake_hands(purpose)));
    }
    group.finish();
}

const SUITES: [(&str, Suite); 2] = [("ChaCha20-Poly1305", Suite::ChaCha), ("AES-128-GCM", Suite::Aes)];

fn datagrams(criterion: &mut Criterion) {
    datagrams_of::<RustCrypto>(criterion, "seal/datagram/core");
    datagrams_of::<HostProvider>(criterion, "seal/datagram/host");
}

fn datagrams_of<P: Provider>(criterion: &mut Criterion, name: &str) {
    let mut group = criterion.benchmark_group(name);
    let bytes = DATAGRAM * BATCH;
    group.throughput(Throughput::Bytes(bytes as u64));
    for (name, suite) in SUITES {
        let (ours, theirs) = Sides::<P>::new().shake_hands(Purpose::Member);
        let mut sealer = Protection::<P>::new(suite, &ours, [7; 8]).unwrap();
        let mut opener = Protection::<P>::new(suite, &theirs, [8; 8]).unwrap();
        let mut batch = vec![0; bytes];
        group.bench_function(BenchmarkId::new("seal", name), |bencher| {
            bencher.iter(|| sealer.seal_batch(black_box(&mut batch), DATAGRAM).unwrap());
        });
        // What was sealed above was never opened, so the next number may be far ahead.
        let mut sealer = Protection::<P>::new(suite, &ours, [7; 8]).unwrap();
        group.bench_function(BenchmarkId::new("open", name), |bencher: &mut Bencher<'_>| {
            bencher.iter_batched_ref(
                || {
                    let mut batch = vec![0; bytes];
                    sealer.seal_batch(&mut batch, DATAGRAM).unwrap();
                    batch
                },
                |batch| batch.chunks_mut(DATAGRAM).for_each(|datagram| _ = opener.open(datagram).unwrap()),
                criterion::BatchSize::PerIteration,
            );
        });
    }
    assert_eq!(datagram::OVERHEAD, 30);
    group.finish();
}

fn records(criterion: &mut Criterion) {
    records_of::<RustCrypto>(criterion, "seal/record/core");
    records_of::<HostProvider>(criterion, "seal/record/host");
}

fn records_of<P: Provider>(criterion: &mut Criterion, name: &str) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(TEXT as u64));
    for (name, suite) in SUITES {
        let (ours, _) = Sides::<P>::new().shake_hands(Purpose::Member);
        let mut sealer = record::Sealer::<P>::new(suite, &ours, record::HOST_LARGEST).unwrap();
        let mut bytes = vec![0; TEXT + record::OVERHEAD];
        group.bench_function(BenchmarkId::new("seal", name), |bencher| {
            bencher.iter(|| sealer.seal(black_box(&mut bytes)).unwrap());
        });
    }
    group.finish();
}

/// A guard whose table is full of handshakes that nobody finishes: the longest way for a packet.
fn full_guard() -> Guard<HOST_SLOTS, HOST_BUCKETS> {
    let mut guard = Guard::new(Settings::HOST, [1; 32]);
    guard.late(Instant::ZERO);
    for number in 0..HOST_SLOTS as u8 {
        guard.turn();
        let first = |cookie| FirstPacket {
            from: ([10, number, 0, 1], 4_000).into(),
            client: [number; 8],
            attempt: [0; 8],
            cookie,
            length: 1_200,
        };
        let Verdict::Challenge(cookie) = guard.first(Instant::ZERO, &first(None)) else {
            panic!("no challenge")
        };
        let Verdict::Proceed(permit) = guard.first(Instant::ZERO, &first(Some(&cookie))) else {
            panic!("a right cookie is refused")
        };
        assert!(guard.answered(Instant::ZERO, permit).is_some());
    }
    assert_eq!(guard.half_open(), HOST_SLOTS);
    guard
}

/// What a forged packet costs under load: with no cookie it is answered by a challenge, with a wrong one by nothing.
fn guard(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("seal/guard");
    for (name, cookie) in [("no cookie", None), ("a forged cookie", Some([9; 16]))] {
        let mut guard = full_guard();
        let mut number = 0_u64;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                number += 1;
                // 4 million a second, each from another address.
                let now = Instant::from_micros(number / 4);
                let [.., a, b, c, d] = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
                let packet = FirstPacket {
                    from: ([a, b, c, d], 4_000).into(),
                    client: number.to_be_bytes(),
                    attempt: [0; 8],
                    cookie: cookie.as_ref(),
                    length: 1_200,
                };
                guard.late(now);
                guard.first(now, black_box(&packet))
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = handshakes, datagrams, records, guard
}
criterion_main!(benches);
