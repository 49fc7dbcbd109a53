//! What a forged packet costs. A measurement, not a test:
//! `cargo test --release -p skep-core guard::tests::cost -- --ignored --nocapture`

use super::*;
use std::{hint::black_box, time};

const BATCH: usize = 100_000;
const BATCHES: usize = 50;

#[test]
#[ignore = "measures time"]
fn a_forged_packet_costs_at_most_150_ns() {
    let mut random = Random(1);
    let forged: Vec<_> = (0..4_096).map(|_| (random.forged(), random.cookie())).collect();
    for (what, has_cookie) in [("no cookie", false), ("garbage as a cookie", true)] {
        let mut guard: Host = guard();
        // A full table: the longest way.
        for number in 0..HOST_SLOTS as u32 {
            let client = Client::number(number);
            let cookie = client.cookie(&mut guard, at(0));
            assert!(enter(&mut guard, at(0), &client.packet_with(&cookie)).is_some());
        }
        let mut number = 0;
        let mut batch = || {
            let start = time::Instant::now();
            for (client, cookie) in forged.iter().cycle().take(BATCH) {
                number += 1;
                let packet = if has_cookie { client.packet_with(cookie) } else { client.packet() };
                let verdict = guard.first(Instant::from_micros(number / 4), black_box(&packet));
                assert!(matches!(
                    black_box(verdict),
                    Verdict::Challenge(_) | Verdict::Drop(Reason::BadCookie)
                ));
            }
            start.elapsed().as_nanos() as f64 / BATCH as f64
        };
        let mut nanoseconds: Vec<_> = (0..BATCHES).map(|_| batch()).collect();
        nanoseconds.sort_by(f64::total_cmp);
        let (best, median) = (nanoseconds[0], nanoseconds[BATCHES / 2]);
        println!("{what}: {best:.1} ns a packet at best, {median:.1} ns in the median");
        assert!(best <= 150.0);
    }
}
