//! Many connections on one socket: who a datagram is for, who is accepted, whose turn it is.

mod arriving;
mod calls;
mod connections;
mod replies;
#[cfg(test)]
mod tests;

pub use replies::Reply;

use super::{
    Connection, ConnectionId, Discard, Dropped, Incoming, Language, Output, Peer, Settings, Statistics,
    Ticket, Transmit,
    connection::{Made, Mode, Step},
    index::Index,
    known,
    profile::Profile,
    queue::Queue,
    receiver::Verdict,
    record::Drops,
    token::Tokens,
};
use crate::{
    Instant,
    stream::FileId,
    wire::rdt::{Own, Pass},
};
use connections::{Connections, Face};
use replies::Packet;

/// The machine of one socket. See the [module](super) for how it is driven.
#[derive(Debug)]
pub struct Endpoint<P: Profile> {
    settings: Settings,
    table: Connections<P>,
    index: Index<P::Index>,
    /// Who waits to be accepted, by their numbers.
    backlog: Queue<u32, P::Backlog>,
    replies: Queue<Reply, P::Replies>,
    dropped: Drops,
    generation: u32,
    random: u64,
    linger_until: Instant,
    tokens: P::Tokens,
    /// How many connections have brought something whose peers' addresses are not proven.
    strangers: u32,
}

impl<P: Profile> Endpoint<P> {
    /// An endpoint in empty memories. `seed` must differ at every start: connections are named by it. Who was restarted and
    /// calls by a name that it has used before may be taken for the one that it was: a server then goes on with the old upload,
    /// and stores a file mixed of two.
    pub fn new(
        settings: Settings,
        seed: u64,
        connections: P::Connections,
        index: P::Index,
        replies: P::Replies,
    ) -> Self {
        Self {
            settings,
            table: Connections::new(connections),
            index: Index::new(index, seed),
            backlog: Queue::default(),
            replies: Queue::new(replies),
            dropped: Drops::default(),
            generation: 0,
            random: seed,
            linger_until: Instant::ZERO,
            tokens: P::Tokens::default(),
            strangers: 0,
        }
    }

    /// From now on it proves the address of each plain caller before it sends much there, by tokens that are made with
    /// this secret: random numbers of 16 bytes, other ones at every start. The numbers of connections, and which numbers of
    /// transmissions are left out, are drawn under it, too.
    #[must_use]
    pub fn proving(mut self, secret: [u64; 2]) -> Self {
        self.tokens.set(secret);
        self
    }

    /// What it is set to.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What it dropped so far, besides what connections count.
    pub const fn dropped(&self) -> Dropped {
        self.dropped.shown()
    }

    /// How many connections there are, in whatever state.
    pub const fn count(&self) -> usize {
        self.table.count()
    }

    /// How many of them are awake: something was to be done on them since they were parked.
    pub fn awake(&self) -> usize {
        self.table.awake().count()
    }

    /// Until then a known peer may have to be told again that its FIN arrived. A program that ends after its last
    /// transfer should feed and poll the endpoint until this moment: otherwise the peer may wait for an answer in vain.
    /// One of skep's own peers does not need it: who has said and heard everything may go.
    pub const fn linger_until(&self) -> Instant {
        self.linger_until
    }

    /// Calls a peer. [`Event::Connected`](super::Event::Connected) or [`Event::Closed`](super::Event::Closed) follows. `None`: the table is full.
    pub fn connect(&mut self, now: Instant, to: impl Into<Peer>, language: Language) -> Option<ConnectionId> {
        self.connect_again(now, to, language, Pass::NONE)
    }

    /// The same with what an earlier connection to this peer has left, if anything: see [`Endpoint::pass`]. A session has
    /// no need of a token, and shows none.
    pub fn connect_again(
        &mut self,
        now: Instant,
        to: impl Into<Peer>,
        language: Language,
        pass: Pass,
    ) -> Option<ConnectionId> {
        let to = to.into();
        let token = if to.address().is_some() { pass.token } else { 0 };
        let pass = Pass { token, ..pass };
        // A device that was restarted with the same seed rarely calls at the same moment again.
        let number = self.next_random().wrapping_add(now.as_micros() as u32);
        let seed = self.next_random();
        let connection = Connection::call(now, to, (number, seed), language, pass, &self.settings);
        let name = self.enter(connection)?;
        self.table.set_deadline(name.number, Some(now));
        Some(name)
    }

    /// The route to a peer that was called a moment ago carries no datagrams longer than this, in bytes of UDP's payload: the
    /// call asks for no more. Only before the next [`Endpoint::poll`].
    pub fn limit(&mut self, now: Instant, connection: ConnectionId, datagram: usize) {
        let settings = self.settings;
        self.with(connection, |connection| connection.limit(now, datagram, &settings));
    }

