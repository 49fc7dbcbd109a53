//! Streams over RDT: datagrams in, datagrams out, and what is between them and the files.

use super::{Carrier, Driver, Receiving, Storage, Stream, Subject};
use crate::{
    exit::reason,
    net::udp::{Trains, Udp},
};
use skep_core::{
    Instant,
    limits::MESSAGE_MAX,
    rdt::{ConnectionId, Discard, Event, Incoming, Load, Output, Peer, Ticket},
    stream::{Closed, Fault, FileId, Service, StreamId},
};
use std::io::{self, IoSlice, IoSliceMut};

/// Receive calls in a row before others have their turn, each of which brings a batch of trains, and datagrams after which
/// there is none more. These are four times those that are sent in a turn: who is sent something acknowledges it, and
/// acknowledgements that wait here would bring repeats, and these more of them.
const RECEIVES_A_TURN: usize = 16;
const DATAGRAMS_A_TURN: usize = 512;

/// Polls of an endpoint in a row before it is looked whether something came: acknowledgements should be heard.
const POLLS_A_TURN: usize = 16;

/// So many segments are written, and acknowledged, before others are taken: an ACK tells of the last 256 that came, so
/// of more than these a lost one would take those before it along.
const STORES_AT_ONCE: usize = 64;

/// Content that was received and is to be written, together with what stands next to it.
struct Store<'d> {
    ticket: Ticket,
    file: FileId,
    offset: u64,
    bytes: &'d [u8],
}

