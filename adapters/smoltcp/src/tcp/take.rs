//! What comes on a socket.

use super::{
    CLOSING, HANDSHAKE, KEEP_ALIVE, Link, SILENCE, Tcp, Wrapping,
    connection::{Connection, Stage, ended},
    wrapping::Greeting,
};
use crate::{Happening, Origin, Stack, Storage};
use core::task::Poll;
use skep_core::{Instant, stream::Closed};
use smoltcp::{
    phy::Device,
    socket::tcp::{self, State},
};

impl<const SOCKETS: usize, W: Wrapping, const SIZE: usize> Tcp<SOCKETS, W, SIZE> {
    /// What there is to be told of one socket, if anything.
    pub(super) fn look<D: Device, F: Storage>(
        &mut self,
        now: Instant,
        number: usize,
        stack: &mut Stack<'_, D>,
        storage: &mut F,
    ) -> Option<Happening<Link>> {
        let connection = self.connections.get_mut(number)?;
        let link = Link { number: number as u16, generation: connection.generation };
        let socket = stack.sockets.get_mut::<tcp::Socket<'_>>(connection.socket);
        let is_late = connection.until.is_some_and(|until| until <= now);
        match connection.stage {
            Stage::Idle | Stage::Aborting | Stage::Closing => None,
            Stage::Listening => match socket.state() {
                State::Listen => {
                    connection.until = None;
                    None
                }
                State::SynReceived if is_late => {
                    connection.stage = Stage::Aborting;
                    None
                }
                State::SynReceived => {
                    connection.until = connection.until.or(Some(now + HANDSHAKE));
                    None
                }
                State::Established | State::CloseWait => {
                    let peer = socket.remote_endpoint()?.into();
                    prepare(socket);
                    connection.begin(now, Stage::Greeting(false), peer, W::listening());
                    self.look(now, number, stack, storage)
                }
                _ => {
                    connection.stage = Stage::Closing;
                    connection.until = Some(now + CLOSING);
                    None
                }
            },
            Stage::Calling => match socket.state() {
                State::SynSent | State::SynReceived if !is_late => None,
                State::Established | State::CloseWait => {
                    prepare(socket);
                    connection.stage = Stage::Greeting(true);
                    self.look(now, number, stack, storage)
                }
                _ => {
                    connection.stage = Stage::Aborting;
                    Some(Happening::Closed(link, Closed::Broken))
                }
            },
            Stage::Greeting(is_call) => {
                let is_gone = socket.state() == State::Closed || is_late;
                fill(connection, socket);
                let greeting = match &mut connection.records {
                    Some(records) if !is_gone => {
                        let (inbox, outbox) = (&mut connection.inbox, &mut connection.outbox);
                        self.wrapping.greet(records, connection.peer, inbox, outbox)
                    }
                    _ => Greeting::Refused,
                };
                match greeting {
                    Greeting::Unfinished if !is_over(socket) => None,
                    Greeting::Done(caller) => {
                        connection.stage = Stage::Open;
                        connection.until = None;
                        let origin = W::origin(connection.peer, caller);
                        Some(opened(link, is_call, origin))
                    }
                    _ => {
                        connection.stage = Stage::Aborting;
                        is_call.then_some(Happening::Closed(link, Closed::Broken))
                    }
                }
            }
            Stage::Open => {
                let happening = open::<W, F, SIZE>(connection, link, socket, storage, &mut self.is_stuck);
                if let Some(Happening::Closed(_, how)) = happening {
                    connection.stage = if how == Closed::Done { Stage::Closing } else { Stage::Aborting };
                    connection.until = Some(now + CLOSING);
                }
                happening
            }
        }
    }
}

/// Whether there is nothing left to be said on a socket that is closed.
pub(super) fn is_delivered(socket: &tcp::Socket<'_>) -> bool {
    match socket.state() {
        State::TimeWait => true,
        // One that was aborted forgets its peer when it has told it so.
        State::Closed => socket.remote_endpoint().is_none(),
        _ => false,
    }
}

