//! Two ends of a session that seal and open datagrams, and a network that keeps, changes and repeats them.
//!
//! A plain model says which datagrams open: each once, in any order, none that is too far behind or more than a
//! generation of keys ahead. What was changed never opens, and what does not open changes nothing.

use crate::{Choices, mischief};
use skep_core::{
    seal::{
        Keys, Protection, Refused, Secret,
        datagram::{FRONT, OVERHEAD, WINDOW},
    },
    wire::seal::Suite,
};
use std::collections::BTreeSet;

/// A generation of keys has so many numbers.
const GENERATION: u64 = 1 << 20;
/// Numbers are told apart over so many generations and more.
const REFRESHES_MAX: usize = 1_000;

/// One direction, as the model has it.
struct Way {
    /// What was sealed: number, text, datagram.
    sent: Vec<(u64, Vec<u8>, Vec<u8>)>,
    next: u64,
    opened: BTreeSet<u64>,
    expected: u64,
    refreshes: usize,
}

impl Way {
    fn new() -> Self {
        Self { sent: Vec::new(), next: 0, opened: BTreeSet::new(), expected: 0, refreshes: 0 }
    }

    fn opens(&self, number: u64) -> bool {
        let generation = self.expected.saturating_sub(1) / GENERATION;
        !self.opened.contains(&number)
            && number >= self.expected.saturating_sub(WINDOW)
            && number / GENERATION <= generation + 1
    }
}

/// Plays one session.
pub fn datagrams(data: &[u8]) {
    let mut choices = Choices::new(data);
    let suite = Suite::ALL[choices.below(2)];
    let (one, two) = (choices.key(1), choices.key(2));
    let keys =
        |send, receive| Keys { send: Secret::new(send), receive: Secret::new(receive), binding: [0; 32] };
    let mut ends = [
        Protection::new(suite, &keys(one, two), [7; 8]).unwrap(),
        Protection::new(suite, &keys(two, one), [8; 8]).unwrap(),
    ];
    let mut ways = [Way::new(), Way::new()];
    while !choices.is_over() {
        let from = choices.below(2);
        match choices.below(8) {
            0 | 1 => seal(&mut ends[from], &mut ways[from], &mut choices),
            2 => refresh(&mut ends[from], &mut ways[from]),
            3 => {
                let mut bad = choices.bytes(60).to_vec();
                assert!(ends[1 - from].open(&mut bad).is_err());
            }
            4 => interfere(&mut ends[1 - from], &ways[from], &mut choices),
            _ => open(&mut ends[1 - from], &mut ways[from], &mut choices),
        }
    }
}

/// One datagram, or several back to back.
fn seal(end: &mut Protection, way: &mut Way, choices: &mut Choices<'_>) {
    let (length, count) = (choices.below(40), 1 + choices.below(3));
    let last = choices.below(length + 1);
    let texts: Vec<Vec<u8>> = (0..count)
        .map(|place| vec![choices.byte(); if place + 1 == count { last } else { length }])
        .collect();
    let mut batch: Vec<u8> =
        texts.iter().flat_map(|text| [&[0; FRONT], &text[..], &[0; OVERHEAD - FRONT]].concat()).collect();
    let first = end.seal_batch(&mut batch, length + OVERHEAD).unwrap();
    assert_eq!(first, way.next, "a number is used twice, or left out");
    let datagrams = batch.chunks(length + OVERHEAD);
    assert_eq!(datagrams.len(), count);
    for (text, datagram) in texts.into_iter().zip(datagrams) {
        way.sent.push((way.next, text, datagram.to_vec()));
        way.next += 1;
    }
    assert_eq!(end.seal(&mut [0; OVERHEAD - 1]), Err(Refused::Length));
}

fn refresh(end: &mut Protection, way: &mut Way) {
    if way.refreshes < REFRESHES_MAX {
        way.refreshes += 1;
        end.refresh();
        way.next = way.next.next_multiple_of(GENERATION);
    }
}

/// A datagram arrives, perhaps again.
fn open(end: &mut Protection, way: &mut Way, choices: &mut Choices<'_>) {
    if way.sent.is_empty() {
        return;
    }
    // Mostly the newest ones.
    let back = choices.below(way.sent.len().min(250));
    let (number, text, datagram) = &way.sent[way.sent.len() - 1 - back];
    let mut arrived = datagram.clone();
    let opened = end.open(&mut arrived).map(|text| text.to_vec());
    if way.opens(*number) {
        assert_eq!(opened.as_ref(), Ok(text));
        way.opened.insert(*number);
        way.expected = way.expected.max(number + 1);
    } else {
        assert!(opened.is_err(), "{number} opened again, or too late");
        assert_eq!(&arrived, datagram, "what is refused stays as it was");
    }
    assert_eq!(end.expected(), way.expected);
}

/// A datagram arrives changed.
fn interfere(end: &mut Protection, way: &Way, choices: &mut Choices<'_>) {
    let before = (end.expected(), end.forged());
    let nothing = vec![0; OVERHEAD];
    let sample = choices.below(250);
    let datagram = way.sent.iter().rev().nth(sample).map_or(&nothing, |(_, _, datagram)| datagram);
    if let Some(bad) = mischief(datagram, choices) {
        let mut arrived = bad.clone();
        let refused = end.open(&mut arrived).unwrap_err();
        assert_eq!(arrived, bad, "what is refused stays as it was");
        let forged = u64::from(refused == Refused::Forged);
        assert_eq!((end.expected(), end.forged()), (before.0, before.1 + forged));
    }
}
