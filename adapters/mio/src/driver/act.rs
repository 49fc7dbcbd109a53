//! What the machine asks for, done: with a socket where it can be done at once, kept for later where not.

use super::{Carrier, Driver, EventRecord, Gone, Receiving, Storage, Stream, Subject};
use crate::exit::reason;
use crate::net::{tcp::Outbound, wire::Wire};
use skep_core::{
    Instant,
    stream::{Action, Closed, Fault, FileId, Service, StreamId},
};

/// The room that a machine has for what it writes on a stream in one go. With a quarter of the room for messages of
/// an RDT connection, up to which one counts as flushed, it is the whole.
pub(super) const ROOM: usize = 48 << 10;

/// Messages that are written in a row before others have their turn. So what a tracker tells ten thousand sessions leaves
/// while the memory of each is in the processor's cache, and who has it can acknowledge it before all others have it.
const WRITES_A_TURN: usize = 16;

impl<S: Service<Event: Subject>, F: Storage> Driver<S, F> {
    /// Does what the machine asks for; of very much, only a part.
    pub(super) fn act(&mut self, now: Instant) {
        let mut room = std::mem::take(&mut self.words);
        let mut writes = 0;
        self.has_more = false;
        loop {
            if writes == WRITES_A_TURN {
                self.has_more = true;
                break;
            }
            match self.service.poll(now, &mut room) {
                Action::Write { stream, bytes } => {
                    self.write(now, stream, bytes);
                    writes += 1;
                }
                Action::Send { stream, file, offset, length } => self.send(now, stream, file, offset, length),
                Action::Receive { stream, file, offset, length } => {
                    self.receive(now, stream, file, offset, length);
                }
                Action::Splice { from, to } => self.begin_splice(now, from, to),
                Action::Finish(stream) => self.finish(stream),
                Action::Abort(stream) => self.abort_stream(now, stream, None),
                Action::Open { file, name } => {
                    if let Err(fault) = self.files.open(now, file, name) {
                        self.service.stored(now, file, Err(fault));
                    }
                    self.tell_settled(now);
                }
                Action::Create { file, name, length } => {
                    let outcome = self.files.create(file, name, length);
                    self.committer.expect();
                    self.service.stored(now, file, outcome.map(|()| 0));
                }
                Action::Commit(file) => match self.files.take_part(file) {
                    Some(part) => self.committer.commit(file, part, self.files.storage.replaces()),
                    None => self.service.stored(now, file, Err(Fault::Failed)),
                },
                Action::Release(file) => {
                    if let Some(part) = self.files.release(file) {
                        self.committer.discard(part);
                    }
                }
                Action::Event(event) => {
                    let (stream, file) = event.subject();
                    let peer = stream.and_then(|stream| self.peer(stream));
                    let name = file.and_then(|file| self.files.name(file)).map(Into::into);
                    self.events.push_back(EventRecord { event, peer, name });
                }
                Action::Wait(deadline) => {
                    self.deadline = deadline;
                    break;
                }
            }
        }
        self.words = room;
    }

    /// Says of the files that were opened which can be read: most at once.
    pub(super) fn tell_settled(&mut self, now: Instant) {
        while let Some((file, outcome)) = self.files.settled(now) {
            self.service.stored(now, file, outcome);
        }
    }

    /// Writes a message, at once where the socket takes it: then the machine hears so at once, too.
    fn write(&mut self, now: Instant, stream: StreamId, bytes: &[u8]) {
        let Some(found) = self.streams.get_mut(stream.0 as usize) else { return };
        match &mut found.carrier {
            Carrier::Tcp(tcp) => match tcp.send(bytes, true) {
                Ok(true) => {
                    // What went into a tunnel goes on with the next turn.
                    let has_more = !tcp.untaken.is_empty() || tcp.tunnel().is_some();
                    self.service.flushed(now, stream);
                    if has_more {
                        // It may want them by now.
                        self.activate(stream.0 as usize);
                    }
                }
                Ok(false) => self.activate(stream.0 as usize),
                Err(error) => self.close(now, stream.0 as usize, Closed::Broken, Some(reason(&error))),
            },
            Carrier::Rdt { socket, connection } => {
                let socket = &mut self.rdt[*socket as usize];
                let written = socket.endpoint.write(*connection, bytes);
                socket.endpoint.resume(*connection);
                socket.stirred = true;
                if !written {
                    self.abort_stream(now, stream, Some("a message was too long for the connection".into()));
                    return;
                }
                if socket.endpoint.is_flushed(*connection) {
                    self.service.flushed(now, stream);
                } else {
                    found.owes_flush = true;
                }
                // What is held may be wanted by now.
                self.activate(stream.0 as usize);
            }
        }
    }

