//! A program in small, as [`Node`](crate::Node) is, whose streams are simulated TCP: for machines that move no content.

use crate::{
    Checked, Member, Network, Random, Seat,
    segment::{Kind, Segment},
    tcp::Tcp,
};
use skep_core::{
    Instant,
    limits::MESSAGE_MAX,
    stream::{Action, Closed, Service, StreamId},
};
use std::{any::Any, collections::BTreeMap, net::SocketAddr};

/// Who calls, the number that the caller gave the connection, and whether that is us.
type Key = (SocketAddr, u32, bool);

/// A connection, and what its service is owed and has asked for.
#[derive(Debug)]
struct Stream {
    key: Key,
    tcp: Tcp,
    /// The service knows of it.
    is_open: bool,
    owes_flush: bool,
    /// What was not taken is to be offered again.
    is_due: bool,
    told_end: bool,
}

/// One program.
pub struct Streams<S: Service> {
    seat: Seat,
    /// What it serves or asks for.
    pub service: S,
    /// Whom it calls whenever its service wants that.
    known: Option<SocketAddr>,
    streams: BTreeMap<u32, Stream>,
    /// Connections that are over, and what is said to who speaks of them again.
    past: BTreeMap<Key, Segment>,
    resets: Vec<(SocketAddr, Segment)>,
    calls: u32,
    random: Random,
}

impl<S: Checked> Streams<S> {
    /// A program that waits for calls.
    pub fn new(seat: Seat, seed: u64, service: S) -> Self {
        Self {
            seat,
            service,
            known: None,
            streams: BTreeMap::new(),
            past: BTreeMap::new(),
            resets: Vec::new(),
            calls: 0,
            random: Random::new(seed),
        }
    }

    /// It calls this peer whenever its service wants that.
    #[must_use]
    pub fn knowing(self, peer: SocketAddr) -> Self {
        Self { known: Some(peer), ..self }
    }

    fn add(&mut self, key: Key, tcp: Tcp) -> u32 {
        let id = (0..).find(|id| !self.streams.contains_key(id)).expect("fewer than 4 billion");
        let stream = Stream { key, tcp, is_open: false, owes_flush: false, is_due: false, told_end: false };
        self.streams.insert(id, stream);
        id
    }

    fn deal_with(&mut self, now: Instant, from: SocketAddr, segment: &Segment) {
        let key = (from, segment.number, !segment.by_caller);
        let found = self.streams.iter().find(|(_, stream)| stream.key == key).map(|(id, _)| *id);
        let id = match (found, self.past.get(&key), segment.kind) {
            (_, _, Kind::Reset) => {
                return found.into_iter().for_each(|id| self.close(now, id, Closed::Broken));
            }
            (Some(id), ..) => id,
            (None, Some(_), Kind::Acknowledgement) => return,
            (None, Some(last), _) => return self.resets.push((from, last.clone())),
            (None, None, Kind::Call) => self.add(key, Tcp::called(segment.number)),
            (None, None, _) => {
                let reset = Segment {
                    kind: Kind::Reset,
                    by_caller: key.2,
                    ..Tcp::calling(segment.number).segment(Kind::Reset, 0)
                };
                return self.resets.push((from, reset));
            }
        };
        let Some(stream) = self.streams.get_mut(&id) else { return };
        stream.is_due |= stream.tcp.receive(segment);
        if stream.tcp.is_connected()
            && !std::mem::replace(&mut stream.is_open, true)
            && !self.service.opened(now, StreamId(id))
        {
            self.reset(id);
        }
    }

    /// It breaks the connection off, and its service does not hear of that.
    fn reset(&mut self, id: u32) {
        let Some(stream) = self.streams.remove(&id) else { return };
        let reset = stream.tcp.segment(Kind::Reset, 0);
        self.resets.push((stream.key.0, reset.clone()));
        self.past.insert(stream.key, reset);
    }

    fn close(&mut self, now: Instant, id: u32, how: Closed) {
        let Some(stream) = self.streams.remove(&id) else { return };
        let kind = if how == Closed::Done { Kind::Acknowledgement } else { Kind::Reset };
        self.past.insert(stream.key, stream.tcp.segment(kind, 0));
        if stream.is_open {
            self.service.closed(now, StreamId(id), how);
        }
    }

