//! What is left of a connection on which nothing happens: most of a tracker's say a few words, and are idle for minutes.

use super::{Connection, Due, Finish, Mode, Phase, SURE};
use crate::{
    Instant,
    rdt::{ConnectionId, Peer, Statistics, profile::Profile, receiver, record::Record, sender},
};
use core::time::Duration;

/// An idle connection, which is open both ways to one of skep's own peers. Opaque: it is public so that its room can be
/// named.
#[derive(Debug)]
pub struct Parked<P: Profile> {
    pub(crate) peer: Peer,
    generation: u32,
    pub(crate) number: u32,
    segment: u16,
    heard: Instant,
    ping_at: Instant,
    sender: sender::Parked<P::Controller>,
    receiver: receiver::Parked,
    record: Record<P::Trace>,
}

impl<P: Profile> Connection<P> {
    /// What it needs to go on, if nothing happens on it, and nothing is owed. This is empty then.
    pub(crate) fn park(&mut self) -> Option<Parked<P>> {
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
        let receiver = receiver.park()?;
        Some(Parked {
            sender: sender.park()?,
            receiver,
            peer: *peer,
            generation: name.generation,
            number: *number,
            segment: *segment,
            heard: *heard,
            ping_at: *ping_at,
            record: core::mem::take(record),
        })
    }

    /// The connection that was parked in this place of the table; what was parked is empty then.
    pub(crate) fn wake(parked: &mut Parked<P>, place: u32) -> Self {
        let names = (parked.number, 0);
        Self {
            name: parked.name(place),
            sender: sender::Sender::wake(&mut parked.sender),
            receiver: receiver::Receiver::wake(&parked.receiver),
            record: core::mem::take(&mut parked.record),
            segment: parked.segment,
            confirmed: true,
            ping_at: parked.ping_at,
            ..Self::new(parked.heard, parked.peer, names, Mode::Own, Phase::Open)
        }
    }
}

impl<P: Profile> Parked<P> {
    /// Its name, in this place of the table.
    pub(crate) const fn name(&self, place: u32) -> ConnectionId {
        ConnectionId { number: place, generation: self.generation }
    }

    pub(crate) fn statistics(&self) -> Statistics {
        Statistics {
            peer: self.peer,
            own: true,
            segment: self.segment,
            narrow: P::SEARCHES && self.sender.width.is_narrow(),
            round_trip: self.sender.rtt.smoothed().map(|micros| Duration::from_micros(micros.into())),
            bytes_acknowledged: self.sender.bytes_acknowledged,
            bytes_received: self.receiver.bytes_stored,
            counters: self.record.counters(),
        }
    }
}
