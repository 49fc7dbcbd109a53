//! What is left of a connection on which nothing happens: most of a tracker's say a few words, and are idle for minutes.

use super::{Connection, Due, Finish, Mode, Phase, SURE};
use crate::{
    Instant,
    rdt::{
        ConnectionId, Peer, Settings, Statistics,
        control::{Controller, Start},
        numbers::{Numbers, Reader, Writer},
        profile::Profile,
        trace::Trace,
    },
};

/// Bytes for its numbers: 50 to 60 are needed. One that has moved terabytes, and knows much of its network, may need more,
/// and is not parked.
const ROOM: usize = 79;

/// An idle connection, which is open both ways to one of skep's own peers. Opaque: it is public so that its room can be
/// named.
#[derive(Debug)]
pub struct Parked {
    numbers: [u8; ROOM],
}

impl<P: Profile> Connection<P> {
    /// What it needs to go on, if nothing happens on it, nothing is owed, and nobody listens.
    pub(crate) fn park(&mut self, now: Instant) -> Option<Parked> {
        if self.receiver.wants_room() || self.record.trace.listens() {
            return None;
        }
        let mut start = self.sender.controller.rest(now)?;
        let mut numbers = [0; ROOM];
        let mut writer = Writer::new(&mut numbers);
        self.parked(&mut writer)?;
        self.started(&mut writer, &mut start);
        writer.has_fitted().then_some(Parked { numbers })
    }

    /// The connection that was parked in this place of the table.
    pub(crate) fn wake(parked: &Parked, place: u32) -> Self {
        let none = Peer::Session(0);
        let mut connection = Self::new(Instant::ZERO, none, (0, 0), Mode::Own, Phase::Open);
        connection.confirmed = true;
        connection.name.number = place;
        let mut reader = Reader::new(&parked.numbers);
        // One on which nothing has happened is as good as idle: all of it is put back.
        let _ = connection.parked(&mut reader);
        let mut start = Start::NOTHING;
        connection.started(&mut reader, &mut start);
        connection.sender.controller = P::Controller::new(&start);
        connection
    }

    /// Goes along what its controller was started with.
    fn started(&self, numbers: &mut impl Numbers, start: &mut Start) {
        numbers.mostly(&mut start.window, self.receiver.window());
        numbers.after(&mut start.datagram, self.segment.into());
        numbers.mostly(&mut start.expected, 0);
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
            is_stranger: _,
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
        numbers.random_word(number);
        numbers.word(&mut name.generation);
        numbers.short(segment);
        numbers.moment(heard);
        numbers.later(ping_at, *heard, Settings::HOST.keep_alive.as_micros());
        sender.parked(numbers, *segment)?;
        receiver.parked(numbers, *heard, *segment)?;
        record.parked(numbers, (sender.segments_sent(), receiver.next()));
        Some(())
    }
}

impl Parked {
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
        let mut reader = Reader::new(&self.numbers);
        peer.parked(&mut reader);
        reader.random_word(&mut number);
        reader.word(&mut generation);
        (peer, number, generation)
    }

    pub(crate) fn statistics<P: Profile>(&self) -> Statistics {
        Connection::<P>::wake(self, 0).statistics()
    }
}
