//! Many connections on one socket: who a datagram is for, who is accepted, whose turn it is.

use super::{
    Connection, ConnectionId, Discard, Dropped, Incoming, Language, Output, Peer, Settings, Statistics,
    Ticket, Transmit,
    connection::{Made, Mode, Step, inside},
    index::Index,
    profile::Profile,
    receiver::{Verdict, count},
};
use crate::{
    Instant, Memory,
    stream::FileId,
    table::Table,
    wire::rdt::{Known, Own, TypeKind},
};
use heapless::Deque;

/// The most peers that can wait to be accepted.
const BACKLOG_MAX: usize = 16;

/// A small packet that needs no connection to be sent.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Reply {
    to: Peer,
    packet: Packet,
}

#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Packet {
    KnownAck(TypeKind, u32),
    KnownFinAck(TypeKind),
    FinAck(u32),
    Reset(u32),
}

/// The machine of one socket. See the [module](super) for how it is driven.
#[derive(Debug)]
pub struct Endpoint<P: Profile> {
    settings: Settings,
    table: Table<Connection<P>, P::Connections>,
    index: Index<P::Index>,
    backlog: Deque<u32, BACKLOG_MAX>,
    replies: P::Replies,
    replies_first: usize,
    replies_count: usize,
    dropped: Dropped,
    generation: u32,
    random: u64,
    linger_until: Instant,
}

impl<P: Profile> Endpoint<P> {
    /// An endpoint in empty memories. `seed` should differ at every start: connections are named by it.
    pub const fn new(
        settings: Settings,
        seed: u64,
        connections: P::Connections,
        index: P::Index,
        replies: P::Replies,
    ) -> Self {
        Self {
            settings,
            table: Table::new(connections),
            index: Index::new(index, seed),
            backlog: Deque::new(),
            replies,
            replies_first: 0,
            replies_count: 0,
            dropped: Dropped { other_magic: 0, malformed: 0, stray: 0, no_room: 0 },
            generation: 0,
            random: seed,
            linger_until: Instant::ZERO,
        }
    }

    /// What it is set to.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What it dropped so far, besides what connections count.
    pub const fn dropped(&self) -> Dropped {
        self.dropped
    }

    /// How many connections there are, in whatever state.
    pub const fn count(&self) -> usize {
        self.table.count()
    }

    /// Until then a peer may have to be told again that its FIN arrived. A program that ends after its last transfer
    /// should feed and poll the endpoint until this moment: otherwise the peer may wait for an answer in vain.
    pub const fn linger_until(&self) -> Instant {
        self.linger_until
    }

    /// Calls a peer. [`Event::Connected`](super::Event::Connected) or [`Event::Closed`](super::Event::Closed) follows. `None`: the table is full.
    pub fn connect(&mut self, now: Instant, to: impl Into<Peer>, language: Language) -> Option<ConnectionId> {
        let to = to.into();
        let number = self.next_random();
        let connection = Connection::call(now, to, number, language, &self.settings);
        let name = self.enter(connection)?;
        self.table.set_deadline(name.number, Some(now));
        Some(name)
    }

    /// Accepts the peer that has waited longest. Its call is answered, and it may send.
    pub fn accept(&mut self, now: Instant) -> Option<(ConnectionId, Peer)> {
        loop {
            let number = self.backlog.pop_front()?;
            // One that has said meanwhile that it is gone is only waiting to be forgotten.
            let Some(connection) = self.table.get_mut(number).filter(|connection| connection.is_usable())
            else {
                continue;
            };
            connection.accept(now, &self.settings);
            let accepted = (connection.name, connection.peer);
            self.table.give_turn(number);
            log!(debug, "rdt: {:?} accepted from {:?}", accepted.0, accepted.1);
            return Some(accepted);
        }
    }

