//! Two real endpoints and a network that does what the bytes say.
//!
//! ```text
//!        caller                 network                 called
//!   content, finish ──► deliver drop delay double ──► stores, compares
//!   stores, compares ◄── damage inject ◄──────────── content, finish
//! ```
//!
//! When the bytes are used up the network is perfect. Both sides must come to an end, good or bad, in a bounded
//! number of steps; an end that is called good must be one; what is stored is what was sent; nothing waits for the
//! past; no connection is left over.

mod network;
mod side;

use crate::Choices;
use network::Network;
use side::Side;
use skep_core::{
    Instant,
    rdt::{Language, Settings},
    wire::rdt::Terms,
};
use std::time::Duration;

/// Far more than the slowest transfer over the worst network takes.
const STEPS_MAX: usize = 200_000;
const TIME_MAX: Duration = Duration::from_secs(1_800);
/// How long an application waits for what a liar has promised: a forged FINACK, for one, leaves both sides waiting
/// for the other, and each hears that the other lives.
const PATIENCE: Duration = Duration::from_secs(900);

/// Plays one connection between two endpoints.
pub fn rdt(data: &[u8]) {
    let mut choices = Choices::new(data);
    let language = [Language::Own, Language::Known, Language::Any][choices.below(3)];
    let mut sides = [side(0, &mut choices), side(1, &mut choices)];
    let mut network = Network::default();
    let mut now = Instant::from_micros(1);
    sides[0].call(now, language);
    for _ in 0..STEPS_MAX {
        for side in &mut sides {
            side.drain(now, &mut network, &mut choices);
        }
        let deadlines = sides.iter().filter_map(Side::deadline);
        let Some(next) = deadlines.chain(network.next()).min() else {
            return judge(&sides, &network);
        };
        now = now.max(next);
        assert!(now.since(Instant::ZERO) < TIME_MAX, "it does not come to an end");
        if network.is_tampered && now.since(Instant::ZERO) > PATIENCE {
            sides.iter_mut().for_each(Side::abort);
        }
        if let Some(datagram) = network.take(now) {
            let to = &mut sides[datagram.to];
            to.take(now, datagram.from, &datagram.bytes, &mut choices);
        }
    }
    panic!("it takes too many steps");
}

fn side(number: usize, choices: &mut Choices<'_>) -> Side {
    let segment = [100, 8, 1_435, 1][choices.below(4)];
    let known_segment = [100, 8, 1][choices.below(3)];
    let settings = Settings {
        terms: Terms { window: [16, 1, 2, 4][choices.below(4)], segment },
        window: [16, 1, 4][choices.below(3)],
        known_window: [1, 2, 16][choices.below(3)],
        known_segment,
        early_window: [16, 1, 4][choices.below(3)],
        batch: [1, 3][choices.below(2)],
        backlog: 2,
        calls: 5,
        tries: 6,
        ..Settings::HOST
    };
    let least = usize::from(segment.min(known_segment));
    let length = [least + 1, 0, 1, least, 19 * least + 3][choices.below(5)];
    Side::new(number, settings, length)
}

/// Everything is at rest: whether it may be.
fn judge(sides: &[Side; 2], network: &Network) {
    for (side, other) in [(&sides[0], &sides[1]), (&sides[1], &sides[0])] {
        assert_eq!(side.count(), 0, "a connection is left over");
        if network.is_tampered || side.has_aborted || other.has_aborted {
            continue;
        }
        assert!(!side.is_wrong, "what is stored is not what was sent");
        // A known peer that gives up has no other word for it than that it has finished.
        assert!(!side.is_short || !side.is_own, "the peer finished before all was received");
        if side.end() == Some(Ok(())) {
            assert!(side.is_complete() || side.is_short, "a good end, and not all was received");
            assert!(other.is_complete(), "a good end, and not all was delivered");
        }
        if !network.is_rough && !side.is_rough && !other.is_rough {
            assert_eq!(side.end(), Some(Ok(())), "a good network, and a bad end");
        }
    }
}
