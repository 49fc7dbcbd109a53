//! Datagrams that came: whose they are, and what is to be done with what they brought.

use crate::{
    Instant,
    rdt::{
        Connection, Discard, Endpoint, Incoming, Peer, Settings, Ticket,
        connection::Mode,
        endpoint::{
            connections::Face,
            replies::{Packet, Reply},
        },
        known::KnownKind,
        profile::Profile,
        receiver::{Extent, Verdict, count},
        token::Tokens,
    },
    wire::rdt::{Known, Own},
};

/// So many are believed at a time before their addresses are proven, and what they bring is told: what that takes of an
/// application (a slot, a seat, an answer) nobody else takes in others' names. What further ones bring is dropped until
/// they have proven theirs, and comes again.
const STRANGERS: u32 = 64;
/// A DATA with a number up to this one may have overtaken the call that it was sent with.
const EARLY: u32 = 1_024;

impl<P: Profile> Endpoint<P> {
    pub(super) fn handle_own<'d>(
        &mut self,
        now: Instant,
        from: Peer,
        size: usize,
        number: u32,
        packet: &Own<'d>,
    ) -> Result<Option<Incoming<'d>>, Discard> {
        if let Own::Open { terms, realm, pass } = packet {
            if *realm != self.settings.magic {
                return Err(Discard::OtherMagic);
            }
            return self.called(now, from, number, (*terms, size), *pass);
        }
        let ours = |face: &Face| face.number == number && face.mode == Mode::Own;
        let Some(place) = self.find(&from, &ours) else {
            self.reply_to_stray(from, number, packet);
            return Err(Discard::Stray);
        };
        let settings = &self.settings;
        let Some(connection) = self.table.get_mut(place) else { return Err(Discard::Stray) };
        if connection.is_opening() && !matches!(packet, Own::Accept { .. } | Own::Reset) {
            // It has overtaken the answer to the call, and comes again.
            return Err(Discard::Stray);
        }
        connection.earn(size);
        connection.hear(now, settings);
        // DATA may have been sent with the call, before that was answered.
        let is_answer = !matches!(packet, Own::Data { .. } | Own::Part { .. });
        if is_answer {
            connection.measure(now);
        }
        if let (Own::Ping { token }, Peer::Address(address)) = (packet, from)
            && connection.is_unproven()
            && self.tokens.is_good(now, address.ip(), *token)
        {
            connection.prove(now, settings);
            self.strangers = self.strangers.saturating_sub(connection.take_stranger().into());
        }
        // Nobody else can have sealed what was sealed.
        if is_answer || from.address().is_none() {
            connection.confirm();
        }
        let mut outcome = Self::take_own(connection, now, size, packet, settings);
        if connection.is_unproven() && matches!(outcome, Ok(Some(_))) {
            if self.strangers >= STRANGERS && !connection.is_stranger {
                outcome = Err(Discard::Early);
            } else if !core::mem::replace(&mut connection.is_stranger, true) {
                self.strangers = self.strangers.saturating_add(1);
            }
        }
        self.table.give_turn(place);
        self.forget_void(outcome)
    }

    /// The end of a connection that is over is confirmed; other packets of it are told that there is none.
    fn reply_to_stray(&mut self, from: Peer, number: u32, packet: &Own<'_>) {
        let packet = match packet {
            Own::Fin { .. } => Packet::FinAck(number),
            Own::Data { transmission: ..=EARLY, .. } | Own::Part { transmission: ..=EARLY, .. } => return,
            Own::Data { .. } | Own::Part { .. } | Own::Ping { .. } | Own::Accept { .. } => {
                Packet::Reset(number)
            }
            _ => return,
        };
        self.reply(Reply { to: from, packet });
    }

    /// What a packet is to its connection.
    fn take_own<'d>(
        connection: &mut Connection<P>,
        now: Instant,
        size: usize,
        packet: &Own<'d>,
        settings: &Settings,
    ) -> Result<Option<Incoming<'d>>, Discard> {
        let is_good = |is_good: bool, otherwise| if is_good { Ok(None) } else { Err(otherwise) };
        match packet {
            Own::Accept { terms, token } => {
                is_good(connection.accepted(now, (*terms, *token), size, settings), Discard::Malformed)
            }
            Own::Data { transmission, segment, asks, body } => {
                Self::own_segment(connection, *segment, (*transmission, *asks), whole(body), body)
            }
            Own::Part { transmission, segment, asks, offset, length, body } if P::SEARCHES => {
                let extent =
                    Extent { start: *offset, end: offset.saturating_add(body.len() as u16), length: *length };
                Self::own_segment(connection, *segment, (*transmission, *asks), extent, body)
            }
            Own::Part { .. } => Err(Discard::Malformed),
            Own::Ack { .. } => {
                is_good(connection.acknowledged(now, packet, settings), Discard::Acknowledgement)
            }
            Own::Fin { segments } => is_good(connection.peer_finished(Some(*segments)), Discard::Early),
            Own::FinAck => {
                connection.finish_acknowledged();
                Ok(None)
            }
            Own::Ping { .. } => {
                connection.pinged();
                Ok(None)
            }
            Own::Reset => {
                connection.reset();
                Ok(None)
            }
            Own::Open { .. } => Ok(None),
        }
    }

    pub(super) fn handle_known<'d>(
        &mut self,
        now: Instant,
        from: Peer,
        kind: KnownKind,
        packet: Known<'d>,
    ) -> Result<Option<Incoming<'d>>, Discard> {
        if packet == Known::Connect {
            return self.called_by_known(now, from, kind);
        }
        // Before one is open nothing but the answer to a call is for it: a FIN is of what was before.
        let theirs = |face: &Face| match packet {
            Known::ConnAck => face.mode != Mode::Own || face.is_calling,
            _ => face.mode != Mode::Own && !face.is_opening,
        };
        let Some(place) = self.find(&from, &theirs) else {
            if packet == Known::Fin {
                self.reply(Reply { to: from, packet: Packet::KnownFinAck(kind) });
            }
            return Err(Discard::Stray);
        };
        if let Known::Info { number: 0, .. } = packet
            && self.table.get(place).is_some_and(Connection::has_begun_anew)
        {
            // It called again and counts from the start: it was restarted, and what is here is of its past.
            self.replace(place);
            self.called_by_known(now, from, kind)?;
            return Err(Discard::Stray);
        }
        let settings = &self.settings;
        let Some(connection) = self.table.get_mut(place) else { return Err(Discard::Stray) };
        connection.hear(now, settings);
        connection.measure(now);
        let mut outcome = Ok(None);
        match packet {
            Known::ConnAck => connection.accepted_by_known(now, kind, settings),
            Known::Info { number, body } => outcome = self.info(place, number, body),
            Known::Ack(number) => {
                if !connection.acknowledged_segment(now, number, settings) {
                    outcome = Err(Discard::Acknowledgement);
                }
            }
            Known::Fin => {
                connection.peer_finished(None);
                self.linger_until = self.linger_until.max(now + settings.known_linger);
            }
            Known::FinAck => connection.finish_acknowledged(),
            Known::Connect => {}
        }
        self.table.give_turn(place);
        self.forget_void(outcome)
    }

    /// Content that is wanted no more counts as stored.
    fn forget_void<'d>(
        &mut self,
        outcome: Result<Option<Incoming<'d>>, Discard>,
    ) -> Result<Option<Incoming<'d>>, Discard> {
        let Ok(Some(Incoming::Store { ticket, .. })) = &outcome else { return outcome };
        if !self.named(ticket.connection).is_some_and(|connection| connection.receiver.is_void()) {
            return outcome;
        }
        self.stored(ticket);
        Ok(None)
    }

    /// A known peer's segment.
    fn info<'d>(&mut self, place: u32, number: u32, body: &'d [u8]) -> Result<Option<Incoming<'d>>, Discard> {
        let settings = self.settings;
        let Some(connection) = self.table.get_mut(place) else { return Err(Discard::Stray) };
        let Mode::Known(kind) = connection.mode else { return Err(Discard::Stray) };
        let acknowledgement = Reply { to: connection.peer, packet: Packet::KnownAck(kind, number) };
        if connection.abandoned {
            return Err(Discard::Stray);
        }
        let segment = connection.info_segment(number);
        if body.is_empty() && segment == connection.receiver.next() {
            // The known peer's first INFO is empty: it only confirms that the connection stands.
            connection.receiver.taken(segment, 0, Extent { start: 0, end: 0, length: 0 });
            connection.received_segment((number, segment), 0);
            self.reply(acknowledgement);
            return Ok(None);
        }
        let outcome = Self::segment(connection, segment, (number, true), whole(body), body);
        let ahead = segment.wrapping_sub(connection.receiver.next());
        match outcome {
            Err(Discard::Duplicate) => self.reply(acknowledgement),
            Err(Discard::Early) if ahead > 0 && ahead < settings.early_window => {
                let ticket = Ticket {
                    connection: connection.name,
                    segment,
                    number,
                    asks: true,
                    skip: 0,
                    count: 0,
                    length: body.len().min(usize::from(u16::MAX)) as u16,
                };
                return Ok(Some(Incoming::Early { ticket, number: segment }));
            }
            _ => {}
        }
        outcome
    }

    /// A segment in skep's own language; one that is there already is acknowledged again.
    fn own_segment<'d>(
        connection: &mut Connection<P>,
        segment: u32,
        (transmission, asks): (u32, bool),
        extent: Extent,
        body: &'d [u8],
    ) -> Result<Option<Incoming<'d>>, Discard> {
        let outcome = Self::segment(connection, segment, (transmission, asks), extent, body);
        if outcome == Err(Discard::Duplicate) {
            connection.note(transmission, true);
        }
        outcome
    }

    /// A segment in either language.
    fn segment<'d>(
        connection: &mut Connection<P>,
        segment: u32,
        (number, asks): (u32, bool),
        extent: Extent,
        body: &'d [u8],
    ) -> Result<Option<Incoming<'d>>, Discard> {
        let verdict = match connection.receiver.judge(segment, extent) {
            // The application does not know yet that it has all of its content.
            Verdict::Message { .. } if connection.owes_received() => Verdict::Early,
            verdict => verdict,
        };
        count(verdict, &mut connection.record);
        let (start, end, length) = (extent.start::<P>(), extent.end::<P>(), extent.length);
        let count = end.saturating_sub(start);
        let ticket =
            Ticket { connection: connection.name, segment, number, asks, skip: start, count, length };
        match verdict {
            Verdict::Message { skip } => {
                let bytes = body.get(usize::from(skip.saturating_sub(start))..).unwrap_or_default();
                Ok(Some(Incoming::Message { ticket, bytes }))
            }
            Verdict::Store { skip, length, file, offset } => {
                let bytes = body.get(usize::from(skip.saturating_sub(start))..).unwrap_or_default();
                let bytes = bytes.get(..usize::from(length)).unwrap_or_default();
                Ok(Some(Incoming::Store {
                    ticket: Ticket { skip, count: length, ..ticket },
                    file,
                    offset,
                    bytes,
                }))
            }
            Verdict::Duplicate => {
                connection.received_again((number, segment), count);
                Err(Discard::Duplicate)
            }
            Verdict::Beyond => Err(Discard::BeyondWindow),
            Verdict::Early => Err(Discard::Early),
            Verdict::Misfit => Err(Discard::Malformed),
        }
    }

    /// A segment is in its place, all of it: it may be acknowledged.
    pub(super) fn complete(&mut self, ticket: &Ticket) {
        let Some(connection) = self.named(ticket.connection) else { return };
        connection.received_segment((ticket.number, ticket.segment), ticket.length);
        match connection.mode {
            Mode::Own => connection.note(ticket.number, ticket.asks),
            Mode::Known(kind) => {
                let reply = Reply { to: connection.peer, packet: Packet::KnownAck(kind, ticket.number) };
                self.reply(reply);
            }
        }
    }
}

/// The extent of a segment that came whole.
fn whole(body: &[u8]) -> Extent {
    let length = body.len().min(usize::from(u16::MAX)) as u16;
    Extent { start: 0, end: length, length }
}
