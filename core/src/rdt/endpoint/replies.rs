//! Small answers that need no connection: they wait in a queue of their own.

use crate::{
    Memory,
    rdt::{
        Endpoint, Peer,
        connection::inside,
        known::{KnownKind, written},
        profile::Profile,
    },
    wire::rdt::{Known, Own},
};

/// A small packet that needs no connection to be sent.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Reply {
    pub(super) to: Peer,
    pub(super) packet: Packet,
}

#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) enum Packet {
    KnownAck(KnownKind, u32),
    KnownFinAck(KnownKind),
    FinAck(u32),
    Reset(u32),
}

impl<P: Profile> Endpoint<P> {
    pub(super) fn reply(&mut self, reply: Reply) {
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

    pub(super) fn next_reply(&mut self) -> Option<Reply> {
        self.replies_count = self.replies_count.checked_sub(1)?;
        let reply = *self.replies.values().get(self.replies_first)?;
        let next = self.replies_first.saturating_add(1);
        self.replies_first = if next >= self.replies.bound() { 0 } else { next };
        Some(reply)
    }

    pub(super) fn emit_reply(&self, reply: &Reply, room: &mut [u8]) -> Option<usize> {
        let room = inside(room, &self.settings);
        let length = match reply.packet {
            Packet::KnownAck(kind, number) => {
                Known::Ack(number).emit(&self.settings.magic, written(kind), room)
            }
            Packet::KnownFinAck(kind) => Known::FinAck.emit(&self.settings.magic, written(kind), room),
            Packet::FinAck(number) => Own::FinAck.emit(number, room),
            Packet::Reset(number) => Own::Reset.emit(number, room),
        };
        length?.checked_add(self.settings.envelope.size())
    }
}
