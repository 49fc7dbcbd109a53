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
mod sealing;
mod side;

use crate::Choices;
use network::Network;
use sealing::Sealing;
use side::Side;
use skep_core::{
    Instant,
    rdt::{Envelope, Language, Settings},
    seal::datagram,
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
    let now = Instant::from_micros(1);
    sides[0].call(now, language);
    play(&mut sides, now, &mut choices);
}

/// The same with a layer of the sealed transport under each endpoint. Nobody on the network can do more than to lose
/// datagrams: whatever is forged, damaged, copied or sent from elsewhere, what is stored is what was sent, and an end
/// that is called good is one. The caller may move to another address. Who has shown no key and is at no address that
/// was asked is sent no more bytes than came from there.
pub fn layer(data: &[u8]) {
    let mut choices = Choices::new(data);
    let (calls, answers) = Sealing::pair(&mut choices);
    let mut sides = [sealed_side(0, &mut choices), sealed_side(1, &mut choices)];
    sides[0].sealing = Some(calls);
    sides[1].sealing = Some(answers);
    let now = Instant::from_micros(1);
    sides[0].call(now, Language::Own);
    play(&mut sides, now, &mut choices);
}

/// Until everything is at rest.
fn play(sides: &mut [Side; 2], now: Instant, choices: &mut Choices<'_>) {
    let mut now = now;
    let mut network = Network::default();
    for _ in 0..STEPS_MAX {
        for side in sides.iter_mut() {
            side.drain(now, &mut network, choices);
        }
        let deadlines = sides.iter().filter_map(Side::deadline);
        let Some(next) = deadlines.chain(network.next()).min() else {
            return judge(sides, &network);
        };
        now = now.max(next);
        assert!(now.since(Instant::ZERO) < TIME_MAX, "it does not come to an end");
        if network.is_tampered && now.since(Instant::ZERO) > PATIENCE {
            sides.iter_mut().for_each(Side::abort);
        }
        if let Some(datagram) = network.take(now) {
            let to = &mut sides[datagram.to];
            to.take(now, datagram.from, &datagram.bytes, choices);
        }
    }
    panic!("it takes too many steps");
}

fn sealed_side(number: usize, choices: &mut Choices<'_>) -> Side {
    // A call has to carry the first message of a handshake.
    let segment = [300, 226, 1_200][choices.below(3)];
    let settings = Settings {
        terms: Terms { window: [16, 1, 2, 4][choices.below(4)], segment },
        window: [16, 1, 4][choices.below(3)],
        envelope: Envelope {
            front: datagram::FRONT as u8,
            back: (datagram::OVERHEAD - datagram::FRONT) as u8,
        },
        batch: [1, 3][choices.below(2)],
        backlog: 2,
        calls: 5,
        tries: 6,
        ..Settings::HOST
    };
    let segment = usize::from(segment);
    let length = [segment + 1, 0, 1, segment, 19 * segment + 3][choices.below(5)];
    Side::new(number, settings, length)
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
        let is_sealed = side.sealing.is_some();
        assert!(!is_sealed || !side.is_wrong, "what was sealed and is stored is not what was sent");
        if network.is_tampered && !is_sealed || side.has_aborted || other.has_aborted {
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