fn opened(link: Link, is_call: bool, origin: Origin) -> Happening<Link> {
    if is_call { Happening::Connected(link) } else { Happening::Accepted(link, origin) }
}

/// What holds for every connection.
fn prepare(socket: &mut tcp::Socket<'_>) {
    socket.set_timeout(Some(SILENCE.into()));
    socket.set_keep_alive(Some(KEEP_ALIVE.into()));
    socket.set_nagle_enabled(false);
}

/// Whether nothing more comes on a socket.
fn is_over(socket: &tcp::Socket<'_>) -> bool {
    !socket.may_recv()
}

/// Takes what has come, as far as there is room.
fn fill<R, const SIZE: usize>(connection: &mut Connection<R, SIZE>, socket: &mut tcp::Socket<'_>) {
    if socket.can_recv() {
        let count = socket.recv_slice(connection.inbox.room()).unwrap_or(0);
        connection.inbox.filled(count);
        if count > 0 {
            connection.is_refused = false;
        }
    }
}

/// What there is to be told of a stream that the machine has.
fn open<W: Wrapping, F: Storage, const SIZE: usize>(
    connection: &mut Connection<W::Records, SIZE>,
    link: Link,
    socket: &mut tcp::Socket<'_>,
    storage: &mut F,
    is_stuck: &mut bool,
) -> Option<Happening<Link>> {
    loop {
        if let Some(outcome) = connection.owes_moved.take() {
            return Some(Happening::Moved(link, outcome));
        }
        if connection.is_over() {
            let how = if connection.inbox.text().is_empty() { Closed::Done } else { Closed::Broken };
            return Some(Happening::Closed(link, how));
        }
        if socket.state() == State::Closed {
            return Some(Happening::Closed(link, Closed::Broken));
        }
        fill(connection, socket);
        let records = connection.records.as_mut()?;
        if W::open(records, &mut connection.inbox).is_err() {
            return Some(Happening::Closed(link, Closed::Broken));
        }
        let text = connection.inbox.text();
        if !text.is_empty() {
            let Some(content) = &mut connection.receiving else {
                if !connection.is_refused {
                    return Some(Happening::Offered(link));
                }
                return end::<W, SIZE>(connection, link, socket);
            };
            let left = content.length.unwrap_or(u64::MAX);
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(text.len());
            match storage.write(content.file, content.offset, &text[..count]) {
                Poll::Pending => {
                    *is_stuck = true;
                    return None;
                }
                Poll::Ready(outcome) => {
                    let moved = count as u64;
                    content.offset = content.offset.saturating_add(moved);
                    content.length = content.length.map(|left| left.saturating_sub(moved));
                    if outcome.is_err() || content.length == Some(0) {
                        connection.receiving = None;
                        connection.owes_moved = Some(outcome);
                    }
                    if outcome.is_ok() {
                        connection.inbox.consume(count);
                    }
                }
            }
        } else if socket.can_recv() && !connection.inbox.room().is_empty() {
            // The rest of what was split by the end of the socket's buffer, or by that of a record.
        } else {
            return end::<W, SIZE>(connection, link, socket);
        }
    }
}

/// Whether the peer has finished, and what follows from it.
fn end<W: Wrapping, const SIZE: usize>(
    connection: &mut Connection<W::Records, SIZE>,
    link: Link,
    socket: &tcp::Socket<'_>,
) -> Option<Happening<Link>> {
    let records = connection.records.as_ref()?;
    // What says that the peer has finished may be behind text that was not taken.
    let is_cut_off = is_over(socket) && !W::has_ended(records, true);
    if is_cut_off && connection.inbox.text().is_empty() {
        return Some(Happening::Closed(link, Closed::Broken));
    }
    if !W::has_ended(records, is_over(socket)) {
        return None;
    }
    if let Some(content) = connection.receiving.take() {
        return Some(Happening::Moved(link, ended(&content)));
    }
    if !connection.told_end {
        connection.told_end = true;
        return Some(Happening::Finished(link));
    }
    None
}
