//! How a connection opens: who calls, in which language, with datagrams of what size.

use super::{
    Connection, Due, Mode, Phase,
    size::{COPIES, carrying},
};
use crate::{
    Instant,
    rdt::{
        Error, Language, Peer, Settings,
        control::Controller,
        known::{KnownKind, known},
        profile::Profile,
        sender::UNLIMITED,
        trace::Happened,
    },
    wire::rdt::{Own, Pass, Terms},
};
use core::time::Duration;

/// What UDP and IPv4 put around a datagram.
const HEADERS_BELOW: u32 = 28;
/// About what stands in an INFO before its body.
const HEADERS_KNOWN: usize = 13;

/// How long a copy of a call may be under way. Whoever calls again later has begun anew.
const RESTART_AGE: Duration = Duration::from_secs(3);

/// How long one who has called is safe from others who need its place: long enough for some signs of life, of which some
/// may be lost.
const GRACE: Duration = Duration::from_secs(1);

/// The first call is said three times: again after so many microseconds, and after twice as many more. So one that is
/// lost costs little. A host does not wait until an answer could be there on most paths, as a datagram or two are nothing
/// to it; for a device each answer takes one of few frames.
const COPY_AFTER: u32 = 10_000;
const COPY_AFTER_ON_DEVICE: u32 = 30_000;
/// What comes later is no copy, whoever calls.
const COPIES_END: u32 = 4 * COPY_AFTER_ON_DEVICE;

/// The longest round-trip time that is believed before one is measured, in microseconds.
const EXPECTED_MAX: u32 = 1_000_000;

impl<P: Profile> Connection<P> {
    /// A connection that calls.
    pub(crate) fn call(
        now: Instant,
        peer: Peer,
        number: (u32, u32),
        language: Language,
        pass: Pass,
        settings: &Settings,
    ) -> Self {
        let mode = match known(settings.kind) {
            Some(kind) if !language.has_own() => Mode::Known(kind),
            _ => Mode::Own,
        };
        let phase = Phase::Calling { language, calls: 0, again: now, is_cut: false };
        let mut connection = Self::new(now, peer, number, mode, phase);
        connection.segment = settings.terms.segment;
        connection.token = pass.token;
        connection.expected = pass.round_trip.min(EXPECTED_MAX);
        // What is sealed cannot be said before the handshake.
        if P::Controller::IS_PACED && language.has_own() && peer.address().is_some() {
            connection.is_early = true;
            connection.told_early = true;
            connection.due.connected = true;
            connection.begin(now, settings.window, settings);
        }
        connection
    }

    /// A connection for one who calls in skep's own language, by an OPEN of `size` bytes. What it expects of the round
    /// trip is known when its address is proven, and else nothing.
    pub(crate) fn called(
        now: Instant,
        peer: Peer,
        number: (u32, u32),
        (terms, size): (Terms, usize),
        proven: Option<u32>,
        settings: &Settings,
    ) -> Self {
        let mut connection = Self::new(now, peer, number, Mode::Own, Phase::Waiting);
        match proven {
            Some(expected) => connection.expected = expected.min(EXPECTED_MAX),
            None => {
                connection.credit = 0;
                connection.earn(size);
            }
        }
        let carried = size.saturating_sub(Own::DATA_HEADER).max(1).min(usize::from(u16::MAX)) as u16;
        connection.segment = terms.segment.min(settings.terms.segment).min(carried);
        connection.begin(now, terms.window, settings);
        connection
    }

    /// A connection for a known peer that calls.
    pub(crate) fn called_by_known(
        now: Instant,
        peer: Peer,
        seed: u32,
        kind: KnownKind,
        settings: &Settings,
    ) -> Self {
        let mut connection = Self::new(now, peer, (0, seed), Mode::Known(kind), Phase::Waiting);
        connection.begin(now, 0, settings);
        connection
    }

    /// Sets both halves up for what was agreed.
    pub(super) fn begin(&mut self, now: Instant, window: u32, settings: &Settings) {
        let (around, windows) = match self.mode {
            Mode::Own => {
                self.receiver.open(self.segment, settings.terms.window, true);
                let around = Own::DATA_HEADER.saturating_add(settings.envelope.size());
                (around, (settings.window.min(window), window))
            }
            Mode::Known(_) => {
                self.segment = settings.known_segment;
                self.receiver.open(u16::MAX, settings.early_window, false);
                (HEADERS_KNOWN, (settings.known_window, UNLIMITED))
            }
        };
        let datagram = (around as u32).saturating_add(u32::from(self.segment)).saturating_add(HEADERS_BELOW);
        self.sender.open(now, (self.segment, datagram), windows, self.expected, settings);
        if P::SEARCHES {
            self.sender.path_mtu.open(self.mode == Mode::Own);
        }
        let (header, trailer) = self.around(settings);
        let around = header.saturating_add(trailer) as u16;
        self.record.note(now, Happened::Opened { segment: self.segment, around, window: windows.0 });
    }

