//! One end of a simulated TCP connection: ordered bytes that arrive cut anywhere, a window, repeats after a time-out,
//! half-closing, resets. Nothing that a machine above could not notice is imitated.

use crate::{
    Random,
    segment::{Kind, Segment},
};
use skep_core::Instant;
use std::{collections::VecDeque, time::Duration};

/// Bytes that "the system" takes to send; what is written beyond waits in "the program".
const BUFFER: usize = 4_096;
/// Bytes that it takes from the other end before the program has.
const WINDOW: usize = 4_096;
/// The most bytes in a segment.
const SEGMENT: u64 = 1_460;
/// The first time-out, and the longest.
const TIME_OUTS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(4));
/// It is given up after so many time-outs in a row, some 35 s.
const TRIES: u32 = 12;

/// One end.
#[derive(Debug)]
pub(crate) struct Tcp {
    number: u32,
    is_caller: bool,
    is_connected: bool,
    /// What was written and not acknowledged, from the place `base` on.
    out: VecDeque<u8>,
    base: u64,
    written: u64,
    /// The place that is sent next, and the one that the other end does not take yet.
    next: u64,
    limit: u64,
    finishes: bool,
    /// Everything before this place has come; what of it the machine has not taken.
    received: u64,
    pub(crate) untaken: Vec<u8>,
    /// The other end has finished.
    pub(crate) has_ended: bool,
    owes: Option<Kind>,
    deadline: Option<Instant>,
    tries: u32,
}

impl Tcp {
    pub(crate) fn calling(number: u32) -> Self {
        Self {
            number,
            is_caller: true,
            is_connected: false,
            out: VecDeque::new(),
            base: 0,
            written: 0,
            next: 0,
            limit: 0,
            finishes: false,
            received: 0,
            untaken: Vec::new(),
            has_ended: false,
            owes: Some(Kind::Call),
            deadline: None,
            tries: 0,
        }
    }

    pub(crate) fn called(number: u32) -> Self {
        Self { is_caller: false, is_connected: true, owes: Some(Kind::Answer), ..Self::calling(number) }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.is_connected
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        assert!(!self.finishes, "written after the end");
        self.out.extend(bytes);
        self.written += bytes.len() as u64;
    }

    pub(crate) fn finish(&mut self) {
        assert!(!self.finishes, "finished twice");
        self.finishes = true;
    }

    /// Whether the system has all that was written.
    pub(crate) fn is_flushed(&self) -> bool {
        self.out.len() <= BUFFER
    }

    /// Whether all that was written, and the end, has come to the other end.
    pub(crate) fn is_delivered(&self) -> bool {
        self.finishes && self.base > self.written
    }

    /// The machine took bytes.
    pub(crate) fn take(&mut self, count: usize) {
        let was_full = self.untaken.len() > WINDOW / 2;
        self.untaken.drain(..count);
        if was_full {
            self.owes.get_or_insert(Kind::Acknowledgement);
        }
    }

    /// What the other end says. Whether something came that the machine has not seen.
    pub(crate) fn receive(&mut self, segment: &Segment) -> bool {
        let before = (self.received, self.has_ended, self.is_connected);
        match segment.kind {
            Kind::Call if !self.is_caller => self.owes = Some(Kind::Answer),
            Kind::Answer if self.is_caller && !self.is_connected => {
                self.is_connected = true;
                (self.deadline, self.tries) = (None, 0);
            }
            Kind::Bytes if self.is_connected => {
                self.receive_bytes(segment);
                self.owes.get_or_insert(Kind::Acknowledgement);
            }
            Kind::End if self.is_connected => {
                self.has_ended |= segment.place == self.received;
                self.owes.get_or_insert(Kind::Acknowledgement);
            }
            _ => {}
        }
        if self.is_connected {
            self.receive_acknowledgement(segment);
        }
        before != (self.received, self.has_ended, self.is_connected)
    }

    fn receive_bytes(&mut self, segment: &Segment) {
        // What is early comes again, as it is not acknowledged.
        let Some(known) = self.received.checked_sub(segment.place) else { return };
        let fresh = segment.bytes.get(known as usize..).unwrap_or_default();
        let count = fresh.len().min(WINDOW.saturating_sub(self.untaken.len()));
        self.untaken.extend(&fresh[..count]);
        self.received += count as u64;
    }

    fn receive_acknowledgement(&mut self, segment: &Segment) {
        self.limit = self.limit.max(segment.acknowledged + u64::from(segment.window));
        if segment.acknowledged > self.base {
            let bytes = (segment.acknowledged - self.base).min(self.out.len() as u64);
            self.out.drain(..bytes as usize);
            self.base = segment.acknowledged;
            self.next = self.next.max(self.base);
            (self.deadline, self.tries) = (None, 0);
        }
    }

    /// The next segment, cut anywhere. `Err`: the other end is not there.
    pub(crate) fn send(&mut self, now: Instant, random: &mut Random) -> Result<Option<Segment>, ()> {
        let is_late = self.deadline.is_some_and(|deadline| deadline <= now);
        if is_late {
            self.tries += 1;
            (self.next, self.deadline) = (self.base, None);
            if self.tries > TRIES {
                return Err(());
            }
        }
        if !self.is_connected {
            return Ok((self.owes.take().is_some() || is_late).then(|| {
                self.wait(now);
                self.segment(Kind::Call, 0)
            }));
        }
        let ready = self.written.min(self.limit).saturating_sub(self.next);
        let segment = if self.owes == Some(Kind::Answer) {
            self.segment(Kind::Answer, 0)
        } else if ready > 0 {
            let count = ready.min(1 + random.below(SEGMENT));
            self.segment(Kind::Bytes, count)
        } else if self.finishes && self.next == self.written {
            self.segment(Kind::End, 0)
        } else if is_late {
            // Nothing fits: it asks whether that is still so.
            self.segment(Kind::Bytes, 0)
        } else if self.owes.is_some() {
            self.segment(Kind::Acknowledgement, 0)
        } else {
            if self.deadline.is_none() && self.base < self.written {
                self.wait(now);
            }
            return Ok(None);
        };
        self.owes = None;
        self.next += segment.bytes.len() as u64 + u64::from(segment.kind == Kind::End);
        if self.deadline.is_none() && self.next > self.base {
            self.wait(now);
        }
        Ok(Some(segment))
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// A segment that says what it has.
    pub(crate) fn segment(&self, kind: Kind, count: u64) -> Segment {
        let begin = self.next.saturating_sub(self.base) as usize;
        Segment {
            kind,
            number: self.number,
            by_caller: self.is_caller,
            place: self.next,
            acknowledged: self.received + u64::from(self.has_ended),
            window: WINDOW.saturating_sub(self.untaken.len()) as u32,
            bytes: self.out.iter().skip(begin).take(count as usize).copied().collect(),
        }
    }

    /// Waits longer each time.
    fn wait(&mut self, now: Instant) {
        self.deadline = Some(now + (TIME_OUTS.0 * (1 << self.tries.min(5))).min(TIME_OUTS.1));
    }
}
