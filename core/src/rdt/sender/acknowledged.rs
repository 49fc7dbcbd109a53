//! What an acknowledgement does: its parts are settled one by one, and then concluded from together.

use super::{Sender, UNLIMITED};
use crate::{
    Instant,
    rdt::{
        Settings,
        control::{Controller, News},
        flight::{Fate, Transmission},
        path_mtu::Form,
        profile::Profile,
        record::Record,
        ring::{is_before, later},
        trace::Happened,
    },
    wire::rdt::{Map, Own},
};

/// The least time that a time-out lies ahead when something was heard, in microseconds.
const TIMEOUT_LEAST: u64 = 1_000;

impl<P: Profile> Sender<P> {
    /// An acknowledgement of skep's own: transmissions, and the segments before `next`. `false`: it lies.
    #[must_use]
    pub(crate) fn acknowledged(
        &mut self,
        now: Instant,
        packet: &Own<'_>,
        settings: &Settings,
        record: &mut Record<P::Trace>,
    ) -> bool {
        let Own::Ack { top, next, limit, delay, ref map } = *packet else { return false };
        if is_before(self.flight.newest, top) || is_before(self.flight.next, next) {
            return false;
        }
        record.note(now, Happened::AckReceived { next, limit });
        let before = self.progress();
        // A delay of all ones says only that it was long.
        let mut round_trip = 0;
        if let Some(&mut Transmission { sent, fate: Fate::InFlight | Fate::Lost | Fate::Expired, .. }) =
            self.flight.transmission(top)
            && delay < u16::MAX
        {
            round_trip = self.sample(now, sent, delay, record);
        }
        let mut is_true = true;
        if !is_before(top, self.flight.remembered) {
            let mut distance = top.wrapping_sub(self.flight.remembered).min(Map::SPAN as u32);
            while distance > 0 {
                if map.contains(u64::from(distance)) {
                    is_true &= self.settle(now, top.wrapping_sub(distance), record);
                }
                distance = distance.wrapping_sub(1);
            }
            is_true &= self.settle(now, top, record);
        }
        if !is_true {
            return false;
        }
        let mut segment = self.flight.first;
        while is_before(segment, next) {
            // What is stored was heard of first: its only transmission is not beyond the highest that was.
            if self.flight.is_sent_after(segment, top) {
                return false;
            }
            self.take(segment);
            segment = segment.wrapping_add(1);
        }
        // An acknowledgement that was overtaken tells of a limit that holds no more.
        let is_current = !is_before(top, self.losses.top);
        if is_current {
            self.limit = later(later(limit, next), self.flight.first);
            self.losses.top = top;
        }
        let asked = self.asks_for_room;
        self.conclude(now, before, round_trip, settings, record);
        // The peer lives, and has its reasons to take nothing: it is asked for ever, but ever more seldom. Not so one
        // that acknowledged a segment and has it not, as a damaged datagram may make it do.
        if asked && is_current && !is_before(next, self.flight.first) {
            self.tries = 0;
        }
        true
    }

    /// A known peer acknowledged the INFO with this number. `false`: it is an old one, or lies.
    #[must_use]
    pub(crate) fn acknowledged_segment(
        &mut self,
        now: Instant,
        number: u32,
        settings: &Settings,
        record: &mut Record<P::Trace>,
    ) -> bool {
        if !self.flight.is_begun(number) {
            return false;
        }
        let before = self.progress();
        let Some(segment) = self.flight.segment(number) else { return false };
        let (newest, repeated) = (segment.newest, segment.repeated);
        if segment.fate == Fate::Acknowledged {
            return false;
        }
        let mut round_trip = 0;
        // Karn's rule: of what was sent twice nobody knows which one is acknowledged.
        if !repeated {
            if let Some(&mut Transmission { sent, .. }) = self.flight.transmission(newest) {
                round_trip = self.sample(now, sent, 0, record);
            }
            self.losses.heard(newest);
        }
        self.settle(now, newest, record);
        self.take(number);
        self.conclude(now, before, round_trip, settings, record);
        self.limit = self.flight.first.wrapping_add(UNLIMITED);
        true
    }

    /// The round trip was measured by something else than a segment.
    pub(crate) fn measured(&mut self, sent: Instant, now: Instant, record: &mut Record<P::Trace>) {
        let round_trip = self.sample(now, sent, 0, record);
        self.tell_controller(now, (0, 0), round_trip, record);
    }

    /// The time that passed is a sample of the round trip; without the delay it is returned.
    fn sample(&mut self, now: Instant, sent: Instant, delay: u16, record: &mut Record<P::Trace>) -> u32 {
        self.rtt.sample(sent, now, delay.into());
        record.note(now, self.rtt.happened());
        self.rtt.latest()
    }