    /// The application takes the connection: its peer is told.
    pub(crate) fn accept(&mut self, now: Instant, settings: &Settings) {
        if self.phase == Phase::Waiting {
            self.phase = Phase::Open;
            self.hear(now, settings);
            self.answer_call(usize::MAX);
            // What is sent at once behind the answer comes to nothing without it.
            self.due.accept_again =
                !self.sender.is_small() && self.peer.address().is_some() && self.mode == Mode::Own;
            self.answered = now;
        }
    }

    pub(crate) fn is_calling(&self) -> bool {
        matches!(self.phase, Phase::Calling { .. })
    }

    /// Whether it is not open yet: nothing but the answer to a call means anything.
    pub(crate) fn is_opening(&self) -> bool {
        matches!(self.phase, Phase::Calling { .. } | Phase::Waiting)
    }

    /// The call is answered, at first or again: by no more bytes than it has.
    pub(crate) fn answer_call(&mut self, size: usize) {
        self.answered = Instant::FAR;
        if self.phase == Phase::Open {
            self.due.accept = self.due.accept.max(carrying(self.segment).min(size) as u16);
        }
    }

    /// The call came again, in so many bytes. Whoever is answered twice is no measure of the round trip, but for the
    /// copies of the first call: then it is that, or a little less.
    pub(crate) fn called_again(&mut self, now: Instant, size: usize, settings: &Settings) {
        self.earn(size);
        let answered = self.answered;
        self.answer_call(size);
        self.hear(now, settings);
        if now.micros_since(answered) < u64::from(COPIES_END) {
            self.answered = answered;
        }
    }

    /// Another call came from the peer's address. Either it is an old one that took its time, or the peer was
    /// restarted: asked for a sign of life, it gives one, or says that it knows of no such connection.
    pub(crate) fn challenge(&mut self) {
        if self.mode == Mode::Own {
            self.challenged = true;
            self.ask_for_sign();
        }
    }

    /// Since when nothing has come, if that is for too long from one of whom nothing but its call has come.
    pub(crate) fn is_half_open(&self, now: Instant) -> Option<Instant> {
        let is_half_open = self.phase == Phase::Open && !self.confirmed && !self.abandoned;
        (is_half_open && self.heard + GRACE <= now).then_some(self.heard)
    }

    /// Somebody else needs its place.
    pub(crate) fn displaced(&mut self) {
        self.due = Due::default();
        self.fail(Error::Silent { delivered: 0 });
    }

    pub(crate) fn confirmed(&self) -> bool {
        self.confirmed
    }

    /// Whether another call may be one that was under way when the peer began to speak.
    pub(crate) fn is_young(&self, now: Instant) -> bool {
        !self.confirmed || now.since(self.confirmed_at) < RESTART_AGE
    }

    /// It has shown that it heard us, unless that was said by somebody in its name.
    pub(crate) fn confirm(&mut self) {
        if !self.confirmed && !self.is_unproven() {
            self.confirmed = true;
            self.confirmed_at = self.heard;
        }
    }

    /// A known peer called again.
    pub(crate) fn called_by_known_again(&mut self, now: Instant) {
        self.called_again = !self.is_young(now);
        self.answer_call(usize::MAX);
    }

    /// Whether a known peer that sends its first segment does so for the second time, after a second call: it
    /// cannot have lost only the acknowledgement when it sent others since, or acknowledged some of ours.
    pub(crate) fn has_begun_anew(&self) -> bool {
        let next = self.receiver.next();
        self.called_again && (next > 1 || next == 1 && self.sender.bytes_acknowledged > 0)
    }