    /// Does all that the service asks for, and offers it what it may want; when it wants to be asked again.
    fn serve(&mut self, now: Instant) -> Option<Instant> {
        loop {
            let mut room = [0; MESSAGE_MAX];
            match self.service.poll(now, &mut room) {
                Action::Wait(wait) => {
                    self.call();
                    if !self.offer(now) {
                        return wait;
                    }
                }
                action => self.act(now, &action),
            }
        }
    }

    fn call(&mut self) {
        if self.service.wants_call()
            && let Some(peer) = self.known
        {
            self.calls += 1;
            self.add((peer, self.calls, true), Tcp::calling(self.calls));
        }
    }

    fn act(&mut self, now: Instant, action: &Action<'_, S::Event>) {
        let (Action::Write { stream: StreamId(id), .. }
        | Action::Finish(StreamId(id))
        | Action::Abort(StreamId(id))) = action
        else {
            return assert!(matches!(action, Action::Event(_)), "it moves no content");
        };
        let id = *id;
        let Some(stream) = self.streams.get_mut(&id) else { return };
        stream.is_due = true;
        match action {
            Action::Write { bytes, .. } => {
                stream.tcp.write(bytes);
                stream.owes_flush = true;
            }
            Action::Finish(_) => stream.tcp.finish(),
            _ => {
                self.reset(id);
                self.service.closed(now, StreamId(id), Closed::Broken);
            }
        }
    }

    /// Tells the service what is new on its streams, one thing at a time. `false`: nothing.
    fn offer(&mut self, now: Instant) -> bool {
        for (&id, stream) in &mut self.streams {
            if !stream.is_open {
                continue;
            }
            if stream.owes_flush && stream.tcp.is_flushed() {
                stream.owes_flush = false;
                self.service.flushed(now, StreamId(id));
                return true;
            }
            if std::mem::take(&mut stream.is_due) && !stream.tcp.untaken.is_empty() {
                let count = self.service.received(now, StreamId(id), &stream.tcp.untaken);
                assert!(count <= stream.tcp.untaken.len(), "more taken than offered");
                stream.tcp.take(count);
                stream.is_due = count > 0;
                return true;
            }
            if stream.tcp.has_ended && !std::mem::replace(&mut stream.told_end, true) {
                self.service.finished(now, StreamId(id));
                stream.is_due = true;
                return true;
            }
            if stream.told_end && stream.tcp.is_delivered() {
                let how = if stream.tcp.untaken.is_empty() { Closed::Done } else { Closed::Broken };
                self.close(now, id, how);
                return true;
            }
        }
        false
    }

    /// Sends all that can be sent. Whether a connection has broken.
    fn send(&mut self, now: Instant, network: &mut dyn Network) -> bool {
        for (to, segment) in self.resets.drain(..) {
            network.send(self.seat, to, &segment.emit());
        }
        let mut broken = Vec::new();
        for (&id, stream) in &mut self.streams {
            loop {
                match stream.tcp.send(now, &mut self.random) {
                    Ok(Some(segment)) => network.send(self.seat, stream.key.0, &segment.emit()),
                    Ok(None) => break,
                    Err(()) => {
                        broken.push(id);
                        break;
                    }
                }
            }
        }
        for &id in &broken {
            self.close(now, id, Closed::Broken);
        }
        !broken.is_empty()
    }
}

impl<S: Checked + 'static> Member for Streams<S> {
    fn arrive(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        self.deal_with(now, from, &Segment::parse(datagram));
    }

    fn poll(&mut self, now: Instant, network: &mut dyn Network) -> Option<Instant> {
        loop {
            let wait = self.serve(now);
            if !self.send(now, network) {
                let deadlines = self.streams.values().filter_map(|stream| stream.tcp.deadline());
                return deadlines.chain(wait).min();
            }
        }
    }

    fn is_quiet(&self, _now: Instant) -> bool {
        self.streams.is_empty()
    }

    fn check_over(&self) {
        assert!(self.streams.is_empty(), "streams are left");
        self.service.check_over();
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
