//! The sending half of a connection: what goes out next, what acknowledgements and time-outs mean. Window 1 is
//! stop-and-wait.
//!
//! ```text
//!   Outgoing ──► batch ──► datagrams        what may be sent: below the peer's limit, in the window, at its time
//!                  │ Flight: each sending has a number of its own
//!   ACK ──► acknowledged ──► lost? ──► Controller: window, rate
//!   time ──► expire: a probe, and at last everything again
//! ```
//!
//! A transmission is lost when one sent some numbers later was acknowledged, or one sent later and it is some time ago
//! ([`ReorderingThreshold`]). A lost repeat is found in the same way, without a timer. When nothing comes back, two
//! segments are sent again as probes. Only after several time-outs, or at once with a small window, all is taken for lost.

mod acknowledged;
mod losses;
mod parked;
mod probes;
mod silence;
mod skipped_numbers;
mod turn;

pub(crate) use silence::Expired;
pub(crate) use turn::Batch;

use super::{
    Settings,
    control::{Controller, Start},
    flight::Flight,
    outgoing::{Outgoing, Place},
    path_mtu::PathMtu,
    profile::Profile,
    record::Record,
    reordering_threshold::ReorderingThreshold,
    rtt::Rtt,
    trace::Happened,
};
use crate::Instant;
use losses::Losses;
use probes::Probes;
use skipped_numbers::SkippedNumbers;

/// How far ahead the limit lies of a peer that sets none, and the most of one that does.
pub(crate) const UNLIMITED: u32 = 1 << 30;
/// With a memory for no more segments a window is small: all of it is sent again at a time-out, each segment asks for its
/// acknowledgement, and no numbers are left out. A device need not carry code for more.
const SMALL: usize = 16;

/// So long a peer may keep an acknowledgement back that was not asked for, in microseconds (docs/protocol.md section 6.3).
const ACKNOWLEDGED_IN: u64 = 1_000;

#[derive(Debug)]
pub(crate) struct Sender<P: Profile> {
    pub(crate) content: Outgoing<P::Outbox, P::Pieces>,
    flight: Flight<P>,
    /// Segments before this one may be sent: what the peer said.
    limit: u32,
    losses: Losses,
    pub(super) controller: P::Controller,
    pub(crate) rtt: Rtt,
    /// The time-out, while something is in flight or the peer's limit is in the way; else `FAR`.
    timeout: Instant,
    /// When the next may be sent, if only its time is in the way; else `FAR`.
    paced_until: Instant,
    /// Time-outs in a row.
    tries: u8,
    probes: Probes,
    size: u16,
    asks_for_room: bool,
    /// The newest transmission asks for its acknowledgement.
    asks: bool,
    pub(crate) path_mtu: PathMtu,
    skipped: SkippedNumbers,
    pub(crate) bytes_acknowledged: u64,
}

impl<P: Profile> Sender<P> {
    /// A sender that has not begun. `seed` should not be known to the peer.
    pub(crate) fn new(seed: u32) -> Self {
        Self {
            content: Outgoing::default(),
            flight: Flight::new(),
            limit: 0,
            losses: Losses::after(0, ReorderingThreshold::default()),
            controller: P::Controller::new(&Start::NOTHING),
            rtt: Rtt::default(),
            timeout: Instant::FAR,
            paced_until: Instant::FAR,
            tries: 0,
            probes: Probes::default(),
            size: 1,
            asks_for_room: false,
            asks: false,
            path_mtu: PathMtu::default(),
            skipped: SkippedNumbers::new(seed),
            bytes_acknowledged: 0,
        }
    }

    /// The connection is open: segments of `size` bytes in datagrams of `datagram`, at most `window` of them under way.
    pub(crate) fn open(
        &mut self,
        now: Instant,
        (size, datagram): (u16, u32),
        (window, limit): (u32, u32),
        expected: u32,
        settings: &Settings,
    ) {
        self.size = size.max(1);
        self.limit = limit.min(UNLIMITED);
        if !self.is_small() {
            self.skipped.draw();
        }
        if P::Controller::IS_PACED && self.flight.count > 0 {
            // What was sent with the call is under way: it goes on, and the round-trip time is known now.
            self.wait_anew(now, settings);
            return;
        }
        self.controller = P::Controller::new(&Start {
            now,
            window: window.min(self.flight.bound() as u32).max(1),
            datagram: datagram.max(1),
            round_trip: self.rtt.smoothed().unwrap_or(0),
            expected,
            congestion: settings.congestion,
            rate: settings.rate,
            first_flight: settings.first_flight.into(),
        });
    }

    /// Whether there is room for few segments only: a constant, where the memory is fixed.
    pub(crate) fn is_small(&self) -> bool {
        self.flight.bound() <= SMALL
    }

    /// How many segments there were so far: the number of the next.
    pub(crate) const fn segments_sent(&self) -> u32 {
        self.flight.next
    }