    /// A transmission was acknowledged. `false`: it was never made.
    fn settle(&mut self, now: Instant, transmission: u32, record: &mut Record<P::Trace>) -> bool {
        let Some((segment, fate)) = self.flight.settle(transmission) else { return true };
        if P::SEARCHES {
            self.weigh(now, transmission, record);
        }
        match fate {
            Fate::Skipped => return self.is_small(),
            Fate::Lost => {
                record.spurious.add(1);
                self.losses.was_late(transmission);
                self.controller.undo();
                record.note(now, Happened::Spurious { transmission, segment });
            }
            // The acknowledgement was late, or the only one that was not lost.
            Fate::Expired => {
                if !self.is_small() {
                    self.flight.revive();
                }
                self.controller.undo();
                record.spurious.add(1);
                record.note(now, Happened::Spurious { transmission, segment });
            }
            _ => record.note(now, Happened::Acknowledged { transmission, segment }),
        }
        self.take(segment);
        true
    }

    /// What an acknowledged transmission tells of the path's MTU.
    fn weigh(&mut self, now: Instant, transmission: u32, record: &mut Record<P::Trace>) {
        let form = |it: &mut Transmission| (it.form, it.fate == Fate::Acknowledged);
        let is_news = match self.flight.transmission(transmission).map(form) {
            Some((Form::Trial, _)) => self.path_mtu.widen(),
            Some((Form::Parts, _)) => {
                let before = self.flight.transmission(transmission.wrapping_sub(1)).map(form);
                before == Some((Form::Trial, false)) && self.path_mtu.narrow()
            }
            _ => false,
        };
        if is_news {
            let is_narrow = self.path_mtu.is_narrow();
            log!(debug, "rdt: the path carries whole segments: {}", !is_narrow);
            record.note(now, Happened::PathMtu { is_narrow });
        }
    }

    /// A segment was acknowledged.
    fn take(&mut self, number: u32) {
        if self.flight.take(number) {
            let place = self.content.place(number, self.size);
            let bytes = place.map_or(0, |place| place.length(self.size)).into();
            self.bytes_acknowledged = self.bytes_acknowledged.wrapping_add(bytes);
        }
    }

    /// Looks for what was lost, and tells the controller: so many transmissions were acknowledged since the last time,
    /// after such a round trip.
    pub(super) fn find_lost(
        &mut self,
        now: Instant,
        (acknowledged, round_trip): (u32, u32),
        settings: &Settings,
        record: &mut Record<P::Trace>,
    ) {
        let path = (&self.rtt, &self.path_mtu);
        let found = self.losses.find(now, &mut self.flight, path, settings, record);
        if !self.is_small() && found.lost > 0 {
            self.losses.threshold.lost();
        }
        // What was lost for its size says nothing of the load.
        self.tell_controller(
            now,
            (acknowledged, found.lost.wrapping_sub(found.too_long)),
            round_trip,
            record,
        );
    }

    fn tell_controller(
        &mut self,
        now: Instant,
        (acknowledged, lost): (u32, u32),
        round_trip: u32,
        record: &mut Record<P::Trace>,
    ) {
        let in_flight = self.flight.count;
        let (top, next) = (self.losses.top, self.flight.newest.wrapping_add(1));
        let news = News { acknowledged, lost, in_flight, top, next, round_trip };
        self.controller.acknowledged(now, &news);
        record.note(now, Happened::Controlled(self.controller.state(in_flight)));
    }

    /// What an acknowledgement changed, all its parts taken together.
    fn conclude(
        &mut self,
        now: Instant,
        before: (u32, u64),
        round_trip: u32,
        settings: &Settings,
        record: &mut Record<P::Trace>,
    ) {
        let acknowledged = before.0.saturating_sub(self.flight.count);
        let progress = self.bytes_acknowledged != before.1;
        self.find_lost(now, (acknowledged, round_trip), settings, record);
        if !self.is_small() {
            self.wait_for_revived(now, before, settings);
        }
        let next = self.flight.next_lost().unwrap_or(self.flight.next);
        if progress || self.asks_for_room && is_before(next, self.limit) {
            self.tries = 0;
            self.rtt.recover();
            self.probes.stop();
            if P::SEARCHES {
                self.path_mtu.trust();
            }
            self.asks_for_room = false;
            self.timeout = Instant::FAR;
            if self.flight.count > 0 {
                // From the last sending on (RFC 9002 section 6.2.1): what was lost at the end of a flight is noticed
                // the sooner.
                let newest =
                    if self.is_small() { None } else { self.flight.transmission(self.flight.newest) };
                let sent = newest.map_or(now, |transmission| transmission.sent);
                self.wait(sent, settings);
                self.timeout = self.timeout.max(now.plus_micros(TIMEOUT_LEAST));
            }
        } else if self.flight.count == 0 && !self.asks_for_room {
            // It was the last copy of what was acknowledged before.
            self.timeout = Instant::FAR;
        }
    }

    /// What was given up is under way after all: there may be nothing else to send that would start the time-out.
    fn wait_for_revived(&mut self, now: Instant, before: (u32, u64), settings: &Settings) {
        if before.0 == 0 && self.flight.count > 0 {
            self.asks_for_room = false;
            self.wait(now, settings);
        }
    }

    fn progress(&self) -> (u32, u64) {
        (self.flight.count, self.bytes_acknowledged)
    }
}
