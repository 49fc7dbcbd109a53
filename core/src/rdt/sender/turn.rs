//! What is sent next.
//!
//! ```text
//!   parts of a trial ─┐
//!   probes, copies ───┼─► batch ──► asks? a copy of it, too?
//!   what was lost ────┤
//!   what is new ──────┘
//! ```

use super::Sender;
use crate::{
    Instant,
    rdt::{
        Settings,
        connection::{DATAGRAM_MIN, segment_in},
        control::Controller,
        flight::Fate,
        outgoing::{self, Place},
        path_mtu::Form,
        profile::Profile,
        record::Record,
        trace::{Happened, Why},
    },
};

/// With so few under way at the end, or as few lost so far, what was lost is sent again twice; with more of them, where
/// of so many sent one was lost. After a time-out, only with few under way.
const TAIL: u32 = 16;
const TAIL_LOSSY: u32 = 64;
const LOSSY: u32 = 16;
/// With so many segments behind it that go out at once, what tells where they belong is sent twice.
const MUCH: u32 = 512;

/// Equal datagrams to be sent now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch {
    pub(crate) first_segment: u32,
    pub(crate) first_transmission: u32,
    pub(crate) count: u32,
    pub(crate) place: Place,
    /// Nothing may follow before an acknowledgement comes.
    pub(crate) asks: bool,
    /// It is one segment, and goes in parts.
    pub(crate) in_parts: bool,
}

/// Segments that have their turn.
#[derive(Clone, Copy, Debug)]
struct Turn {
    first: u32,
    why: Why,
    place: Place,
    /// Bytes from there on that may go in one batch.
    left: u64,
    /// How many of them the peer has room for.
    below_limit: u32,
}

impl<P: Profile> Sender<P> {
    /// The next datagrams, up to `most` of equal size (only the last may be shorter).
    pub(crate) fn batch(
        &mut self,
        now: Instant,
        most: usize,
        settings: &Settings,
        record: &mut Record<P::Trace>,
    ) -> Option<Batch> {
        if P::Controller::IS_PACED {
            self.paced_until = Instant::FAR;
        }
        if self.flight.first == self.flight.next && !self.content.is_empty() {
            self.controller.wake(now, self.rtt.smoothed().unwrap_or(0), settings);
        }
        let open = self.controller.window().saturating_sub(self.flight.count);
        let turn = self.turn(now, open, settings)?;
        let Turn { first, why, place, left, below_limit } = turn;
        let allowance = match why {
            Why::Probe | Why::Copy => 1,
            _ => self.controller.allowance(now).min(open),
        };
        if allowance == 0 {
            self.paced_until = self.controller.resumes();
            return None;
        }
        self.leave_out(now, record);
        let form = self.form(place, settings);
        let most = if form == Form::Whole { most } else { most.min(1) };
        let most = allowance.min(most as u32).min(below_limit);
        let first_transmission = self.flight.newest.wrapping_add(1);
        let count = self.send(now, &turn, most, form, record)?;
        self.copy(&turn, count, form, open, record);
        self.controller.sent(now, count, self.flight.newest, self.flight.count);
        let asks = self.is_small()
            || why != Why::New
            || count == open
            || count == below_limit
            || outgoing::bytes(count, self.size) >= left
            || !self.flight.has_room();
        self.asks = asks;
        // With a small window it counts from what was heard (RFC 6298 section 5), else from what was sent.
        let begins_anew = !self.is_small() && why != Why::Probe;
        if self.timeout == Instant::FAR || self.asks_for_room || begins_anew {
            self.asks_for_room = false;
            self.wait(now, settings);
        }
        let in_parts = form == Form::Parts;
        Some(Batch { first_segment: first, first_transmission, count, place, asks, in_parts })
    }

    /// Whose turn it is, if the window has so much room.
    fn turn(&mut self, now: Instant, open: u32, settings: &Settings) -> Option<Turn> {
        let (first, why) = self.choose(open)?;
        let below_limit = self.limit.wrapping_sub(first).cast_signed();
        if below_limit <= 0 {
            self.controller.starved(self.flight.newest);
            self.wait_for_room(now, settings);
            return None;
        }
        // With nothing to send no memory is taken for a window: most connections of a tracker are idle.
        let has_room = why != Why::New || !self.content.is_empty() && self.flight.has_room();
        let place = if has_room { self.content.place(first, self.size) } else { None };
        let Some(place) = place else {
            self.controller.starved(self.flight.newest);
            return None;
        };
        let left = match place {
            Place::Message { .. } => 1,
            Place::Range { left, .. } => left,
        };
        Some(Turn { first, why, place, left, below_limit: below_limit.cast_unsigned() })
    }

