//! What datagrams bring: offered to the service, or written to storage.

use super::Node;
use crate::stream::{Finished, Moving};
use skep_core::{
    Instant,
    rdt::{ConnectionId, Incoming, Peer, Profile, Ticket},
    stream::{Fault, FileId, Service, StreamId},
};

impl<P: Profile, S: Service> Node<P, S> {
    /// A datagram has come.
    pub(super) fn take(&mut self, now: Instant, from: Peer, datagram: &[u8]) {
        let Ok(Some(incoming)) = self.endpoint.handle(now, from, datagram) else { return };
        if let Incoming::Early { ticket, number } = incoming {
            if self.habits.keeps_early {
                let id = ticket.connection().number();
                if let Some(stream) = self.streams.get_mut(&id) {
                    stream.kept.insert(number, datagram.to_vec());
                    self.endpoint.kept(&ticket);
                }
            }
            return;
        }
        let mut next = Some(incoming);
        while let Some(incoming) = next {
            next = match incoming {
                Incoming::Message { ticket, bytes } => self.offer(now, ticket, bytes),
                Incoming::Store { ticket, file, offset, bytes } => {
                    self.store(now, ticket, file, offset, bytes);
                    None
                }
                Incoming::Early { .. } => None,
            };
        }
    }

    /// Offers a message, and says what becomes of the rest: it may be content by then.
    fn offer<'d>(&mut self, now: Instant, ticket: Ticket, bytes: &'d [u8]) -> Option<Incoming<'d>> {
        let id = ticket.connection().number();
        let stream = self.streams.get_mut(&id).filter(|stream| stream.connection == ticket.connection())?;
        assert!(!matches!(stream.moving, Moving::In(_)), "a message while content is received");
        assert!(!stream.is_aborted, "a message on a stream that was aborted");
        if let Moving::Over(to) = stream.moving {
            let count = self.hand_over(now, id, to, bytes);
            self.endpoint.taken(&ticket, count);
            if let Some(stream) = self.streams.get_mut(&id).filter(|_| count < bytes.len()) {
                stream.is_stalled = true;
            }
            return None;
        }
        stream.has_acted = false;
        let count = self.service.received(now, StreamId(id), bytes);
        assert!(count <= bytes.len(), "more taken than offered");
        self.endpoint.taken(&ticket, count);
        self.serve(now);
        let left = bytes.get(count..).filter(|left| !left.is_empty())?;
        let rest = self.endpoint.rest(&ticket, left)?;
        if let Incoming::Message { .. } = rest {
            let stream = self.streams.get_mut(&id)?;
            if count == 0 && !stream.has_acted {
                stream.is_stalled = true;
                return None;
            }
        }
        Some(rest)
    }

    fn store(&mut self, now: Instant, ticket: Ticket, file: FileId, offset: u64, bytes: &[u8]) {
        let connection = ticket.connection();
        match self.storage.write(file, offset, bytes) {
            Ok(()) => self.endpoint.stored(&ticket),
            Err(fault) => {
                self.endpoint.discard(connection);
                self.move_ended(now, connection, Err(fault));
            }
        }
    }

    /// Feeds the datagrams that were kept and whose turn has come.
    pub(super) fn feed_kept(&mut self, now: Instant) {
        if !self.habits.keeps_early {
            return;
        }
        let ids: Vec<u32> = self.streams.keys().copied().collect();
        for id in ids {
            while let Some((connection, peer, datagram)) = self.next_kept(id) {
                let before = self.endpoint.expected(connection);
                self.take(now, peer, &datagram);
                if self.endpoint.expected(connection) == before {
                    break;
                }
                self.serve(now);
            }
            self.tell_finished(now, id);
        }
    }

    fn next_kept(&mut self, id: u32) -> Option<(ConnectionId, Peer, Vec<u8>)> {
        let stream = self.streams.get_mut(&id)?;
        let expected = self.endpoint.expected(stream.connection)?;
        stream.kept.retain(|number, _| number.wrapping_sub(expected) < 1 << 31);
        if stream.is_stalled {
            return None;
        }
        Some((stream.connection, stream.peer, stream.kept.get(&expected)?.clone()))
    }

    /// Tells the service that its peer has finished, when it was offered all that came before.
    pub(super) fn tell_finished(&mut self, now: Instant, id: u32) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        if stream.finished != Finished::Held || !stream.kept.is_empty() {
            return;
        }
        stream.finished = Finished::Told;
        if stream.is_aborted {
            return;
        }
        let (connection, moving) = (stream.connection, stream.moving);
        match moving {
            Moving::In(_) => {
                self.endpoint.discard(connection);
                self.move_ended(now, connection, Err(Fault::Ended));
            }
            Moving::Over(_) => return self.move_ended(now, connection, Ok(())),
            Moving::Nothing | Moving::Out(_) => {}
        }
        self.service.finished(now, StreamId(id));
    }
}
