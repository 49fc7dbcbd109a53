//! What datagrams bring.

use super::{Rdt, Wrapping};
use crate::{Happening, Origin, Stack, Storage};
use core::{net::SocketAddr, ops::Range, task::Poll};
use skep_core::{
    Instant,
    rdt::{ConnectionId, Endpoint, Incoming, Peer, Profile, Ticket},
    stream::FileId,
};
use smoltcp::{phy::Device, socket::udp};

/// What the datagram in the inbox brought, as long as it is not done with.
#[derive(Debug)]
pub(super) struct Held {
    ticket: Ticket,
    /// Where in the inbox.
    pub(super) bytes: Range<usize>,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// To be offered to the machine.
    Message,
    /// The machine took so many of it.
    Taken(usize),
    /// To be written into a file.
    Content { file: FileId, offset: u64 },
}

enum Step {
    Done,
    Tell(Happening<ConnectionId>),
    /// The store is busy.
    Stuck,
}

impl Held {
    fn new(inbox: &[u8], incoming: &Incoming<'_>) -> Option<Self> {
        let (ticket, bytes, state) = match *incoming {
            Incoming::Message { ticket, bytes } => (ticket, bytes, State::Message),
            Incoming::Store { ticket, file, offset, bytes } => {
                (ticket, bytes, State::Content { file, offset })
            }
            // There is no memory for what is early: it comes again.
            Incoming::Early { .. } => return None,
        };
        Some(Self { ticket, bytes: place(inbox, bytes), state })
    }

    pub(super) fn taken<P: Profile>(&mut self, endpoint: &mut Endpoint<P>, count: usize) {
        endpoint.taken(&self.ticket, count);
        self.bytes.start = self.bytes.start.saturating_add(count).min(self.bytes.end);
        self.state = State::Taken(count);
    }
}

impl<const CONNECTIONS: usize, const WINDOW: usize, W: Wrapping, const SIZE: usize>
    Rdt<CONNECTIONS, WINDOW, W, SIZE>
{
    pub(super) fn take_datagrams<D: Device, F: Storage>(
        &mut self,
        now: Instant,
        stack: &mut Stack<'_, D>,
        storage: &mut F,
    ) -> Option<Happening<ConnectionId>> {
        self.is_stuck = false;
        loop {
            if let Some(happening) = self.owed() {
                return Some(happening);
            }
            if let Some(held) = self.held.take() {
                match self.proceed(held, storage) {
                    Step::Done => {}
                    Step::Tell(happening) => return Some(happening),
                    Step::Stuck => {
                        self.is_stuck = true;
                        return None;
                    }
                }
                continue;
            }
            if let Some(accepted) = self.accept(now) {
                return Some(accepted);
            }
            if !self.receive_datagram(now, stack) {
                return None;
            }
        }
    }

    fn accept(&mut self, now: Instant) -> Option<Happening<ConnectionId>> {
        loop {
            let (connection, peer) = self.endpoint.accept(now)?;
            match self.wrapping.origin(peer) {
                Some(origin) => {
                    let Origin { address, .. } = origin;
                    self.enter(connection, address, false);
                    return Some(Happening::Accepted(connection, origin));
                }
                None => self.endpoint.abort(connection),
            }
        }
    }

    /// Feeds the next datagram of the socket. `false`: there is none.
    fn receive_datagram<D: Device>(&mut self, now: Instant, stack: &mut Stack<'_, D>) -> bool {
        let udp = stack.sockets.get_mut::<udp::Socket<'_>>(self.socket);
        let Ok((bytes, meta)) = udp.recv() else { return false };
        let from = meta.endpoint.into();
        let Some(inbox) = self.inbox.get_mut(..bytes.len()) else { return true };
        inbox.copy_from_slice(bytes);
        let Some((peer, plain)) = self.wrapping.receive(now, from, inbox) else {
            if let Some((peer, address)) = self.wrapping.take_moved() {
                self.relocate(peer, address);
            }
            return true;
        };
        if let Ok(Some(incoming)) = self.endpoint.handle(now, peer, &self.inbox[plain]) {
            self.held = Held::new(&self.inbox, &incoming);
        }
        true
    }

    /// A peer is at another address now.
    fn relocate(&mut self, peer: Peer, address: SocketAddr) {
        if let Some(connection) = self.endpoint.connection_with(peer)
            && let Some(entry) = self.entry(connection)
        {
            entry.relocate(address);
        }
    }

    /// Goes on with what is in the inbox.
    fn proceed<F: Storage>(&mut self, held: Held, storage: &mut F) -> Step {
        let connection = held.ticket.connection();
        if let Some(entry) = self.entry(connection) {
            entry.is_heard = true;
        }
        match held.state {
            State::Message => {
                self.held = Some(held);
                Step::Tell(Happening::Offered(connection))
            }
            State::Taken(count) => {
                self.held = self.rest(&held, count);
                Step::Done
            }
            State::Content { file, offset } => self.store(held, file, offset, storage),
        }
    }

    /// What becomes of the bytes that the machine did not take: after it was asked what it wants, they may be content.
    fn rest(&mut self, held: &Held, count: usize) -> Option<Held> {
        let bytes = self.inbox.get(held.bytes.clone()).filter(|bytes| !bytes.is_empty())?;
        let rest = self.endpoint.rest(&held.ticket, bytes)?;
        match rest {
            Incoming::Message { .. } if count == 0 => None,
            rest => Held::new(&self.inbox, &rest),
        }
    }

    fn store<F: Storage>(&mut self, held: Held, file: FileId, offset: u64, storage: &mut F) -> Step {
        let Some(bytes) = self.inbox.get(held.bytes.clone()) else { return Step::Done };
        let end = offset.saturating_add(bytes.len() as u64);
        let number = held.ticket.connection().number() as usize;
        let Some(entry) = self.entries.get_mut(number).and_then(Option::as_mut) else { return Step::Done };
        if !F::RANDOM_WRITES && !entry.is_next(offset) {
            return Step::Done;
        }
        match storage.write(file, offset, bytes) {
            Poll::Ready(Ok(())) => {
                entry.stored(end);
                self.endpoint.stored(&held.ticket);
                Step::Done
            }
            Poll::Ready(Err(fault)) => {
                let happening = entry.received(Err(fault));
                self.endpoint.discard(held.ticket.connection());
                happening.map_or(Step::Done, Step::Tell)
            }
            Poll::Pending => {
                self.held = Some(held);
                Step::Stuck
            }
        }
    }
}

/// Where `part`, which is a part of `whole`, begins and ends in it.
fn place(whole: &[u8], part: &[u8]) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize).min(whole.len());
    start..start.saturating_add(part.len()).min(whole.len())
}