    /// The answer to a call in skep's own language, of `size` bytes. `false`: it answers something else.
    #[must_use]
    pub(crate) fn accepted(
        &mut self,
        now: Instant,
        (terms, token): (Terms, u64),
        size: usize,
        settings: &Settings,
    ) -> bool {
        // Later ones are repeats.
        let Phase::Calling { language, calls, again, is_cut } = self.phase else { return true };
        if !language.has_own() || terms.segment > self.offer(calls, settings) {
            return false;
        }
        if calls <= COPIES && self.sender.rtt.smoothed().is_none() {
            // The first sample of the round-trip time; too large by the time of a copy where these are all alike, if that
            // is what was answered.
            let call = self.answered_call(calls, size, settings);
            let since =
                Self::until(calls, settings).saturating_sub(Self::until(call.wrapping_sub(1), settings));
            let called = again.as_micros().saturating_sub(since.into());
            self.sender.measured(Instant::from_micros(called), now, &mut self.record);
        }
        if P::SEARCHES && size < carrying(terms.segment) {
            // It answers a copy that has less padding than the call that was granted this. Its own answer is lost, or the
            // way back does not carry it: it is asked for once more, and then given up.
            if calls <= COPIES && !is_cut {
                let again = again.max(now.plus_micros(self.sender.rtt.timeout(settings).into()));
                self.phase = Phase::Calling { language, calls, again, is_cut: true };
                self.due.open = true;
            }
            return true;
        }
        self.mode = Mode::Own;
        self.token = token;
        if self.is_early() && terms.segment != self.segment && !self.sender.fits(terms.segment) {
            // Its segments are shorter than those that it was sent. Another connection, and nothing before the answer.
            self.say_later();
            self.segment = terms.segment;
            // One above would be the same call for smaller datagrams.
            self.number = self.number.wrapping_add(2);
            self.call_again(now, 0, settings);
            return true;
        }
        self.segment = terms.segment;
        self.opened(now, terms.window, settings);
        true
    }

    /// The answer of a known peer.
    pub(crate) fn accepted_by_known(&mut self, now: Instant, kind: KnownKind, settings: &Settings) {
        let Phase::Calling { language, .. } = self.phase else { return };
        if !language.has_known() {
            return;
        }
        if self.is_early() {
            self.say_later();
        }
        self.mode = Mode::Known(kind);
        self.opened(now, 0, settings);
    }

    /// Whether what is said goes out behind the call.
    pub(super) fn is_early(&self) -> bool {
        P::Controller::IS_PACED && self.is_early
    }

    /// Whether content may be part of that: who knows the rate of the path, or its round-trip time, need not measure it.
    pub(super) const fn is_bold(&self, settings: &Settings) -> bool {
        settings.rate > 0 || self.expected > 0
    }

    /// Nothing is said any more before the call is answered; what was said is said anew.
    fn say_later(&mut self) {
        self.is_early = false;
        self.sender.begin_anew();
    }

    fn opened(&mut self, now: Instant, window: u32, settings: &Settings) {
        self.phase = Phase::Open;
        self.due.open = false;
        self.due.open_twice = false;
        self.due.connect = false;
        self.due.connected = !self.told_early;
        // Who has nothing to say yet shows at least that it is there.
        if self.mode == Mode::Own {
            self.due.ping = if self.sender.is_small() { 1 } else { 2 };
        }
        self.hear(now, settings);
        // A peer does not wait long for one that has only called: a sign of life that is lost is soon given again.
        self.signs = 0;
        self.ping_at = self.next_sign(now, settings);
        self.confirm();
        self.begin(now, window, settings);
    }

    pub(super) fn call_again(&mut self, now: Instant, calls: u8, settings: &Settings) {
        let Phase::Calling { language, is_cut, .. } = self.phase else { return };
        if calls >= settings.calls {
            return self.fail(Error::Unreachable);
        }
        let interval = match calls.checked_sub(COPIES) {
            None => Self::until(calls.wrapping_add(1), settings).saturating_sub(Self::until(calls, settings)),
            Some(more) => settings.call_interval.as_micros().saturating_mul(2 << more.min(8)),
        };
        let again = now.plus_micros(interval.min(1_000_000).into());
        let next = calls.saturating_add(1);
        self.phase = Phase::Calling { language, calls: next, again, is_cut };
        if self.offer(next, settings) != self.offer(calls, settings) {
            // The size of segments is part of what a number stands for: an answer to an earlier call, which may still
            // be under way, must not be taken for one to this.
            self.number = self.number.wrapping_add(1);
            if self.is_early() {
                self.say_later();
            }
        }
        self.due.open = language.has_own();
        self.due.open_twice = self.is_early() && calls == 0;
        if self.is_early() {
            // What went out behind a call that is lost was for nobody.
            self.sender.repeat_first();
        }
        // A known peer is not called twice at once.
        self.due.connect = language.has_known() && (next > COPIES || calls == 0 && !language.has_own());
    }

    /// Microseconds from the first call to the one after so many: its copies, and the second.
    fn until(calls: u8, settings: &Settings) -> u32 {
        let copy = if P::Controller::IS_PACED { COPY_AFTER } else { COPY_AFTER_ON_DEVICE };
        match calls {
            0 => 0,
            1 => copy,
            2 => 3 * copy,
            _ => settings.call_interval.as_micros().max(COPIES_END),
        }
    }
}