    /// Whether all content was acknowledged.
    pub(crate) fn is_done(&self) -> bool {
        self.content.is_empty()
    }

    /// Whether something is under way.
    pub(crate) const fn is_under_way(&self) -> bool {
        self.flight.count > 0
    }

    /// Whether content is next, and no message.
    pub(crate) fn is_content_next(&mut self) -> bool {
        !self.probes.are_due()
            && matches!(self.content.place(self.flight.next, self.size), Some(Place::Range { .. }))
    }

    /// The bytes of the segment that is next, or of a full one where it is not the next in order.
    pub(crate) fn next_length(&mut self) -> u16 {
        if self.probes.are_due() || self.flight.next_lost().is_some() {
            return self.size;
        }
        let place = self.content.place(self.flight.next, self.size);
        place.map_or(self.size, |place| place.length(self.size))
    }

    /// Whether all that was sent so far would be the same in shorter segments: it is one message that fits.
    pub(crate) fn fits(&mut self, size: u16) -> bool {
        let place = self.content.place(0, self.size);
        match self.flight.next {
            0 => true,
            1 => matches!(place, Some(Place::Message { length, .. }) if length <= usize::from(size)),
            _ => false,
        }
    }

    /// The first that is under way goes out again.
    pub(crate) fn repeat_first(&mut self) {
        if self.is_under_way() && !self.probes.are_due() {
            self.probes.begin(1, self.flight.first);
        }
    }

    /// Something else than the window keeps it from sending.
    pub(crate) fn held(&mut self) {
        self.controller.starved(self.flight.newest);
    }

    /// A time-out that runs begins again.
    pub(crate) fn wait_anew(&mut self, now: Instant, settings: &Settings) {
        if self.timeout != Instant::FAR {
            self.wait(now, settings);
        }
    }

    /// When [`Sender::expire`] is to be called, or [`Sender::batch`] again; `FAR` for never.
    pub(crate) fn deadline(&self) -> Instant {
        let deadline = self.timeout.min(self.losses.at);
        if P::Controller::IS_PACED { deadline.min(self.paced_until) } else { deadline }
    }

    /// When [`Sender::batch`] is to be called again because only its time is in the way; `FAR` for never.
    pub(crate) const fn resumes(&self) -> Instant {
        self.paced_until
    }

    /// What was sent was not for this peer: all is sent anew.
    pub(crate) fn begin_anew(&mut self) {
        let (mut content, rtt) = (core::mem::take(&mut self.content), self.rtt);
        content.begin_anew();
        *self = Self { content, rtt, ..Self::new(self.skipped.random) };
    }

    /// How many ranges of files were acknowledged to their end since the last call.
    pub(crate) fn take_complete(&mut self) -> u8 {
        let ranges = self.content.acknowledged(self.flight.first, self.size);
        if self.is_done() && self.flight.first == self.flight.next {
            self.flight.release();
            self.controller.sleep();
            // A copy may still be under way: nobody waits for it.
            self.timeout = Instant::FAR;
            self.losses.at = Instant::FAR;
        }
        ranges
    }

    /// Forgets all content; nothing more is sent or expected.
    pub(crate) fn stop(&mut self) {
        self.content.clear();
        self.flight.stop();
        self.timeout = Instant::FAR;
        self.losses.at = Instant::FAR;
        self.paced_until = Instant::FAR;
        self.probes.stop();
        self.tries = 0;
        self.rtt.recover();
    }

    fn wait_for_room(&mut self, now: Instant, settings: &Settings) {
        if self.timeout == Instant::FAR && !self.is_done() {
            self.asks_for_room = true;
            self.wait(now, settings);
        }
    }

    /// Starts the time-out (RFC 9002 section 6.2.1).
    fn wait(&mut self, now: Instant, settings: &Settings) {
        let delay = if self.asks || self.is_small() { 0 } else { ACKNOWLEDGED_IN };
        self.timeout = now.plus_micros(delay.saturating_add(self.rtt.timeout(settings).into()));
    }