    /// Which segment is next, if the window has so much room.
    fn choose(&mut self, open: u32) -> Option<(u32, Why)> {
        if P::SEARCHES && self.path_mtu.owes_parts() {
            let from = self.probes.from;
            if self.flight.next_missing(from) == Some(from) {
                return Some((from, self.again()));
            }
            self.path_mtu.sent(Form::Parts);
        }
        if !self.is_small()
            && let Some(segment) = self.probes.next(&mut self.flight)
        {
            return Some((segment, self.again()));
        }
        if open == 0 {
            return None;
        }
        match self.flight.next_lost() {
            Some(segment) => Some((segment, Why::Repeat)),
            None => Some((self.flight.next, Why::New)),
        }
    }

    /// Why something goes out again that may be under way.
    const fn again(&self) -> Why {
        if self.tries > 0 { Why::Probe } else { Why::Copy }
    }

    /// How a segment goes out.
    fn form(&self, place: Place, settings: &Settings) -> Form {
        match P::SEARCHES && place.length(self.size) > segment_in(DATAGRAM_MIN, settings) {
            true => self.path_mtu.form(),
            false => Form::Whole,
        }
    }

    /// Takes numbers for at most so many segments; for how many it did, if any.
    fn send(
        &mut self,
        now: Instant,
        turn: &Turn,
        most: u32,
        form: Form,
        record: &mut Record<P::Trace>,
    ) -> Option<u32> {
        let mut count = 0_u32;
        while count < most && outgoing::bytes(count, self.size) < turn.left {
            let segment = turn.first.wrapping_add(count);
            let fits = match turn.why {
                Why::New => self.flight.has_room(),
                Why::Repeat => segment != self.flight.next && self.flight.is(segment, Fate::Lost),
                Why::Probe | Why::Copy => true,
            };
            if !fits || !self.flight.send(now, segment, form) {
                break;
            }
            let (transmission, why) = (self.flight.newest, turn.why);
            let length = match turn.place {
                Place::Message { length, .. } => length as u16,
                Place::Range { left, .. } => {
                    left.saturating_sub(outgoing::bytes(count, self.size)).min(self.size.into()) as u16
                }
            };
            record.note(now, Happened::Sent { transmission, segment, length, why });
            count = count.wrapping_add(1);
        }
        if count == 0 {
            return None;
        }
        record.sent.add(count);
        if turn.why != Why::New {
            record.resent.add(count);
        }
        if !self.is_small() {
            self.skipped.pass(count);
        }
        if P::SEARCHES && form != Form::Whole {
            self.path_mtu.sent(form);
        }
        Some(count)
    }

    /// Sends what was just sent once more where twice is cheaper than what its loss would cost.
    fn copy(&mut self, turn: &Turn, count: u32, form: Form, open: u32, record: &Record<P::Trace>) {
        if form == Form::Trial {
            self.probes.from = turn.first;
        } else if !self.is_small() {
            let is_dear = match turn.why {
                Why::Repeat => self.is_tail(record),
                Why::New => self.leads(turn.first, open),
                Why::Probe | Why::Copy => false,
            };
            if is_dear {
                self.probes.begin(count.min(u8::MAX.into()) as u8, turn.first);
            }
        }
    }

    /// Whether it is a message that everything waits for: the first, or one with much content behind it, which the peer
    /// cannot place without it.
    fn leads(&mut self, segment: u32, open: u32) -> bool {
        let much = outgoing::bytes(MUCH, self.size);
        let place = self.content.place(segment, self.size);
        open > TAIL
            && matches!(place, Some(Place::Message { .. }))
            && (segment == 0
                || open >= MUCH
                    && matches!(self.content.place(segment.wrapping_add(1), self.size), Some(Place::Range { left, .. }) if left >= much))
    }

    /// Whether nothing new is left to send, and little is under way, so that no later one would tell of a loss, or little
    /// was lost, so that twice costs little.
    fn is_tail(&mut self, record: &Record<P::Trace>) -> bool {
        let lost = record.lost.0;
        let few = match lost > record.sent.0 / LOSSY {
            _ if record.timeouts.0 > 0 => TAIL,
            true => TAIL_LOSSY,
            false if lost <= TAIL => u32::MAX,
            false => TAIL,
        };
        self.flight.count <= few && self.content.place(self.flight.next, self.size).is_none()
    }

    /// Leaves a number out now and then. Not between the two of a trial.
    fn leave_out(&mut self, now: Instant, record: &mut Record<P::Trace>) {
        let is_begun = P::SEARCHES && self.path_mtu.owes_parts();
        if !self.is_small() && !is_begun && self.skipped.is_due() && self.flight.skip() {
            record.note(now, Happened::Skipped { transmission: self.flight.newest });
            self.skipped.draw();
        }
    }
}
