//! The loop: what happened is noted, and what there is to do is done.

use super::{ALARM, Carrier, Driver, FIRST, SIGNALS, Storage, Stream, Subject, WAKER};
use crate::net::handshakes;
use mio::{Events, Token};
use skep_core::{
    Instant,
    stream::{Service, StreamId},
};
use std::{io, time::Duration};

/// A stream on which content should move, and none does for so long, is broken off: its slot is for others.
const STALLED: Duration = Duration::from_secs(60);

/// How long a tracker may take to join us with the other side of a transfer.
const ATTACHING: Duration = Duration::from_secs(30);

/// How often it is looked whether something moves.
const ROUND: Duration = Duration::from_secs(5);

/// A turn that takes so long says that there is more to do than can be done: callers have to prove their addresses.
const LATE: Duration = Duration::from_millis(100);

/// How often in a row the machine and the endpoints are asked before it is looked whether something came.
const ROUNDS_A_TURN: usize = 8;

/// How soon it is looked again whether a file that has just changed can be read.
const SETTLING_LOOK: Duration = Duration::from_millis(1);

impl<S: Service<Event: Subject>, F: Storage> Driver<S, F> {
    /// Waits for something to happen, at most `longest`, and does what there is to do then. Call it until
    /// the application has what it wants.
    ///
    /// # Errors
    /// The system cannot wait: nothing that a retry mends.
    pub fn turn(&mut self, events: &mut Events, longest: Option<Duration>) -> io::Result<()> {
        let now = self.now();
        self.settle(now);
        let timeout = if self.has_work() { Some(Duration::ZERO) } else { self.timeout(now, longest) };
        let timeout = self.alarm.set(now, timeout);
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => other?,
        }
        for event in events.iter() {
            self.note(event);
        }
        let now = self.now();
        self.accept(now);
        for index in 0..self.rdt.len() {
            if self.rdt[index].readable {
                self.receive_rdt(index);
            }
        }
        for _ in 0..self.active.len() {
            let Some(key) = self.active.pop_front() else { break };
            if let Some(stream) = self.streams.get_mut(key) {
                stream.active = false;
                match stream.carrier {
                    Carrier::Tcp(_) => self.pump_tcp(now, key),
                    Carrier::Rdt { .. } => self.offer_held(now, key),
                }
            }
        }
        while let Some(key) = self.handshakes.expired(now) {
            self.abort_stream(now, StreamId(key as u32), Some("no handshake in time".into()));
        }
        if self.next_round <= now {
            self.end_stalled(now);
            self.next_round = now + ROUND;
        }
        self.tell_settled(now);
        while let Some((file, outcome)) = self.committer.committed() {
            self.service.stored(now, file, outcome);
        }
        self.settle(now);
        self.committer.prepare();
        self.late = self.now().since(now) > LATE;
        Ok(())
    }

    /// Does what there is to do at this moment, without waiting: after the machine was asked for something.
    pub fn stir(&mut self) {
        let now = self.now();
        self.settle(now);
    }

    pub(super) fn has_work(&self) -> bool {
        self.has_more
            || !self.active.is_empty()
            || self.rdt.iter().any(|socket| socket.readable || socket.stirred && !socket.is_blocked())
            || self.listeners.iter().any(|listener| listener.ready && listener.rests.is_none())
    }

    pub(super) fn timeout(&self, now: Instant, longest: Option<Duration>) -> Option<Duration> {
        let resting = self.listeners.iter().filter_map(|listener| listener.rests);
        // What an endpoint has to say at its deadline waits until its socket takes something again.
        let free = self.rdt.iter().filter(|socket| !socket.is_blocked());
        let deadlines = free.filter_map(|socket| socket.deadline).chain(self.deadline).chain(resting);
        let deadlines = deadlines.chain((!self.streams.is_empty()).then_some(self.next_round));
        let deadlines = deadlines.chain(self.handshakes.deadline());
        let deadlines = deadlines.chain(self.files.are_settling().then(|| now + SETTLING_LOOK));
        let wait = deadlines.min().map(|deadline| deadline.since(now));
        match (wait, longest) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    fn note(&mut self, event: &mio::event::Event) {
        match event.token() {
            // A decision may have been made.
            WAKER => std::mem::take(&mut self.deferred).into_iter().for_each(|key| self.activate(key)),
            SIGNALS => self.signalled = true,
            ALARM => {}
            Token(number) => {
                let (kind, index) = ((number - FIRST) & 3, (number - FIRST) >> 2);
                match kind {
                    0 => {
                        if let Some(listener) = self.listeners.get_mut(index) {
                            listener.ready = true;
                        }
                    }
                    1 => {
                        let socket = &mut self.rdt[index];
                        socket.readable |= event.is_readable();
                        if event.is_writable() {
                            socket.unblock(self.poll.registry());
                        }
                    }
                    _ => self.note_stream(index, event),
                }
            }
        }
    }

    fn note_stream(&mut self, key: usize, event: &mio::event::Event) {
        if let Some(Stream { carrier: Carrier::Tcp(tcp), .. }) = self.streams.get_mut(key) {
            tcp.hung_up |= event.is_read_closed() || event.is_error();
            tcp.readable |= event.is_readable() || tcp.hung_up;
            tcp.writable |= event.is_writable() || event.is_write_closed() || event.is_error();
            self.activate(key);
        }
    }

    /// Breaks off streams on which nothing moves that should. RDT sees by itself whether its peer lives, but not whether a
    /// transfer does: who acknowledges nothing new lives as well. Of our own calls the machine sees it, as who is
    /// called may let us wait for a slot with content before him.
    pub(super) fn end_stalled(&mut self, now: Instant) {
        let mut stalled = Vec::new();
        for (key, stream) in &mut self.streams {
            let patience = match &stream.carrier {
                Carrier::Tcp(tcp) if !stream.known && tcp.is_attaching() => ATTACHING,
                Carrier::Tcp(_) if !stream.known && stream.label.is_some() => handshakes::DEADLINE,
                Carrier::Tcp(_) => STALLED,
                Carrier::Rdt { .. } if stream.is_splicing() => STALLED,
                Carrier::Rdt { .. } if stream.has_content() && stream.label.is_some() => STALLED,
                Carrier::Rdt { .. } => continue,
            };
            let acknowledged = match &stream.carrier {
                Carrier::Rdt { socket, connection } if stream.has_content() => {
                    let statistics = self.rdt[*socket as usize].endpoint.statistics(*connection);
                    statistics.map_or(0, |statistics| statistics.bytes_acknowledged)
                }
                _ => 0,
            };
            let (moved, owes) = (stream.arrived().saturating_add(acknowledged), stream.owes());
            let seen = stream.seen();
            if patience == STALLED && (!owes || moved != seen.0) {
                *seen = (moved, now);
            } else if now.since(seen.1) > patience {
                stalled.push(StreamId(key as u32));
            }
        }
        for stream in stalled {
            self.abort_stream(now, stream, Some("nothing moved for too long".into()));
        }
    }

    /// Does what machines and endpoints ask for at this moment; what is left after that is work for the next turn.
    pub(super) fn settle(&mut self, now: Instant) {
        let mut now = now;
        for _ in 0..ROUNDS_A_TURN {
            self.act(now);
            let mut polled = false;
            for index in 0..self.rdt.len() {
                let socket = &self.rdt[index];
                let due = socket.deadline.is_some_and(|deadline| deadline <= now);
                if (socket.stirred || due) && !socket.is_blocked() {
                    polled |= self.poll_rdt(now, index);
                }
            }
            if !polled && !self.has_more {
                return;
            }
            now = self.now();
        }
    }
}