    /// The system says that it sends no whole segments to this peer.
    pub(crate) fn too_long(&mut self, now: Instant, record: &mut Record<P::Trace>) {
        if self.path_mtu.narrow() {
            record.note(now, Happened::PathMtu { is_narrow: true });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Span,
        rdt::profile::Fixed,
        wire::rdt::{Map, Own},
    };

    #[test]
    fn when_all_is_acknowledged_nobody_waits_for_a_copy() {
        let (settings, mut record) = (Settings::HOST, Record::<()>::default());
        let mut sender = Sender::<Fixed<1, 64>>::new(1);
        let now = Instant::from_micros(1);
        sender.open(now, (1_000, 1_100), (64, 64), 0, &settings);
        assert!(sender.content.write(b"hello"));
        let mut sent = 0;
        while let Some(batch) = sender.batch(now, 64, &settings, &mut record) {
            sent += batch.count;
        }
        assert_eq!(sent, 2, "a first message goes out twice");
        // The first of them is lost, or late.
        let ack = Own::Ack { top: sender.flight.newest, next: 1, limit: 65, delay: 0, map: Map([0; 4]) };
        assert!(sender.acknowledged(Instant::from_micros(20_001), &ack, &settings, &mut record));
        sender.take_complete();
        assert_eq!(sender.deadline(), Instant::FAR);
    }

    fn all<P: Profile>(sender: &mut Sender<P>, now: Instant, record: &mut Record<P::Trace>) -> u32 {
        let mut sent = 0;
        while let Some(batch) = sender.batch(now, 64, &Settings::HOST, record) {
            sent += batch.count;
        }
        sent
    }

    const BEGIN: Instant = Instant::from_micros(1);

    /// One message has left, on a path with a round trip of 20 ms.
    fn greeted() -> (Sender<Fixed<1, 64>>, Record<()>) {
        let (mut sender, mut record) = (Sender::new(1), Record::default());
        sender.measured(Instant::ZERO, Instant::from_micros(20_000), &mut record);
        sender.open(BEGIN, (1_000, 1_100), (64, 64), 0, &Settings::HOST);
        assert!(sender.content.write(b"hello"));
        assert!(all(&mut sender, BEGIN, &mut record) > 0);
        (sender, record)
    }

    #[test]
    fn a_time_out_repeats_the_last_segment_and_takes_nothing_for_lost() {
        let (settings, (mut sender, mut record)) = (Settings::HOST, greeted());
        for _ in 0..2 {
            let now = sender.deadline();
            assert_eq!(sender.expire(now, true, &settings, &mut record), Ok(Expired::Nothing));
            assert!(all(&mut sender, now, &mut record) > 0, "nothing is sent again");
            assert_eq!(record.lost.0, 0);
        }
        // The third in a row says that the path is gone.
        let now = sender.deadline();
        assert_eq!(sender.expire(now, true, &settings, &mut record), Ok(Expired::Nothing));
        assert!(record.lost.0 > 0);
    }

    #[test]
    fn the_time_out_counts_from_the_last_sending() {
        let (mut sender, mut record) = greeted();
        let before = sender.deadline();
        assert!(sender.content.write(b"again"));
        assert!(all(&mut sender, BEGIN + Span::from_millis(15), &mut record) > 0);
        assert_eq!(sender.deadline().micros_since(before), 15_000);
    }

    /// One message is heard of, and not its copies; another one is under way. Nothing comes back any more, until that is
    /// given up. `limit`: segments before this one may be sent.
    fn silent(limit: u32) -> (Sender<Fixed<1, 64>>, Instant, Record<()>) {
        let (settings, (mut sender, mut record)) = (Settings::HOST, greeted());
        let mut now = sender.deadline();
        assert_eq!(sender.expire(now, true, &settings, &mut record), Ok(Expired::Nothing));
        assert!(sender.content.write(b"again"));
        all(&mut sender, now, &mut record);
        let ack = Own::Ack { top: 1, next: 1, limit, delay: 0, map: Map([0; 4]) };
        assert!(sender.acknowledged(now, &ack, &settings, &mut record));
        sender.take_complete();
        while record.lost.0 == 0 {
            all(&mut sender, now, &mut record);
            now = sender.deadline();
            assert_eq!(sender.expire(now, true, &settings, &mut record), Ok(Expired::Nothing));
        }
        (sender, now, record)
    }

    #[test]
    fn what_was_given_up_and_is_under_way_after_all_is_waited_for() {
        let (mut sender, mut now, mut record) = silent(65);
        // A copy came late, and what is given up might have, too.
        let ack = Own::Ack { top: 2, next: 1, limit: 65, delay: 0, map: Map([0; 4]) };
        assert!(sender.acknowledged(now, &ack, &Settings::HOST, &mut record));
        sender.take_complete();
        assert!(sender.is_under_way());
        assert_eq!(all(&mut sender, now, &mut record), 0);
        now = sender.deadline();
        assert_ne!(now, Instant::FAR, "nobody waits for it");
        assert_eq!(sender.expire(now, true, &Settings::HOST, &mut record), Ok(Expired::Nothing));
    }

    #[test]
    fn what_is_under_way_after_all_is_waited_for_by_who_has_asked_for_room() {
        let (mut sender, mut now, mut record) = silent(1);
        assert_eq!(all(&mut sender, now, &mut record), 0, "there is no room");
        let ack = Own::Ack { top: 2, next: 1, limit: 2, delay: 0, map: Map([0; 4]) };
        for _ in 0..10 {
            assert!(sender.acknowledged(now, &ack, &Settings::HOST, &mut record));
            sender.take_complete();
            if all(&mut sender, now, &mut record) > 0 {
                return;
            }
            now = sender.deadline();
            assert!(sender.expire(now, true, &Settings::HOST, &mut record).is_ok());
        }
        panic!("it asks for room again and again, and does not use it");
    }
}