    /// Takes a datagram.
    ///
    /// # Errors
    /// [`Discard`]: it was dropped and counted; nothing need be done.
    pub fn handle<'d>(
        &mut self,
        now: Instant,
        from: impl Into<Peer>,
        datagram: &'d [u8],
    ) -> Result<Option<Incoming<'d>>, Discard> {
        let from = from.into();
        let outcome = if let Some(parsed) = Own::parse(datagram) {
            match parsed {
                Some((number, packet)) => self.handle_own(now, from, datagram.len(), number, &packet),
                None => Err(Discard::Malformed),
            }
        } else if let (Peer::Address(_), Some(parsed)) = (from, Known::parse(&self.settings.magic, datagram))
        {
            // Known peers seal nothing: inside a session this language is not spoken.
            match parsed {
                Some((kind, packet)) => self.handle_known(now, from, kind, packet),
                None => Err(Discard::Malformed),
            }
        } else {
            Err(Discard::OtherMagic)
        };
        let counter = match outcome {
            Err(Discard::Malformed) => &mut self.dropped.malformed,
            Err(Discard::OtherMagic) => &mut self.dropped.other_magic,
            Err(Discard::Stray) => &mut self.dropped.stray,
            Err(Discard::NoRoom) => &mut self.dropped.no_room,
            // These are counted by their connections.
            _ => return outcome,
        };
        *counter = counter.saturating_add(1);
        log!(debug, "rdt: dropped what {:?} sent: {:?}", from, outcome.as_ref().err());
        outcome
    }

    /// Writes a message on a connection. `false`: there is no room for it now, or no such connection.
    #[must_use]
    pub fn write(&mut self, connection: ConnectionId, bytes: &[u8]) -> bool {
        self.with(connection, |connection| connection.sender.content.write(bytes)).unwrap_or(false)
    }

    /// How many bytes the next message on a connection can have; 0 when there is no such connection.
    pub fn room(&self, connection: ConnectionId) -> usize {
        let found = self.table.get(connection.number).filter(|found| found.name == connection);
        found.map_or(0, |found| found.sender.content.room())
    }

    /// Whether three quarters of the room for messages are free. If they are not,
    /// [`Event::Flushed`](super::Event::Flushed) follows when they are.
    #[must_use]
    pub fn is_flushed(&mut self, connection: ConnectionId) -> bool {
        self.named(connection).is_some_and(Connection::is_flushed)
    }

    /// Puts a range of a file on a connection; [`Event::Sent`](super::Event::Sent) follows when all of it was acknowledged. `false`: too
    /// many ranges are under way, or there is no such connection.
    #[must_use]
    pub fn send(&mut self, connection: ConnectionId, file: FileId, offset: u64, length: u64) -> bool {
        self.with(connection, |connection| {
            if length == 0 {
                connection.sent_nothing();
            }
            connection.sender.content.send(file, offset, length)
        })
        .unwrap_or(false)
    }

    /// The next `length` bytes that the application does not take go into a file; [`Event::Received`](super::Event::Received) follows.
    pub fn receive(&mut self, connection: ConnectionId, file: FileId, offset: u64, length: u64) {
        self.with(connection, |connection| {
            connection.receiver.receive(file, offset, length);
            connection.check_complete();
        });
    }

    /// The content asked for by [`Endpoint::receive`] is not wanted any more: what of it still comes is dropped, no
    /// [`Event::Received`](super::Event::Received) follows, and what comes after it is offered as messages.
    pub fn discard(&mut self, connection: ConnectionId) {
        self.with(connection, |connection| connection.receiver.discard());
    }

    /// The application takes messages again, after it took less than it was offered.
    pub fn resume(&mut self, connection: ConnectionId) {
        self.with(connection, |connection| connection.receiver.unblock());
    }

    /// Ends our direction after everything that was asked for.
    pub fn finish(&mut self, connection: ConnectionId) {
        self.with(connection, Connection::finish);
    }

    /// Ends a connection at once, both directions. [`Event::Closed`](super::Event::Closed) follows.
    pub fn abort(&mut self, connection: ConnectionId) {
        self.with(connection, Connection::abort);
    }

    /// The application took the first `count` bytes of a message that it was offered.
    pub fn taken(&mut self, ticket: &Ticket, count: usize) {
        let count = count.min(usize::from(ticket.length)) as u16;
        let Some(connection) = self.named(ticket.connection) else { return };
        if connection.receiver.taken(ticket.segment, count, ticket.length) {
            self.complete(ticket);
        }
        self.table.give_turn(ticket.connection.number);
    }

    /// What to do with the bytes of a message that the application did not take, after the application was
    /// asked what it wants: they may be content by now. `None`: nothing, they will come again.
    pub fn rest<'d>(&mut self, ticket: &Ticket, bytes: &'d [u8]) -> Option<Incoming<'d>> {
        let connection = self.named(ticket.connection)?;
        match connection.receiver.judge(ticket.segment, usize::from(ticket.length)) {
            Verdict::Store { skip, length, file, offset } => {
                let ticket = Ticket { skip, count: length, ..*ticket };
                Some(Incoming::Store { ticket, file, offset, bytes: bytes.get(..usize::from(length))? })
            }
            Verdict::Message { .. } => Some(Incoming::Message { ticket: *ticket, bytes }),
            _ => None,
        }
    }

    /// Content was written where it belongs. If it could not be, abort the connection instead.
    pub fn stored(&mut self, ticket: &Ticket) {
        let Some(connection) = self.named(ticket.connection) else { return };
        if connection.receiver.store(ticket.segment, ticket.skip, ticket.count, ticket.length) {
            self.complete(ticket);
        } else {
            connection.check_complete();
        }
        self.table.give_turn(ticket.connection.number);
    }

    /// The driver keeps an early datagram.
    pub fn kept(&mut self, ticket: &Ticket) {
        if let Some(Connection { peer, mode: Mode::Known(kind), .. }) = self.named(ticket.connection) {
            let reply = Reply { to: *peer, packet: Packet::KnownAck(*kind, ticket.number) };
            self.reply(reply);
        }
    }

    /// The number of the INFO that is expected next from a known peer.
    pub fn expected(&self, connection: ConnectionId) -> Option<u32> {
        let found = self.table.get(connection.number).filter(|found| found.name == connection)?;
        Some(found.receiver.next())
    }

    /// Whether the connection has so much to acknowledge that the driver should poll before it feeds on.
    pub fn is_urgent(&self, connection: ConnectionId) -> bool {
        self.table.get(connection.number).is_some_and(|found| found.receiver.is_urgent())
    }

    /// The state of a connection; `None` when there is none of that name any more.
    pub fn statistics(&self, connection: ConnectionId) -> Option<Statistics> {
        let found = self.table.get(connection.number).filter(|found| found.name == connection)?;
        Some(found.statistics())
    }

    /// The next thing to do. `room` takes a batch of datagrams; it should hold at least one of the largest size.
    pub fn poll<'b>(&mut self, now: Instant, room: &'b mut [u8]) -> Output<'b> {
        while let Some(number) = self.table.take_expired(now) {
            if let Some(connection) = self.table.get_mut(number) {
                connection.expire(now, &self.settings);
            }
            self.table.give_turn(number);
        }
        let (to, made) = loop {
            if let Some(reply) = self.next_reply() {
                let length = self.emit_reply(&reply, room).unwrap_or(0);
                break (reply.to, Made { length, size: length, load: None });
            }
            let Some(number) = self.table.take_turn() else {
                return Output::Wait(self.table.next_deadline());
            };
            let Some(connection) = self.table.get_mut(number) else { continue };
            match connection.poll(now, room, &self.settings) {
                Step::Datagrams(made) => {
                    let to = connection.peer;
                    self.table.give_turn(number);
                    if made.length > 0 {
                        break (to, made);
                    }
                }
                Step::Event(event) => {
                    self.table.give_turn(number);
                    return Output::Event(event);
                }
                Step::Gone => self.leave(number),
                Step::Idle => {
                    let deadline = connection.deadline(&self.settings);
                    self.table.set_deadline(number, deadline);
                }
            }
        };
        let bytes = room.get_mut(..made.length).unwrap_or_default();
        Output::Transmit(Transmit { to, bytes, size: made.size, load: made.load })
    }

    fn handle_own<'d>(
        &mut self,
        now: Instant,
        from: Peer,
        size: usize,
        number: u32,
        packet: &Own<'d>,
    ) -> Result<Option<Incoming<'d>>, Discard> {
        if let Own::Open { terms, realm } = packet {
            if *realm != self.settings.magic {
                return Err(Discard::OtherMagic);
            }
            return self.called(now, from, number, *terms, size);
        }
        let ours = |connection: &Connection<P>| connection.number == number && connection.mode == Mode::Own;
        let Some(place) = self.find(&from, &ours) else {
            // The end of a connection that is over is confirmed; other packets of it are told that there is none.
            match packet {
                Own::Fin { .. } => self.reply(Reply { to: from, packet: Packet::FinAck(number) }),
                Own::Data { .. } | Own::Ping | Own::Accept { .. } => {
                    self.reply(Reply { to: from, packet: Packet::Reset(number) });
                }
                _ => {}
            }
            return Err(Discard::Stray);
        };
        let settings = &self.settings;
        let Some(connection) = self.table.get_mut(place) else { return Err(Discard::Stray) };
        if connection.is_opening() && !matches!(packet, Own::Accept { .. } | Own::Reset) {
            // It has overtaken the answer to the call, and comes again.
            return Err(Discard::Stray);
        }
        connection.hear(now, settings);
        if let Peer::Session(_) = from {
            // Nobody else can have sealed it.
            connection.confirm();
        }
        let mut outcome = Ok(None);
        match packet {
            Own::Accept { terms } => {
                if !connection.accepted(now, *terms, settings) {
                    outcome = Err(Discard::Malformed);
                }
            }
            Own::Data { transmission, segment, body } => {
                outcome = Self::segment(connection, *segment, *transmission, body);
                if outcome == Err(Discard::Duplicate) {
                    connection.receiver.note(*transmission);
                }
            }
            Own::Ack { .. } => {
                if !connection.acknowledged(now, packet, settings) {
                    outcome = Err(Discard::Acknowledgement);
                }
            }
            Own::Fin { segments } => {
                if connection.peer_finished(Some(*segments)) {
                    self.linger_until = self.linger_until.max(connection.linger_until(now, settings));
                } else {
                    outcome = Err(Discard::Early);
                }
            }
            Own::FinAck => connection.finish_acknowledged(),
            Own::Ping => connection.pinged(),
            Own::Reset => connection.reset(),
            Own::Open { .. } => {}
        }
        self.table.give_turn(place);
        self.forget_void(outcome)
    }

    fn handle_known<'d>(
        &mut self,
        now: Instant,
        from: Peer,
        kind: TypeKind,
        packet: Known<'d>,
    ) -> Result<Option<Incoming<'d>>, Discard> {
        if packet == Known::Connect {
            return self.called_by_known(now, from, kind);
        }
        let theirs = |connection: &Connection<P>| {
            connection.mode != Mode::Own || packet == Known::ConnAck && connection.is_calling()
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
        if connection.is_opening() && packet != Known::ConnAck {
            return Err(Discard::Stray);
        }
        connection.hear(now, settings);
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
                self.linger_until = self.linger_until.max(connection.linger_until(now, settings));
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
            connection.receiver.taken(segment, 0, 0);
            connection.received_segment();
            self.reply(acknowledgement);
            return Ok(None);
        }
        let outcome = Self::segment(connection, segment, number, body);
        let ahead = segment.wrapping_sub(connection.receiver.next());
        match outcome {
            Err(Discard::Duplicate) => self.reply(acknowledgement),
            Err(Discard::Early) if ahead > 0 && ahead < settings.early_window => {
                let ticket = Ticket {
                    connection: connection.name,
                    segment,
                    number,
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

    /// A segment in either language.
    fn segment<'d>(
        connection: &mut Connection<P>,
        segment: u32,
        number: u32,
        body: &'d [u8],
    ) -> Result<Option<Incoming<'d>>, Discard> {
        let verdict = match connection.receiver.judge(segment, body.len()) {
            // The application does not know yet that it has all of its content.
            Verdict::Message { .. } if connection.owes_received() => Verdict::Early,
            verdict => verdict,
        };
        count(verdict, &mut connection.tally);
        let length = body.len().min(usize::from(u16::MAX)) as u16;
        let ticket = Ticket { connection: connection.name, segment, number, skip: 0, count: length, length };
        match verdict {
            Verdict::Message { skip } => {
                let bytes = body.get(usize::from(skip)..).unwrap_or_default();
                Ok(Some(Incoming::Message { ticket, bytes }))
            }
            Verdict::Store { skip, length, file, offset } => {
                let bytes = body.get(usize::from(skip)..).unwrap_or_default();
                let bytes = bytes.get(..usize::from(length)).unwrap_or_default();
                Ok(Some(Incoming::Store {
                    ticket: Ticket { skip, count: length, ..ticket },
                    file,
                    offset,
                    bytes,
                }))
            }
            Verdict::Duplicate => Err(Discard::Duplicate),
            Verdict::Beyond => Err(Discard::BeyondWindow),
            Verdict::Early => Err(Discard::Early),
            Verdict::Misfit => Err(Discard::Malformed),
        }
    }

    /// A segment is in its place, all of it: it may be acknowledged.
    fn complete(&mut self, ticket: &Ticket) {
        let Some(connection) = self.named(ticket.connection) else { return };
        connection.received_segment();
        match connection.mode {
            Mode::Own => connection.receiver.note(ticket.number),
            Mode::Known(kind) => {
                let reply = Reply { to: connection.peer, packet: Packet::KnownAck(kind, ticket.number) };
                self.reply(reply);
            }
        }
    }

    /// OPEN.
    fn called(
        &mut self,
        now: Instant,
        from: Peer,
        number: u32,
        terms: crate::wire::rdt::Terms,
        size: usize,
    ) -> Result<Option<Incoming<'static>>, Discard> {
        if let Some(place) =
            self.find(&from, &|connection| !connection.is_calling() && connection.is_usable())
        {
            let Some(connection) = self.table.get_mut(place) else { return Err(Discard::Stray) };
            if connection.mode == Mode::Own && connection.number == number {
                if let Peer::Session(_) = from {
                    // Its session waits for it as long again, too.
                    connection.hear(now, &self.settings);
                }
                connection.answer_call();
                self.table.give_turn(place);
                return Ok(None);
            }
            let is_successor = number == connection.number.wrapping_add(1) && !connection.confirmed();
            if connection.mode == Mode::Own && !is_successor {
                connection.challenge();
                self.table.give_turn(place);
                return Ok(None);
            }
            if connection.mode != Mode::Own && connection.is_young(now) {
                // It called in both languages, and the other one was heard first.
                return Ok(None);
            }
            self.replace(place);
        }
        let connection = Connection::called(now, from, number, (terms, size), &self.settings);
        self.queue(connection)
    }

    /// CONNECT.
    fn called_by_known(
        &mut self,
        now: Instant,
        from: Peer,
        kind: TypeKind,
    ) -> Result<Option<Incoming<'static>>, Discard> {
        if let Some(place) =
            self.find(&from, &|connection| !connection.is_calling() && connection.is_usable())
        {
            if let Some(connection) = self.table.get_mut(place) {
                if connection.mode == Mode::Own {
                    // It called in both languages, and the other one was heard first; or it was restarted.
                    if connection.confirmed() {
                        connection.challenge();
                    }
                } else {
                    connection.called_by_known_again(now);
                }
                self.table.give_turn(place);
            }
            return Ok(None);
        }
        let connection = Connection::called_by_known(now, from, kind, &self.settings);
        self.queue(connection)
    }

    /// A new peer waits to be accepted.
    fn queue(&mut self, connection: Connection<P>) -> Result<Option<Incoming<'static>>, Discard> {
        if self.backlog.len() >= usize::from(self.settings.backlog).min(BACKLOG_MAX) {
            return Err(Discard::NoRoom);
        }
        let name = self.enter(connection).ok_or(Discard::NoRoom)?;
        self.backlog.push_back(name.number).map_err(|_| Discard::NoRoom)?;
        Ok(None)
    }

    /// A connection's peer is somebody else now: it is found under its address no more, but its end is still told.
    fn replace(&mut self, place: u32) {
        if let Some(connection) = self.table.get_mut(place) {
            connection.replaced();
            self.index.remove(&connection.peer, place);
            self.table.give_turn(place);
        }
    }

    fn enter(&mut self, connection: Connection<P>) -> Option<ConnectionId> {
        let peer = connection.peer;
        let number = self.table.insert(connection).ok()?;
        self.generation = self.generation.wrapping_add(1);
        let name = ConnectionId { number, generation: self.generation };
        if let Some(connection) = self.table.get_mut(number) {
            connection.name = name;
        }
        let table = &self.table;
        let others = table.numbers().filter(|&other| other != number);
        let others = others.filter_map(|other| Some((other, table.get(other)?.peer)));
        self.index.insert(&peer, number, others);
        Some(name)
    }

    fn leave(&mut self, number: u32) {
        if let Some(connection) = self.table.remove(number) {
            log!(debug, "rdt: {:?} is over", connection.name);
            self.index.remove(&connection.peer, number);
            // Not `retain`: it can panic, as far as the linker can tell.
            for _ in 0..self.backlog.len() {
                if let Some(waiting) = self.backlog.pop_front().filter(|&waiting| waiting != number) {
                    _ = self.backlog.push_back(waiting);
                }
            }
        }
    }

    #[inline(never)] // for size: core/panic-check/run shows it
    fn find(&self, address: &Peer, is_it: &dyn Fn(&Connection<P>) -> bool) -> Option<u32> {
        let table = &self.table;
        self.index.find(address, |number| {
            table.get(number).is_some_and(|connection| connection.peer == *address && is_it(connection))
        })
    }

    fn named(&mut self, name: ConnectionId) -> Option<&mut Connection<P>> {
        self.table.get_mut(name.number).filter(|connection| connection.name == name && connection.is_usable())
    }

    fn with<T>(&mut self, name: ConnectionId, act: impl FnOnce(&mut Connection<P>) -> T) -> Option<T> {
        let done = act(self.named(name)?);
        self.table.give_turn(name.number);
        Some(done)
    }

    fn reply(&mut self, reply: Reply) {
        let bound = self.replies.bound();
        if self.replies_count >= bound {
            return;
        }
        if self.replies.values().len() < bound {
            self.replies.grow(bound, || reply);
        }
        let place = self.replies_first.saturating_add(self.replies_count);
        let place = if place >= bound { place.saturating_sub(bound) } else { place };
        if let Some(entry) = self.replies.values_mut().get_mut(place) {
            *entry = reply;
            self.replies_count = self.replies_count.saturating_add(1);
        }
    }

    fn next_reply(&mut self) -> Option<Reply> {
        self.replies_count = self.replies_count.checked_sub(1)?;
        let reply = *self.replies.values().get(self.replies_first)?;
        let next = self.replies_first.saturating_add(1);
        self.replies_first = if next >= self.replies.bound() { 0 } else { next };
        Some(reply)
    }

    fn emit_reply(&self, reply: &Reply, room: &mut [u8]) -> Option<usize> {
        let room = inside(room, &self.settings);
        let length = match reply.packet {
            Packet::KnownAck(kind, number) => Known::Ack(number).emit(&self.settings.magic, kind, room),
            Packet::KnownFinAck(kind) => Known::FinAck.emit(&self.settings.magic, kind, room),
            Packet::FinAck(number) => Own::FinAck.emit(number, room),
            Packet::Reset(number) => Own::Reset.emit(number, room),
        };
        length?.checked_add(self.settings.envelope.size())
    }

    /// SplitMix64: names need only differ.
    fn next_random(&mut self) -> u32 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ self.random >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed >> 32) as u32
    }
}
