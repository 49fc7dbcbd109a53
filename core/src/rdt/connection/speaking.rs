//! What a connection says next, and how it is written.

use super::{Connection, Made, Mode, Phase, Step};
use crate::{
    Instant,
    rdt::{
        Event, Load, Settings,
        known::{KnownKind, known, written},
        outgoing::{self, Place},
        profile::Profile,
        sender::Batch,
        token::Tokens,
        trace::{Happened, Signal, Trace as _},
    },
    wire::rdt::{Known, Own, Pass, Terms, pad},
};

/// A packet that carries no content.
enum Small {
    Own(Own<'static>),
    Known(KnownKind, Known<'static>),
}

impl Small {
    /// What it says to a trace.
    const fn signal(&self) -> Option<Signal> {
        match self {
            Self::Own(packet) => Signal::of_own(packet),
            Self::Known(_, packet) => Signal::of_known(packet),
        }
    }
}

impl<P: Profile> Connection<P> {
    /// The next thing to say; datagrams are written into `room`. Its peer may have `share` segments under way.
    pub(crate) fn poll(
        &mut self,
        now: Instant,
        room: &mut [u8],
        settings: &Settings,
        tokens: &P::Tokens,
        share: u32,
    ) -> Step {
        if let Some(event) = self.next_event() {
            return Step::Event(event);
        }
        if !self.is_held()
            && let Some(made) = self.next_small(now, room, settings, tokens, share)
        {
            self.spend(made.length);
            return Step::Datagrams(made);
        }
        if let Some(event) = self.due.closed.take() {
            return Step::Event(Event::Closed(self.name, event));
        }
        let speaks = match self.phase {
            Phase::Over => return Step::Gone,
            Phase::Open => true,
            Phase::Calling { .. } => {
                self.is_early() && (self.is_bold(settings) || !self.sender.is_content_next())
            }
            Phase::Waiting => false,
        };
        let made = if speaks { self.next_segments(now, room, settings) } else { None };
        made.map_or(Step::Idle, |made| {
            self.spend(made.length);
            Step::Datagrams(made)
        })
    }

    fn next_event(&mut self) -> Option<Event> {
        let name = self.name;
        if core::mem::take(&mut self.due.connected) {
            Some(Event::Connected(name))
        } else if core::mem::take(&mut self.due.received) {
            Some(Event::Received(name))
        } else if self.due.sent > 0 {
            self.due.sent = self.due.sent.saturating_sub(1);
            Some(Event::Sent(name))
        } else if core::mem::take(&mut self.due.finished) {
            Some(Event::Finished(name))
        } else if self.due.flushed && self.sender.content.is_light() {
            self.due.flushed = false;
            Some(Event::Flushed(name))
        } else {
            None
        }
    }

    /// Whether the call is to be said once more, as content goes out behind it.
    fn opens_twice(&mut self, settings: &Settings) -> bool {
        self.due.open_twice
            && self.is_bold(settings)
            && self.sender.content.has_range()
            && core::mem::take(&mut self.due.open_twice)
    }

    /// The next packet that carries no content.
    fn next_small(
        &mut self,
        now: Instant,
        room: &mut [u8],
        settings: &Settings,
        tokens: &P::Tokens,
        share: u32,
    ) -> Option<Made> {
        let segments = self.sender.segments_sent();
        let either = |mode, own, known| match mode {
            Mode::Own => Small::Own(own),
            Mode::Known(kind) => Small::Known(kind, known),
        };
        // What opens a connection is as large as what it is to carry.
        let mut size = 0;
        let packet = if core::mem::take(&mut self.due.open) || self.opens_twice(settings) {
            let calls = if let Phase::Calling { calls, .. } = self.phase { calls } else { 0 };
            let (terms, realm) =
                (Terms { segment: self.offer(calls, settings), ..settings.terms }, settings.magic);
            let pass = Pass { token: self.token, round_trip: self.expected };
            size = self.call_size(calls, settings);
            let (header, trailer) = self.around(settings);
            let around = header.saturating_add(trailer) as u16;
            self.record.note(now, Happened::Called { segment: terms.segment, around });
            Small::Own(Own::Open { terms, realm, pass })
        } else if let (Some(kind), true) = (known(settings.kind), core::mem::take(&mut self.due.connect)) {
            Small::Known(kind, Known::Connect)
        } else if self.due.accept > 0 {
            size = self.due.accept.into();
            if !core::mem::take(&mut self.due.accept_again) {
                self.due.accept = 0;
            }
            let terms = Terms { segment: self.segment, ..settings.terms };
            let token = self.peer.address().map_or(0, |address| tokens.token(now, address.ip()));
            either(self.mode, Own::Accept { terms, token }, Known::ConnAck)
        } else if core::mem::take(&mut self.due.reset) {
            Small::Own(Own::Reset)
        } else if self.due.ping > 0 {
            self.due.ping = self.due.ping.wrapping_sub(1);
            // Who has to share tells at once how much there is for this one: it was told of all of it when it opened.
            self.receiver.owes |= share < self.receiver.window();
            Small::Own(Own::Ping { token: self.token })
        } else if self.receiver.owes && self.mode == Mode::Own {
            self.record.acknowledgements.add(1);
            let packet = self.receiver.acknowledge(now, share);
            if let Own::Ack { top, next, limit, map, .. } = packet {
                self.record.note(now, Happened::AckSent { top, map, next, limit });
            }
            Small::Own(packet)
        } else if core::mem::take(&mut self.due.fin_ack) {
            either(self.mode, Own::FinAck, Known::FinAck)
        } else if self.fin_is_due() {
            self.fin_is_sent(now, settings);
            either(self.mode, Own::Fin { segments }, Known::Fin)
        } else {
            return None;
        };
        // One place writes them all: for size.
        let room = inside(room, settings);
        let signal = if self.record.trace.listens() { packet.signal() } else { None };
        let length = match packet {
            Small::Own(packet) => packet.emit(self.number, room).map(|length| pad(room, length, size)),
            Small::Known(kind, packet) => packet.emit(&settings.magic, written(kind), room),
        };
        // A room too small for a packet is as good as a network that loses it.
        let length = length.map_or(0, |length| length.saturating_add(settings.envelope.size()));
        if let Some(signal) = signal {
            self.record.note(now, Happened::Signalled { signal, length: length as u16 });
        }
        Some(Made { length, size: length.max(1), load: None })
    }

    /// The next segments, as many equal ones as there is room for.
    fn next_segments(&mut self, now: Instant, room: &mut [u8], settings: &Settings) -> Option<Made> {
        let (header, trailer) = self.around(settings);
        let size = usize::from(self.segment).saturating_add(header).saturating_add(trailer);
        let affordable = self.affordable(size);
        if affordable == 0 {
            self.sender.held();
            return None;
        }
        let most = room.len().checked_div(size).unwrap_or(0).min(usize::from(settings.batch.max(1)));
        let most = most.min(affordable);
        let batch = self.sender.batch(now, most, settings, &mut self.record)?;
        if P::SEARCHES && batch.in_parts {
            return self.divide(room, &batch, settings);
        }
        let (body, load) = match batch.place {
            Place::Message { start, length } => {
                let bytes = self.sender.content.message(start, length)?;
                room.get_mut(header..header.checked_add(length)?)?.copy_from_slice(bytes);
                (length, None)
            }
            Place::Range { file, offset, left } => {
                let length = left.min(outgoing::bytes(batch.count, self.segment)) as usize;
                (length, Some(Load { connection: self.name, file, offset, length, header, trailer }))
            }
        };
        self.write_headers(room, &batch, size, body, settings)?;
        let around = header.saturating_add(trailer).saturating_mul(batch.count as usize);
        let length = body.saturating_add(around);
        Some(Made { length, size, load })
    }

    /// The bytes before the content of a datagram that carries a whole segment, and those behind.
    #[inline(never)] // for size: core/panic-check/run shows it
    pub(super) fn around(&self, settings: &Settings) -> (usize, usize) {
        match self.mode {
            Mode::Own => {
                let envelope = settings.envelope;
                (Own::DATA_HEADER.saturating_add(usize::from(envelope.front)), usize::from(envelope.back))
            }
            Mode::Known(_) => (settings.magic.as_bytes().len().saturating_add(Known::INFO_HEADER), 0),
        }
    }

    /// One segment in two parts.
    fn divide(&self, room: &mut [u8], batch: &Batch, settings: &Settings) -> Option<Made> {
        let trailer = usize::from(settings.envelope.back);
        let header = Own::PART_HEADER.saturating_add(settings.envelope.front.into());
        let length = batch.place.length(self.segment);
        let half = Own::half(length);
        let size = usize::from(half).saturating_add(header).saturating_add(trailer);
        let around = header.saturating_add(trailer).saturating_mul(2);
        let all = usize::from(length).saturating_add(around);
        let mut parts = room.get_mut(..all)?.chunks_mut(size.max(1));
        for (offset, end) in [(0, half), (half, length)] {
            let datagram = parts.next()?;
            let (transmission, segment, asks) = (batch.first_transmission, batch.first_segment, batch.asks);
            let part = Own::Part { transmission, segment, asks, offset, length, body: &[] };
            part.emit(self.number, inside(datagram, settings))?;
            if let Place::Message { start, .. } = batch.place {
                let count = usize::from(end.saturating_sub(offset));
                let bytes = self.sender.content.message(start.saturating_add(offset.into()), count)?;
                let body = datagram.get_mut(header..)?.get_mut(..count)?;
                body.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            }
        }
        let load = match batch.place {
            Place::Message { .. } => None,
            Place::Range { file, offset, .. } => {
                Some(Load { connection: self.name, file, offset, length: length.into(), header, trailer })
            }
        };
        Some(Made { length: all, size, load })
    }

    fn write_headers(
        &self,
        room: &mut [u8],
        batch: &Batch,
        size: usize,
        body: usize,
        settings: &Settings,
    ) -> Option<()> {
        let mut left = body;
        for (index, datagram) in room.chunks_mut(size.max(1)).take(batch.count as usize).enumerate() {
            let segment = batch.first_segment.wrapping_add(index as u32);
            let length = left.min(usize::from(self.segment));
            left = left.saturating_sub(length);
            match self.mode {
                Mode::Own => {
                    let transmission = batch.first_transmission.wrapping_add(index as u32);
                    let datagram = inside(datagram, settings);
                    let asks = batch.asks && index.wrapping_add(1) == batch.count as usize;
                    Own::Data { transmission, segment, asks, body: &[] }.emit(self.number, datagram)?;
                }
                Mode::Known(kind) => {
                    let number = if settings.known_window == 1 { segment & 0xffff } else { segment };
                    Known::emit_info_header(&settings.magic, written(kind), number, length as u16, datagram)?;
                }
            }
        }
        Some(())
    }
}

/// The room for a datagram inside its envelope.
pub(crate) fn inside<'r>(room: &'r mut [u8], settings: &Settings) -> &'r mut [u8] {
    let end = room.len().saturating_sub(usize::from(settings.envelope.back));
    room.get_mut(usize::from(settings.envelope.front)..end).unwrap_or_default()
}