impl<S: Service<Event: Subject>, F: Storage> Driver<S, F> {
    /// Receives what has come on a socket, for one turn.
    pub(super) fn receive_rdt(&mut self, index: usize) {
        let mut trains = self.trains.take().unwrap_or_else(Trains::new);
        let mut received = 0;
        for _ in 0..RECEIVES_A_TURN {
            let count = match self.rdt[index].udp.receive(&mut trains) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    // Others are what ICMP told of some peer: its connection will notice by itself.
                    self.rdt[index].readable = error.kind() != io::ErrorKind::WouldBlock;
                    break;
                }
            };
            self.rdt[index].readable = !Udp::are_last(count);
            // What was sent a moment ago may be acknowledged by now: a round trip takes some time.
            let now = self.now();
            let mut stores = Vec::new();
            for (from, datagram) in trains.datagrams(count) {
                received += 1;
                let socket = &mut self.rdt[index];
                let (peer, plain) = match &mut socket.seal {
                    None => (Peer::Address(from), &*datagram),
                    Some(seal) => {
                        let plain = seal.layer.receive(now, from, datagram, &mut seal.access);
                        if seal.layer.is_urgent() {
                            socket.poll_seal(now, &mut self.room);
                        }
                        let Some(plain) = plain else {
                            self.relocate(now, index);
                            continue;
                        };
                        plain
                    }
                };
                self.feed(now, index, peer, plain, &mut stores);
            }
            self.store(now, index, &mut stores);
            self.settle_socket(now, index);
            if received >= DATAGRAMS_A_TURN || !self.rdt[index].readable {
                break;
            }
        }
        self.trains = Some(trains);
    }

    /// Tells the machine if the last datagram has shown that a peer is at another address now.
    fn relocate(&mut self, now: Instant, index: usize) {
        let Some((connection, address)) = self.rdt[index].take_relocated() else { return };
        let Some(key) = self.stream_of(index, connection) else { return };
        if self.streams.get(key).is_some_and(|stream| stream.known) {
            self.service.relocated(now, StreamId(key as u32), address);
            self.act(now);
        }
    }

    /// Lets an endpoint say what it has to say, acknowledgements above all.
    fn settle_socket(&mut self, now: Instant, index: usize) {
        self.rdt[index].stirred = true;
        if !self.rdt[index].is_blocked() {
            self.poll_rdt(now, index);
        }
    }

    fn feed<'d>(
        &mut self,
        now: Instant,
        index: usize,
        from: Peer,
        datagram: &'d [u8],
        stores: &mut Vec<Store<'d>>,
    ) {
        let mut incoming = self.rdt[index].endpoint.handle(now, from, datagram);
        let is_early = matches!(incoming, Err(Discard::Early) | Ok(Some(Incoming::Early { .. })));
        if is_early && !stores.is_empty() {
            // It may be early only because what came before it is not reported yet.
            self.store(now, index, stores);
            incoming = self.rdt[index].endpoint.handle(now, from, datagram);
        }
        match incoming {
            Ok(Some(Incoming::Store { ticket, file, offset, bytes })) => {
                stores.push(Store { ticket, file, offset, bytes });
                if stores.len() >= STORES_AT_ONCE {
                    self.store(now, index, stores);
                    self.settle_socket(now, index);
                }
            }
            Ok(Some(Incoming::Message { ticket, bytes })) => {
                self.store(now, index, stores);
                self.offer_message(now, index, ticket, bytes);
            }
            Ok(Some(Incoming::Early { ticket, number })) => {
                let socket = &mut self.rdt[index];
                if socket.keep(ticket.connection(), number, from, datagram) {
                    socket.endpoint.kept(&ticket);
                }
            }
            Ok(None) | Err(_) => {}
        }
        while let Some((connection, _)) = self.rdt[index].endpoint.accept(now) {
            let socket = &mut self.rdt[index];
            let (label, caller) = (socket.label, socket.caller(connection));
            if socket.seal.is_some() && caller.is_none() {
                // It was called inside a session: nobody was asked whether who is there may come in again.
                socket.endpoint.abort(connection);
                continue;
            }
            let key = self.add_stream(Carrier::rdt(index, connection));
            self.rdt[index].enter(connection, key);
            if let Some(stream) = self.streams.get_mut(key) {
                stream.label = Some(label as u16);
            }
            self.open_and_act(now, key, caller);
        }
    }

    /// Writes content that was received, neighbours in one call, and reports it.
    fn store(&mut self, now: Instant, index: usize, stores: &mut Vec<Store<'_>>) {
        let mut rest = stores.as_slice();
        while let Some(first) = rest.first() {
            let mut end = first.offset;
            let run = rest.iter().take_while(|store| {
                let joins = store.file == first.file && store.offset == end;
                end = store.offset + store.bytes.len() as u64;
                joins
            });
            let count = run.count();
            let (run, after) = rest.split_at(count);
            rest = after;
            self.store_run(now, index, run);
        }
        stores.clear();
    }

    fn store_run(&mut self, now: Instant, index: usize, run: &[Store<'_>]) {
        let Some(first) = run.first() else { return };
        let connection = first.ticket.connection();
        let Some(key) = self.stream_of(index, connection) else { return };
        let mut slices: Vec<_> = run.iter().map(|store| IoSlice::new(store.bytes)).collect();
        let part = self.files.part(first.file).ok_or(Fault::Failed);
        match part.and_then(|part| part.write_vectored_at(&mut slices, first.offset)) {
            Ok(()) => {
                let bytes = run.iter().map(|store| store.bytes.len() as u64).sum();
                self.files.received(first.file, first.offset, bytes, run.len());
                for store in run {
                    self.rdt[index].endpoint.stored(&store.ticket);
                    if let Some(stream) = self.streams.get_mut(key) {
                        stream.advance(store.bytes.len() as u64);
                    }
                }
            }
            Err(fault) => {
                self.rdt[index].endpoint.discard(connection);
                let receiving = self.streams.get_mut(key).and_then(Stream::take_receiving);
                if receiving.is_some() {
                    self.service.moved(now, StreamId(key as u32), Err(fault));
                    self.act(now);
                }
            }
        }
    }

    /// Offers bytes to the machine; those that it does not take may be content by then.
    fn offer_message(&mut self, now: Instant, index: usize, ticket: Ticket, bytes: &[u8]) {
        let connection = ticket.connection();
        if !self.is_known(index, connection) {
            // It came close behind the answer to our call, which the machine has not been told of.
            self.settle_socket(now, index);
            if !self.is_known(index, connection) {
                return;
            }
        }
        let (mut ticket, mut bytes) = (ticket, bytes);
        loop {
            let Some(key) = self.stream_of(index, connection) else { return };
            let count = self.offer_behind_held(now, key, bytes);
            self.rdt[index].endpoint.taken(&ticket, count);
            self.act(now);
            bytes = &bytes[count..];
            if bytes.is_empty() {
                break;
            }
            match self.rdt[index].endpoint.rest(&ticket, bytes) {
                Some(Incoming::Store { ticket, file, offset, bytes }) => {
                    self.store_run(now, index, &[Store { ticket, file, offset, bytes }]);
                    break;
                }
                Some(Incoming::Message { ticket: again, .. }) if count > 0 => ticket = again,
                _ => {
                    self.hold(index, &ticket, bytes);
                    break;
                }
            }
        }
    }

    /// Offers bytes to the machine, behind those that are held. How many of the new ones were taken.
    fn offer_behind_held(&mut self, now: Instant, key: usize, bytes: &[u8]) -> usize {
        let Some(stream) = self.streams.get_mut(key) else { return 0 };
        if stream.tunnel().is_some() {
            return self.take_tunnelled(key, bytes);
        }
        if let Some(to) = stream.splice().map(|splice| splice.to) {
            return self.splice_offered(now, key, to, bytes);
        }
        let held = stream.take_held();
        if held.is_empty() {
            return self.service.received(now, StreamId(key as u32), bytes).min(bytes.len());
        }
        let before = held.len();
        let mut all = held;
        all.extend_from_slice(bytes);
        let count = self.service.received(now, StreamId(key as u32), &all).min(all.len());
        if let Some(stream) = self.streams.get_mut(key).filter(|_| count < before) {
            all.truncate(before);
            all.drain(..count);
            stream.hold(&all);
        }
        count.saturating_sub(before)
    }

    /// What the machine did not take is the beginning of a message, if it is so short: it is held until more of it comes,
    /// which the connection would not give as long as it is not taken.
    fn hold(&mut self, index: usize, ticket: &Ticket, bytes: &[u8]) {
        let Some(key) = self.stream_of(index, ticket.connection()) else { return };
        let Some(stream) = self.streams.get_mut(key) else { return };
        let offers = !stream.is_splicing() && stream.tunnel().is_none();
        if offers && stream.held() + bytes.len() < MESSAGE_MAX {
            stream.hold(bytes);
            self.rdt[index].endpoint.taken(ticket, bytes.len());
        }
    }

    /// Offers again what is held: the machine may want it by now.
    pub(super) fn offer_held(&mut self, now: Instant, key: usize) {
        if self.streams.get(key).is_some_and(|stream| stream.held() > 0 && !stream.is_receiving()) {
            self.offer_behind_held(now, key, &[]);
            self.act(now);
        }
    }

    /// The stream of a connection.
    fn stream_of(&self, index: usize, connection: ConnectionId) -> Option<usize> {
        let key = self.rdt[index].stream(connection)?;
        let is_its = self.streams.get(key).is_some_and(|stream| stream.by_rdt() == Some((index, connection)));
        is_its.then_some(key)
    }

    fn is_known(&mut self, index: usize, connection: ConnectionId) -> bool {
        let key = self.stream_of(index, connection);
        let stream = key.and_then(|key| self.streams.get_mut(key));
        stream.is_some_and(|stream| stream.known || stream.tunnel().is_some())
    }

    /// Feeds early datagrams of known peers whose turn has come. They were acknowledged and will not come again: one
    /// that is not taken now, or not all of it, stays.
    fn feed_kept(&mut self, now: Instant, index: usize) {
        for connection in self.rdt[index].keepers() {
            while let Some((number, from, datagram)) = self.rdt[index].take_kept(connection) {
                let mut stores = Vec::new();
                self.feed(now, index, from, &datagram, &mut stores);
                self.store(now, index, &mut stores);
                if self.rdt[index].endpoint.expected(connection) == Some(number) {
                    self.rdt[index].keep(connection, number, from, &datagram);
                    break;
                }
            }
        }
    }

    /// Tells the ends of peers that finished while early datagrams of them were kept, once these are fed.
    fn end_held(&mut self, now: Instant, index: usize) {
        let held = std::mem::take(&mut self.rdt[index].held);
        for connection in held {
            let Some(key) = self.stream_of(index, connection) else { continue };
            if self.rdt[index].keeps(connection) {
                self.rdt[index].held.push(connection);
            } else {
                self.end_rdt(now, key);
            }
        }
    }

    /// The peer finished, and everything before that was fed.
    fn end_rdt(&mut self, now: Instant, key: usize) {
        if self.streams.get_mut(key).and_then(Stream::tunnel).is_some() {
            self.end_tunnel(key);
        } else if self.streams.get(key).is_some_and(Stream::is_splicing) {
            self.end_splice(now, key);
        } else {
            self.end_receiving(now, key);
            if let Some(stream) = self.streams.get_mut(key) {
                stream.told_end = true;
            }
            self.service.finished(now, StreamId(key as u32));
        }
        self.act(now);
    }

    /// Does what an endpoint asks for. Whether it may have more to ask.
    pub(super) fn poll_rdt(&mut self, now: Instant, index: usize) -> bool {
        self.feed_kept(now, index);
        let mut room = std::mem::take(&mut self.room);
        let socket = &mut self.rdt[index];
        if let Some(seal) = &mut socket.seal {
            seal.layer.turn(now, self.late);
        }
        socket.poll_seal(now, &mut room);
        let mut more = true;
        for _ in 0..POLLS_A_TURN {
            let socket = &mut self.rdt[index];
            let event = match socket.endpoint.poll(now, &mut room) {
                Output::Wait(deadline) => {
                    let sessions = socket.seal.as_ref().and_then(|seal| seal.layer.deadline());
                    socket.deadline = deadline.into_iter().chain(sessions).min();
                    socket.stirred = false;
                    more = false;
                    self.end_held(now, index);
                    break;
                }
                Output::Event(event) => event,
                Output::Transmit(transmit) => {
                    let (peer, size) = (transmit.to, transmit.size);
                    let mut transmit = transmit;
                    if let Some(load) = transmit.load {
                        let loaded = self.files.source(load.file).ok_or(Fault::Failed);
                        let loaded = loaded.and_then(|source| {
                            let mut gaps = gaps(transmit.bytes, size, &load);
                            source.read_vectored_at(&mut gaps, load.offset)?;
                            source.unchanged()
                        });
                        if let Err(fault) = loaded {
                            self.unload(now, index, &load, fault);
                            continue;
                        }
                    }
                    let socket = &mut self.rdt[index];
                    let to = match &mut socket.seal {
                        None => peer.address(),
                        Some(seal) => seal.layer.seal(&mut transmit),
                    };
                    let Some(to) = to else { continue };
                    if transmit.load.is_none() && transmit.bytes.len() <= size {
                        socket.gather(to, transmit.bytes);
                        continue;
                    }
                    let is_too_long = socket.send(to, transmit.bytes, size);
                    if let Some(load) = transmit.load.filter(|_| is_too_long) {
                        socket.endpoint.too_long(now, load.connection);
                    }
                    if socket.is_blocked() {
                        break;
                    }
                    continue;
                }
            };
            self.happened(now, index, event);
        }
        self.room = room;
        let is_flushed = self.rdt[index].flush(self.poll.registry());
        self.end_unsent(now, index);
        is_flushed && more
    }

    /// Ends calls to where the system sends nothing: they would only wait.
    fn end_unsent(&mut self, now: Instant, index: usize) {
        let Some((calls, error)) = self.rdt[index].take_unsent() else { return };
        for connection in calls {
            if let Some(key) = self.stream_of(index, connection) {
                self.abort_stream(now, StreamId(key as u32), Some(reason(&error)));
                self.act(now);
            }
        }
    }

    /// Content could not be read.
    fn unload(&mut self, now: Instant, index: usize, load: &Load, fault: Fault) {
        if let Some(key) = self.stream_of(index, load.connection) {
            self.service.moved(now, StreamId(key as u32), Err(fault));
            self.act(now);
        }
    }

    fn happened(&mut self, now: Instant, index: usize, event: Event) {
        let (Event::Connected(connection)
        | Event::Sent(connection)
        | Event::Received(connection)
        | Event::Finished(connection)
        | Event::Flushed(connection)
        | Event::Closed(connection, _)) = event;
        if matches!(event, Event::Closed(..)) {
            // Also when we have ended the stream, and forgotten it.
            self.rdt[index].seal_ended(now, connection);
        }
        let Some(key) = self.stream_of(index, connection) else { return };
        let id = StreamId(key as u32);
        let is_tunnel = self.streams.get_mut(key).and_then(Stream::tunnel).is_some();
        match event {
            Event::Connected(_) if is_tunnel => self.tunnel_connected(key),
            Event::Flushed(_) if is_tunnel => self.pump_tunnel(key),
            Event::Closed(_, Ok(())) if is_tunnel => self.tunnel_closed(index, connection, key),
            Event::Connected(_) => _ = self.open(now, key, None),
            Event::Sent(_) => {
                if let Some(stream) = self.streams.get_mut(key) {
                    stream.end_sending();
                }
                self.service.moved(now, id, Ok(()));
            }
            Event::Received(_) => {
                let receiving = self.streams.get_mut(key).and_then(Stream::take_receiving);
                if let Some(Receiving { .. }) = receiving {
                    self.service.moved(now, id, Ok(()));
                }
            }
            Event::Finished(_) if self.rdt[index].keeps(connection) => {
                self.rdt[index].held.push(connection);
            }
            Event::Finished(_) => self.end_rdt(now, key),
            Event::Flushed(_) => {
                let owed = self.streams.get_mut(key).map(|stream| std::mem::take(&mut stream.owes_flush));
                if owed == Some(true) {
                    self.service.flushed(now, id);
                }
                self.wake_feeder(key);
            }
            Event::Closed(_, outcome) => {
                self.rdt[index].leave(connection, key);
                let (how, reason) = match &outcome {
                    Ok(()) => (Closed::Done, None),
                    Err(error) => (Closed::Broken, Self::broke(error)),
                };
                self.close(now, key, how, reason);
            }
        }
        self.act(now);
    }
}

/// The places in a batch of datagrams where the content belongs.
fn gaps<'b>(bytes: &'b mut [u8], size: usize, load: &Load) -> Vec<IoSliceMut<'b>> {
    let content = |datagram: &'b mut [u8]| {
        let end = datagram.len() - load.trailer;
        IoSliceMut::new(&mut datagram[load.header..end])
    };
    bytes.chunks_mut(size.max(1)).map(content).collect()
}
