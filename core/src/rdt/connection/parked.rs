//! What is left of a connection on which nothing happens: most of a tracker's say a few words, and are idle for minutes.

use super::{Connection, Due, Finish, Mode, Phase, SURE};
use crate::{
    Instant,
    rdt::{
        ConnectionId, Peer, Statistics,
        control::{Controller, Start},
        numbers::{Numbers, Reader, Writer},
        profile::Profile,
    },
};
use core::mem;

/// Bytes for its numbers. One that has moved terabytes, and knows much of its network, may need more, and is not parked.
const ROOM: usize = 96;

/// An idle connection, which is open both ways to one of skep's own peers. Opaque: it is public so that its room can be
/// named.
#[derive(Debug)]
pub struct Parked<P: Profile> {
    numbers: [u8; ROOM],
    controller: P::Controller,
    trace: P::Trace,
}

impl<P: Profile> Connection<P> {
    /// What it needs to go on, if nothing happens on it, and nothing is owed. This is empty then.
    pub(crate) fn park(&mut self) -> Option<Parked<P>> {
        if self.receiver.wants_room() {
            return None;
        }
        let mut numbers = [0; ROOM];
        let mut writer = Writer::new(&mut numbers);
        self.parked(&mut writer)?;
        if !writer.has_fitted() {
            return None;
        }
        let controller = mem::replace(&mut self.sender.controller, P::Controller::new(&Start::NOTHING));
        Some(Parked { numbers, controller, trace: mem::take(&mut self.record.trace) })
    }

    /// The connection that was parked in this place of the table; what was parked is empty then.
    pub(crate) fn wake(parked: &mut Parked<P>, place: u32) -> Self {
        let mut connection = parked.connection(place);
        mem::swap(&mut connection.sender.controller, &mut parked.controller);
        mem::swap(&mut connection.record.trace, &mut parked.trace);
        connection
    }

    /// Goes along what it needs to go on. `None`: something happens on it, or is owed.
    fn parked(&mut self, numbers: &mut impl Numbers) -> Option<()> {
        // All fields are named: whoever adds one decides whether it is kept.
        let Self {
            peer,
            name,
            number,
            mode,
            phase,
            sender,
            receiver,
            record,
            segment,
            finish,
            peer_finished,
            confirmed,
            // Asked of known peers only.
            confirmed_at: _,
            abandoned,
            called_again,
            challenged,
            heard,
            answered,
            ping_at,
            signs,
            // Both sides have heard each other.
            token: _,
            expected: _,
            credit: _,
            // They matter before a call is answered.
            is_early: _,
            told_early: _,
            due,
        } = self;
        let is_open = *mode == Mode::Own && *phase == Phase::Open && *confirmed && !*abandoned;
        let ends = *finish != Finish::No || *peer_finished;
        let begins = *answered != Instant::FAR || *signs != SURE || *called_again || *challenged;
        if !is_open || ends || begins || *due != Due::default() {
            return None;
        }
        peer.parked(numbers);
        numbers.word(number);
        numbers.word(&mut name.generation);
        numbers.short(segment);
        numbers.moment(heard);
        numbers.near(ping_at, *heard);
        sender.parked(numbers)?;
        receiver.parked(numbers, *heard)?;
        record.parked(numbers);
        Some(())
    }
}

impl<P: Profile> Parked<P> {
    /// Its peer, and the number that both sides put into their packets.
    pub(crate) fn face(&self) -> (Peer, u32) {
        let (peer, number, _) = self.first();
        (peer, number)
    }

    /// Its name, in this place of the table.
    pub(crate) fn name(&self, place: u32) -> ConnectionId {
        let (_, _, generation) = self.first();
        ConnectionId { number: place, generation }
    }

    /// What stands first: it is asked for often.
    fn first(&self) -> (Peer, u32, u32) {
        let (mut peer, mut number, mut generation) = (Peer::Session(0), 0, 0);
        let mut reader = Reader(&self.numbers);
        peer.parked(&mut reader);
        reader.word(&mut number);
        reader.word(&mut generation);
        (peer, number, generation)
    }

    pub(crate) fn statistics(&self) -> Statistics {
        self.connection(0).statistics()
    }

    /// The connection, without its controller and its trace.
    fn connection(&self, place: u32) -> Connection<P> {
        let none = Peer::Session(0);
        let mut connection = Connection::new(Instant::ZERO, none, (0, 0), Mode::Own, Phase::Open);
        connection.confirmed = true;
        connection.name.number = place;
        // One on which nothing has happened is as good as idle: all of it is put back.
        let _ = connection.parked(&mut Reader(&self.numbers));
        connection
    }
}