    /// Accepts the peer that has waited longest. Its call is answered, and it may send.
    pub fn accept(&mut self, now: Instant) -> Option<(ConnectionId, Peer)> {
        loop {
            let number = self.backlog.pop()?;
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
        } else if let (Peer::Address(_), Some(parsed)) = (from, known::parse(&self.settings.magic, datagram))
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
        counter.add(1);
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
        self.table.room(connection).unwrap_or(0)
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

    /// The program is about to end, and will not wait for an answer to its FIN: the next polls tell the peer once more
    /// that all came and all was said, as the first time may be lost. It ends in order without an answer to its own FIN.
    /// `false`: not everything was said and acknowledged, or it is a known peer, who needs answers.
    pub fn take_leave(&mut self, connection: ConnectionId) -> bool {
        let mut leaves = false;
        self.with(connection, |connection| leaves = connection.take_leave());
        leaves
    }

    /// Ends a connection at once, both directions. [`Event::Closed`](super::Event::Closed) follows.
    pub fn abort(&mut self, connection: ConnectionId) {
        self.with(connection, Connection::abort);
    }

    /// The application took the first `count` bytes of a message that it was offered.
    pub fn taken(&mut self, ticket: &Ticket, count: usize) {
        let count = count.min(usize::from(ticket.length)) as u16;
        let Some(connection) = self.named(ticket.connection) else { return };
        if connection.receiver.taken(ticket.segment, count, ticket.extent()) {
            self.complete(ticket);
        }
        self.table.give_turn(ticket.connection.number);
    }

    /// What to do with the bytes of a message that the application did not take, after the application was
    /// asked what it wants: they may be content by now. `None`: nothing, they will come again.
    pub fn rest<'d>(&mut self, ticket: &Ticket, bytes: &'d [u8]) -> Option<Incoming<'d>> {
        let connection = self.named(ticket.connection)?;
        match connection.receiver.judge(ticket.segment, ticket.extent()) {
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

    /// The number of the INFO that is expected next from a known peer. `None`: there is no such connection, or it is parked,
    /// as no known peer's ever is.
    pub fn expected(&self, connection: ConnectionId) -> Option<u32> {
        let found = self.table.get(connection.number).filter(|found| found.name == connection)?;
        Some(found.receiver.next())
    }

    /// The system refuses to send a whole segment on a connection, as too long for the path (`EMSGSIZE`): it goes in parts
    /// from now on, where it can.
    pub fn too_long(&mut self, now: Instant, connection: ConnectionId) {
        if P::SEARCHES {
            self.with(connection, |connection| connection.sender.too_long(now, &mut connection.record));
        }
    }

    /// The state of a connection; `None` when there is none of that name any more.
    pub fn statistics(&self, connection: ConnectionId) -> Option<Statistics> {
        self.table.statistics(connection)
    }

    /// The connection with a peer; where there are more, any of them.
    pub fn connection_with(&self, peer: Peer) -> Option<ConnectionId> {
        self.table.name(self.find(&peer, &|_| true)?)
    }

    /// What a connection that was called for leaves to the next one to the same peer, so far; `None` when there is none of
    /// that name any more, or it is parked, and its token forgotten: to be asked when it opens, or when it ends.
    pub fn pass(&self, connection: ConnectionId) -> Option<Pass> {
        let found = self.table.get(connection.number).filter(|found| found.name == connection)?;
        Some(found.pass())
    }

    /// Who is told what happens on a connection: see [`trace`](super::trace). One that was parked is awake from now on, and
    /// as long as somebody listens. `None` when there is none of that name any more.
    pub fn trace(&mut self, connection: ConnectionId) -> Option<&mut P::Trace> {
        let found = self.table.get_mut(connection.number).filter(|found| found.name == connection)?;
        Some(&mut found.record.trace)
    }

    /// The next thing to do. `room` takes a batch of datagrams; it must hold at least one of the largest size
    /// ([`Settings::datagram`]), and two where [`Profile::SEARCHES`]: what does not fit counts as lost on the way, and all
    /// is repeated by time-outs.
    pub fn poll<'b>(&mut self, now: Instant, room: &'b mut [u8]) -> Output<'b> {
        while let Some(number) = self.table.take_expired(now) {
            if let Some(connection) = self.table.get_mut(number) {
                connection.expire(now, &self.settings);
            }
            self.table.give_turn(number);
        }
        let (to, made) = loop {
            if let Some(reply) = self.replies.pop() {
                // One for which there is no room is one lost.
                let Some(length) = self.emit_reply(&reply, room) else { continue };
                break (reply.to, Made { length, size: length, load: None });
            }
            let Some(number) = self.table.take_turn() else {
                return Output::Wait(self.table.next_deadline());
            };
            let share = self.share(number);
            let Some(connection) = self.table.get_mut(number) else { continue };
            match connection.poll(now, room, &self.settings, &self.tokens, share) {
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
                    self.table.park(number, now);
                }
            }
        };
        let bytes = room.get_mut(..made.length).unwrap_or_default();
        Output::Transmit(Transmit { to, bytes, size: made.size, load: made.load })
    }

    /// How many segments a connection's peer may have under way, next to others that send.
    fn share(&self, number: u32) -> u32 {
        let room = self.settings.room;
        if room == u32::MAX {
            return room;
        }
        // One that is parked wants none.
        let is_other = |(other, found): &(u32, &Connection<P>)| *other != number && found.wants_room();
        let others = self.table.awake().filter(is_other).count() as u32;
        room.checked_div(others.saturating_add(1)).unwrap_or(0).max(1)
    }

    #[inline(never)] // for size: core/panic-check/run shows it
    fn find(&self, peer: &Peer, is_it: &dyn Fn(&Face) -> bool) -> Option<u32> {
        self.index.find(peer, |number| self.table.is(number, peer, is_it))
    }

    fn named(&mut self, name: ConnectionId) -> Option<&mut Connection<P>> {
        self.table.get_mut(name.number).filter(|connection| connection.name == name && connection.is_usable())
    }

    fn with<T>(&mut self, name: ConnectionId, act: impl FnOnce(&mut Connection<P>) -> T) -> Option<T> {
        let done = act(self.named(name)?);
        self.table.give_turn(name.number);
        Some(done)
    }

    /// The next number that nobody need foretell; that nobody can, where there is a secret.
    fn next_random(&mut self) -> u32 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        (self.tokens.mixed(self.random) >> 32) as u32
    }
}
