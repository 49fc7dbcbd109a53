//! What the endpoint has to say.

use super::{
    Rdt, Wrapping,
    waiting::{Ready, Standing, State, Waiting},
};
use crate::{Happening, Stack, Storage, address, storage::ASK_AGAIN};
use core::{net::SocketAddr, task::Poll};
use skep_core::{
    Instant,
    rdt::{ConnectionId, Event, Load, Output, Peer, Transmit},
    stream::Closed,
};
use smoltcp::{
    phy::Device,
    socket::{Socket, udp},
};

enum Step {
    Sent,
    Tell(Happening<ConnectionId>),
    /// Not now: at this moment, or when something else happens.
    Blocked(Instant),
}

impl<const CONNECTIONS: usize, const WINDOW: usize, W: Wrapping, const SIZE: usize>
    Rdt<CONNECTIONS, WINDOW, W, SIZE>
{
    pub(super) fn give_datagrams<D: Device, F: Storage>(
        &mut self,
        now: Instant,
        stack: &mut Stack<'_, D>,
        storage: &mut F,
    ) -> Option<Happening<ConnectionId>> {
        loop {
            if let Some(happening) = self.owed() {
                return Some(happening);
            }
            if let Some(until) = self.look_at_socket(now, stack) {
                self.deadline = Some(until);
                return None;
            }
            if let Some(ready) = self.ready.take() {
                match self.dispatch(now, stack, storage, ready) {
                    Step::Sent => {}
                    Step::Tell(happening) => return Some(happening),
                    Step::Blocked(until) => {
                        self.deadline = Some(until);
                        return None;
                    }
                }
                continue;
            }
            if let Some((to, length)) = self.wrapping.poll(now, &mut self.outbox) {
                self.ready = Some(Ready { length, state: State::Closed(to) });
                continue;
            }
            match self.endpoint.poll(now, &mut self.outbox) {
                Output::Transmit(Transmit { to, bytes, load, .. }) => {
                    self.ready = Some(Ready { length: bytes.len(), state: State::Open(to, load) });
                }
                Output::Event(event) => {
                    if let Some(happening) = self.happened(now, event) {
                        return Some(happening);
                    }
                }
                Output::Wait(deadline) => {
                    if let Some(flushed) = self.flushed() {
                        return Some(flushed);
                    }
                    let stuck = self.is_stuck.then(|| now + ASK_AGAIN);
                    let linger = Some(self.endpoint.linger_until()).filter(|linger| *linger > now);
                    let others = [self.wrapping.deadline(), stuck, linger];
                    self.deadline = deadline.into_iter().chain(others.into_iter().flatten()).min();
                    return None;
                }
            }
        }
    }

    /// Whether the socket has something that does not leave, and until when that is waited for.
    fn look_at_socket<D: Device>(&mut self, now: Instant, stack: &mut Stack<'_, D>) -> Option<Instant> {
        let waiting = self.waiting?;
        stack.transmit(now);
        let udp = stack.sockets.get_mut::<udp::Socket<'_>>(self.socket);
        if udp.send_queue() > 0 {
            if now < waiting.until {
                return Some(waiting.until);
            }
            self.drop_queued(stack);
        }
        self.waiting = None;
        None
    }

    /// Goes on with what is in the outbox.
    fn dispatch<D: Device, F: Storage>(
        &mut self,
        now: Instant,
        stack: &mut Stack<'_, D>,
        storage: &mut F,
        ready: Ready,
    ) -> Step {
        let (to, length) = match ready.state {
            State::Closed(to) => (to, ready.length),
            State::Open(peer, load) => {
                if let Some(load) = load {
                    match self.load(&load, ready.length, storage) {
                        Step::Sent => {}
                        Step::Blocked(_) => {
                            self.ready = Some(ready);
                            return Step::Blocked(now + ASK_AGAIN);
                        }
                        step => return step,
                    }
                }
                match self.wrap(peer, ready.length) {
                    Some(wrapped) => wrapped,
                    None => return Step::Sent,
                }
            }
        };
        let Some(endpoint) = address::endpoint(to) else { return Step::Sent };
        let Some(bytes) = self.outbox.get(..length) else { return Step::Sent };
        let udp = stack.sockets.get_mut::<udp::Socket<'_>>(self.socket);
        if udp.send_slice(bytes, endpoint).is_err() {
            // It is too small for this, or it is full of what waits: one datagram that is lost.
            return Step::Sent;
        }
        stack.transmit(now);
        let udp = stack.sockets.get_mut::<udp::Socket<'_>>(self.socket);
        if udp.send_queue() > 0 {
            self.waiting = Some(Waiting::new(now, self.standing(to)));
        }
        Step::Sent
    }

    /// Reads content into the datagram in the outbox.
    fn load<F: Storage>(&mut self, load: &Load, length: usize, storage: &mut F) -> Step {
        let end = length.saturating_sub(load.trailer);
        let Some(body) = self.outbox.get_mut(load.header..end) else { return Step::Sent };
        match storage.read(load.file, load.offset, body) {
            Poll::Ready(Ok(())) => Step::Sent,
            Poll::Pending => Step::Blocked(Instant::ZERO),
            Poll::Ready(Err(fault)) => Step::Tell(Happening::Moved(load.connection, Err(fault))),
        }
    }

    fn wrap(&mut self, peer: Peer, length: usize) -> Option<(SocketAddr, usize)> {
        let bytes = self.outbox.get_mut(..length)?;
        let mut transmit = Transmit { to: peer, bytes, size: length, load: None };
        let to = self.wrapping.seal(&mut transmit)?;
        Some((to, transmit.bytes.len()))
    }

    fn standing(&self, to: SocketAddr) -> Standing {
        let mut standing = Standing::Stranger;
        for entry in self.entries.iter().flatten().filter(|entry| entry.address == to) {
            if entry.is_heard {
                return Standing::Heard;
            }
            if entry.is_call {
                standing = Standing::Called;
            }
        }
        standing
    }

    /// Connections that have room for messages again. Of the others the endpoint says when they do.
    fn flushed(&mut self) -> Option<Happening<ConnectionId>> {
        let endpoint = &mut self.endpoint;
        let mut owing = self.entries.iter_mut().flatten().filter(|entry| entry.owes_flushed());
        owing.find(|entry| endpoint.is_flushed(entry.connection))?.flushed()
    }

    fn happened(&mut self, now: Instant, event: Event) -> Option<Happening<ConnectionId>> {
        match event {
            Event::Connected(connection) => {
                let entry = self.entry(connection)?;
                entry.is_heard = true;
                Some(Happening::Connected(connection))
            }
            Event::Sent(connection) => {
                self.entry(connection)?.is_heard = true;
                Some(Happening::Moved(connection, Ok(())))
            }
            Event::Received(connection) => self.entry(connection)?.received(Ok(())),
            Event::Finished(connection) => {
                if self.entry(connection)?.finish() {
                    self.endpoint.discard(connection);
                }
                None
            }
            Event::Flushed(connection) => self.entry(connection)?.flushed(),
            Event::Closed(connection, outcome) => {
                if let Some(statistics) = self.endpoint.statistics(connection) {
                    self.wrapping.ended(now, statistics.peer);
                }
                self.leave(connection)?;
                let how = if outcome.is_ok() { Closed::Done } else { Closed::Broken };
                Some(Happening::Closed(connection, how))
            }
        }
    }

    /// Forgets what the socket was to send; what it has received, too, but of that there is nothing.
    ///
    /// The set remembers that a socket waits for a neighbour, and would have it wait on: so it is another socket to it
    /// from now on.
    #[allow(irrefutable_let_patterns, reason = "without other kinds of sockets there is no other variant")]
    fn drop_queued<D: Device>(&mut self, stack: &mut Stack<'_, D>) {
        let Socket::Udp(mut udp) = stack.sockets.remove(self.socket) else { return };
        let port = udp.endpoint().port;
        udp.close();
        // It was bound like this before.
        let _ = udp.bind(port);
        self.socket = stack.sockets.add(udp);
    }
}
