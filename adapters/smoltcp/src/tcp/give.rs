//! What goes onto a socket.

use super::{Link, RESETTING, Tcp, Wrapping, connection::Stage, take::is_delivered};
use crate::{Happening, Stack, Storage};
use core::task::Poll;
use skep_core::{Instant, stream::Closed};
use smoltcp::{
    phy::Device,
    socket::tcp::{self, State},
};

impl<const SOCKETS: usize, W: Wrapping, const SIZE: usize> Tcp<SOCKETS, W, SIZE> {
    /// Ends what is to be ended, and has a socket listen again, or wait to be used, when its last stream is delivered.
    pub(super) fn free<D: Device>(&mut self, now: Instant, number: usize, stack: &mut Stack<'_, D>) {
        let Some(connection) = self.connections.get_mut(number) else { return };
        let socket = stack.sockets.get_mut::<tcp::Socket<'_>>(connection.socket);
        let is_late = connection.until.is_some_and(|until| until <= now);
        // Whom it would tell of its end is not found.
        let is_in_vain = connection.stage == Stage::Closing && is_late && socket.state() == State::Closed;
        if connection.stage == Stage::Aborting || connection.stage == Stage::Closing && is_late {
            socket.abort();
            connection.stage = Stage::Closing;
            connection.until = Some(now + RESETTING);
        }
        if connection.stage == Stage::Closing && (is_in_vain || is_delivered(socket)) {
            self.reuse(number, stack);
        }
        let Some(connection) = self.connections.get_mut(number) else { return };
        if connection.stage == Stage::Idle {
            connection.until = None;
            let socket = stack.sockets.get_mut::<tcp::Socket<'_>>(connection.socket);
            if let Some(port) = self.port
                && socket.listen(port).is_ok()
            {
                connection.stage = Stage::Listening;
            }
        }
    }

    /// Gives one socket what it takes.
    pub(super) fn flush<D: Device, F: Storage>(
        &mut self,
        number: usize,
        stack: &mut Stack<'_, D>,
        storage: &mut F,
    ) -> Option<Happening<Link>> {
        let connection = self.connections.get_mut(number)?;
        let link = Link { number: number as u16, generation: connection.generation };
        if !matches!(connection.stage, Stage::Greeting(_) | Stage::Open) {
            return None;
        }
        let socket = stack.sockets.get_mut::<tcp::Socket<'_>>(connection.socket);
        loop {
            if !connection.outbox.bytes().is_empty() {
                let count = socket.send_slice(connection.outbox.bytes()).ok()?;
                connection.outbox.consume(count);
                if !connection.outbox.bytes().is_empty() {
                    return None;
                }
            }
            if connection.stage != Stage::Open {
                return None;
            }
            if let Some(outcome) = connection.owes_moved.take() {
                return Some(Happening::Moved(link, outcome));
            }
            let records = connection.records.as_mut()?;
            let (front, back) = W::around(records);
            let room = connection.outbox.room().get_mut(front..SIZE.checked_sub(back)?)?;
            let most = W::text_max(records).min(room.len());
            let count = if !connection.message.is_empty() {
                let count = connection.message.len().min(most);
                room.get_mut(..count)?.copy_from_slice(connection.message.get(..count)?);
                connection.message.drain(..count);
                count
            } else if core::mem::take(&mut connection.owes_flushed) {
                return Some(Happening::Flushed(link));
            } else if let Some(range) = &mut connection.sending {
                let count = usize::try_from(range.length).unwrap_or(usize::MAX).min(most);
                match storage.read(range.file, range.offset, room.get_mut(..count)?) {
                    Poll::Pending => {
                        self.is_stuck = true;
                        return None;
                    }
                    Poll::Ready(Err(fault)) => {
                        connection.sending = None;
                        return Some(Happening::Moved(link, Err(fault)));
                    }
                    Poll::Ready(Ok(())) => {}
                }
                range.offset += count as u64;
                range.length -= count as u64;
                if range.length == 0 {
                    connection.sending = None;
                    connection.owes_moved = Some(Ok(()));
                }
                count
            } else if connection.finished == Some(false) {
                if let Some(length) = W::end(records, connection.outbox.room()) {
                    connection.outbox.filled(length);
                    continue;
                }
                socket.close();
                connection.finished = Some(true);
                return None;
            } else {
                return None;
            };
            let wire = front + count + back;
            if W::seal(records, connection.outbox.room().get_mut(..wire)?).is_err() {
                connection.stage = Stage::Aborting;
                return Some(Happening::Closed(link, Closed::Broken));
            }
            connection.outbox.filled(wire);
        }
    }
}