    fn send(&mut self, now: Instant, stream: StreamId, file: FileId, offset: u64, length: u64) {
        let key = stream.0 as usize;
        let Some(found) = self.streams.get_mut(key) else { return };
        match &mut found.carrier {
            Carrier::Tcp(tcp) => {
                tcp.outbound.push_back(Outbound::Range { file, offset, left: length });
                self.activate(key);
            }
            Carrier::Rdt { socket, connection } => {
                let socket = &mut self.rdt[*socket as usize];
                let sent = socket.endpoint.send(*connection, file, offset, length);
                socket.stirred = true;
                found.begin_sending(now);
                if !sent {
                    self.abort_stream(now, stream, Some("too many files at once on the connection".into()));
                }
            }
        }
    }

    fn receive(&mut self, now: Instant, stream: StreamId, file: FileId, offset: u64, length: Option<u64>) {
        let key = stream.0 as usize;
        let Some(found) = self.streams.get_mut(key) else { return };
        let held = found.take_held();
        let (mut offset, mut length) = (offset, length);
        if !held.is_empty() {
            let count = length.unwrap_or(u64::MAX).min(held.len() as u64);
            let written = self.files.part(file).ok_or(Fault::Failed);
            let written = written.and_then(|part| part.write_at(&held[..count as usize], offset));
            found.hold(&held[count as usize..]);
            found.advance(count);
            if written.is_err() || length == Some(count) {
                self.service.moved(now, stream, written);
                return;
            }
            offset += count;
            length = length.map(|length| length - count);
        }
        found.receive(now, Receiving { file, offset, left: length });
        match found.carrier {
            Carrier::Tcp(_) => self.activate(key),
            Carrier::Rdt { socket, connection } => {
                let ended = found.told_end;
                let socket = &mut self.rdt[socket as usize];
                socket.endpoint.receive(connection, file, offset, length.unwrap_or(u64::MAX));
                socket.stirred = true;
                if ended && length != Some(0) {
                    self.end_receiving(now, key);
                }
            }
        }
    }

    fn finish(&mut self, stream: StreamId) {
        let key = stream.0 as usize;
        let Some(Stream { carrier, .. }) = self.streams.get_mut(key) else { return };
        match carrier {
            Carrier::Tcp(tcp) => {
                tcp.outbound.push_back(Outbound::Finish);
                self.activate(key);
            }
            Carrier::Rdt { socket, connection } => {
                let socket = &mut self.rdt[*socket as usize];
                socket.endpoint.finish(*connection);
                socket.endpoint.resume(*connection);
                socket.stirred = true;
            }
        }
    }

    /// Ends a stream; the machine is told, unless it never knew of it.
    pub(super) fn abort_stream(&mut self, now: Instant, stream: StreamId, reason: Option<String>) {
        let Some(found) = self.streams.get(stream.0 as usize) else { return };
        match &found.carrier {
            Carrier::Tcp(tcp) => {
                tcp.wire.abort();
                self.close(now, stream.0 as usize, Closed::Broken, reason);
            }
            Carrier::Rdt { socket, connection } => {
                // Its end comes as an event; nothing else of it does.
                let (socket, connection) = (*socket as usize, *connection);
                self.rdt[socket].endpoint.abort(connection);
                self.rdt[socket].stirred = true;
                self.rdt[socket].leave(connection, stream.0 as usize);
                self.close(now, stream.0 as usize, Closed::Broken, reason);
            }
        }
    }

    /// The peer finished before all the content came that it is expected of.
    pub(super) fn end_receiving(&mut self, now: Instant, key: usize) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        if let Some(receiving) = stream.take_receiving() {
            if let Carrier::Rdt { socket, connection } = stream.carrier {
                self.rdt[socket as usize].endpoint.discard(connection);
            }
            let outcome = if receiving.left.is_none() { Ok(()) } else { Err(Fault::Ended) };
            self.service.moved(now, StreamId(key as u32), outcome);
        }
    }

    /// A stream is gone.
    pub(super) fn close(&mut self, now: Instant, key: usize, how: Closed, reason: Option<String>) {
        let Some(mut stream) = self.streams.try_remove(key) else { return };
        self.handshakes.leave(key);
        if let Carrier::Tcp(tcp) = &stream.carrier
            && tcp.was_accepted
        {
            self.quota.leave(tcp.peer.ip());
        }
        let was_turned_away = stream.was_turned_away();
        if let Some(tunnel) = stream.tunnel() {
            let (socket, connection) = (tunnel.socket, tunnel.connection);
            self.close_tunnel(socket, connection, key, how);
        } else if let Carrier::Tcp(tcp) = &mut stream.carrier
            && let Wire::Socket(socket) = &mut tcp.wire
        {
            let _ = self.poll.registry().deregister(socket);
            // A listener that had no file descriptor left may have one now.
            for listener in &mut self.listeners {
                listener.rests = None;
            }
        }
        let id = StreamId(key as u32);
        if stream.known {
            self.service.closed(now, id, how);
        }
        self.break_splices(now, &mut stream);
        self.gone.push_back(Gone { stream: id, reason, was_turned_away });
    }
}
