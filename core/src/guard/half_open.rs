//! Handshakes that were answered and whose clients were not heard of again.
//!
//! ```text
//!            answered                 confirmed (the client holds the keys)
//!   free ───────────────► half-open ─────────────────────────────────────────► free
//!                           │  │  HALF_OPEN_LIFE is over: handed out ────────► free
//!                           │  └─ a proven client needs the place ───────────► another's
//!                           └─ the first packet again: the same answer
//! ```

use super::{Answered, Permit, Unproven};
use crate::{Instant, time::micros};
use core::time::Duration;

/// How long a client has to answer, from its last first packet on.
pub const HALF_OPEN_LIFE: Duration = Duration::from_secs(3);
/// How long an entry of a proven address is safe from other proven addresses.
pub const GRACE: Duration = Duration::from_millis(250);

/// A place in the half-open table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Slot(u16);

impl Slot {
    /// Its number, below the guard's `SLOTS`: for a table of the caller's.
    pub const fn number(self) -> usize {
        self.0 as usize
    }

    #[cfg(test)]
    pub(super) const fn numbered(number: usize) -> Self {
        Self(number as u16)
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Keyed hashes of the client with its address, and of the prefix.
    client: u32,
    prefix: u32,
    since: Instant,
    /// When its first packet came last.
    heard: Instant,
    budget: Unproven,
    proven: bool,
}

impl Entry {
    fn is_expired(&self, now: Instant) -> bool {
        // An entry from the far future was made before the clock was set back: it would stay for ever.
        now >= self.deadline() || self.heard.micros_since(now) > const { micros(HALF_OPEN_LIFE) }
    }

    const fn deadline(&self) -> Instant {
        self.heard.plus_micros(micros(HALF_OPEN_LIFE))
    }
}

#[derive(Debug)]
pub(super) struct HalfOpen<const N: usize> {
    /// Keyed hashes of the addresses and client ids, instead of them. Apart, because every packet is looked for.
    fingerprints: [u64; N],
    entries: [Option<Entry>; N],
    count: usize,
}

/// Whose place is taken first. The order of the variants is the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Free,
    Expired,
    /// The newcomer's own earlier attempt: who begins another one has given it up.
    Own,
    Unproven(Instant),
    /// Its prefix has so many entries, here as their complement: the most crowded one comes first.
    Crowded(usize, Instant),
    Proven(Instant),
}

impl<const N: usize> HalfOpen<N> {
    pub(super) const fn new() -> Self {
        Self { fingerprints: [0; N], entries: [None; N], count: 0 }
    }

    /// How many there are, with those that expired and were not handed out yet.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    pub(super) fn find(&self, now: Instant, fingerprint: u64) -> Option<Slot> {
        // All of them and no early end, so that the compiler compares several at once: most packets find nothing.
        if !self.fingerprints.iter().fold(false, |found, &other| found | (other == fingerprint)) {
            return None;
        }
        let is_it = |(&other, entry): (&u64, &Option<Entry>)| {
            other == fingerprint && entry.as_ref().is_some_and(|entry| !entry.is_expired(now))
        };
        let number = self.fingerprints.iter().zip(&self.entries).position(is_it)?;
        Some(Slot(number as u16))
    }

    pub(super) fn has_place(&self, now: Instant, permit: &Permit) -> bool {
        self.count < N || self.place(now, permit).is_some()
    }

    pub(super) fn insert(&mut self, now: Instant, permit: &Permit) -> Option<Answered> {
        let &Permit { fingerprint, client, prefix, length, proven } = permit;
        let number = self.place(now, permit)?;
        let entry = Entry { client, prefix, since: now, heard: now, budget: Unproven::new(length), proven };
        let displaced = self.entries.get_mut(number)?.replace(entry).is_some();
        *self.fingerprints.get_mut(number)? = fingerprint;
        if !displaced {
            self.count = self.count.saturating_add(1);
        }
        Some(Answered { slot: Slot(number as u16), displaced })
    }

    pub(super) fn remove(&mut self, slot: Slot) -> bool {
        let was_there = self.entries.get_mut(slot.number()).is_some_and(|entry| entry.take().is_some());
        if was_there {
            self.count = self.count.saturating_sub(1);
        }
        was_there
    }

    pub(super) fn take_expired(&mut self, now: Instant) -> Option<Slot> {
        let is_expired = |entry: &Option<Entry>| entry.as_ref().is_some_and(|entry| entry.is_expired(now));
        let slot = Slot(self.entries.iter().position(is_expired)? as u16);
        self.remove(slot);
        Some(slot)
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.entries.iter().flatten().map(Entry::deadline).min()
    }

    pub(super) fn may_send(&self, slot: Slot, bytes: usize) -> bool {
        let entry = self.entries.get(slot.number()).and_then(Option::as_ref);
        entry.is_some_and(|entry| entry.proven || entry.budget.may_send(bytes))
    }

    pub(super) fn sent(&mut self, slot: Slot, bytes: usize) {
        if let Some(entry) = self.entry(slot) {
            entry.budget.sent(bytes);
        }
    }

    /// The first packet came again: its client has not heard the answer, and has not had its time yet. Whoever keeps a
    /// place by that could take one by a new packet as well.
    pub(super) fn received(&mut self, now: Instant, slot: Slot, bytes: usize) {
        if let Some(entry) = self.entry(slot) {
            entry.heard = now;
            entry.budget.received(bytes);
        }
    }

    fn entry(&mut self, slot: Slot) -> Option<&mut Entry> {
        self.entries.get_mut(slot.number())?.as_mut()
    }

    /// Where a newcomer goes: who has not proven its address displaces nobody.
    fn place(&self, now: Instant, newcomer: &Permit) -> Option<usize> {
        let neighbours = self.crowd(newcomer.prefix);
        let rank = |entry: &Option<Entry>| match entry {
            None => Some(Place::Free),
            Some(entry) if entry.is_expired(now) => Some(Place::Expired),
            Some(_) if !newcomer.proven => None,
            Some(entry) if entry.client == newcomer.client => Some(Place::Own),
            Some(entry) if !entry.proven => Some(Place::Unproven(entry.since)),
            Some(entry) => {
                let crowd = self.crowd(entry.prefix);
                if crowd >= neighbours.saturating_add(2) {
                    return Some(Place::Crowded(usize::MAX.saturating_sub(crowd), entry.since));
                }
                let had_its_time = now.micros_since(entry.since) >= const { micros(GRACE) };
                had_its_time.then_some(Place::Proven(entry.since))
            }
        };
        let places = self.entries.iter().enumerate();
        let (_, number) = places.filter_map(|(number, entry)| Some((rank(entry)?, number))).min()?;
        Some(number)
    }

    /// How many entries come from one prefix.
    fn crowd(&self, prefix: u32) -> usize {
        self.entries.iter().flatten().filter(|entry| entry.prefix == prefix).count()
    }
}
