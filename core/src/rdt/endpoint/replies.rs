//! Small answers that need no connection: they wait in a queue of their own.

use crate::{
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
        // One that finds no room is lost, as it may be on its way.
        self.replies.push(reply);
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
