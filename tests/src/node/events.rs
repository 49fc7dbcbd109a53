//! What the endpoint tells, passed on to the service.

use super::Node;
use crate::{
    Past,
    stream::{Finished, Moving, Stream},
};
use skep_core::{
    Instant,
    rdt::{ConnectionId, Event, Profile},
    stream::{Closed, Fault, Service, StreamId},
};

impl<P: Profile, S: Service> Node<P, S> {
    /// Tells the service, if it waits for that.
    pub(super) fn move_ended(&mut self, now: Instant, connection: ConnectionId, outcome: Result<(), Fault>) {
        let id = connection.number();
        let Some(stream) = self.streams.get_mut(&id).filter(|stream| stream.connection == connection) else {
            return;
        };
        let moved = std::mem::replace(&mut stream.moving, Moving::Nothing);
        if moved != Moving::Nothing && !stream.is_aborted {
            self.service.moved(now, StreamId(id), outcome);
        }
    }

    pub(super) fn take_event(&mut self, now: Instant, event: Event) {
        self.notes.push(format!("{}: {event:?}", self.seat.0));
        match event {
            Event::Connected(connection) => self.open(now, connection),
            Event::Sent(connection) | Event::Received(connection) => {
                let stream = self.streams.get(&connection.number());
                let moving =
                    stream.filter(|stream| stream.connection == connection).map(|stream| stream.moving);
                match (event, moving) {
                    (Event::Sent(_), Some(Moving::Out(_))) | (Event::Received(_), Some(Moving::In(_))) => {}
                    // The service has aborted the stream, or the load failed.
                    (Event::Sent(_), _) => {}
                    _ => panic!("{event:?} while {moving:?} moves"),
                }
                self.move_ended(now, connection, Ok(()));
            }
            Event::Flushed(connection) => {
                let id = connection.number();
                let stream = self.streams.get(&id).filter(|stream| stream.connection == connection);
                if stream.is_some_and(|stream| !stream.is_aborted) {
                    self.service.flushed(now, StreamId(id));
                    self.wake_feeder(id);
                }
            }
            Event::Finished(connection) => {
                let id = connection.number();
                if let Some(stream) =
                    self.streams.get_mut(&id).filter(|stream| stream.connection == connection)
                {
                    assert_eq!(stream.finished, Finished::No, "finished twice");
                    stream.finished = Finished::Held;
                    self.tell_finished(now, id);
                }
            }
            Event::Closed(connection, outcome) => {
                let id = connection.number();
                let statistics =
                    self.endpoint.statistics(connection).expect("a closed connection has statistics");
                if let Some(seal) = &mut self.seal {
                    seal.layer.ended(now, statistics.peer);
                }
                let pass = self.endpoint.pass(connection).unwrap_or_default();
                self.past.push(Past { at: now, connection, outcome, statistics, pass });
                if self.streams.get(&id).is_some_and(|stream| stream.connection == connection) {
                    self.streams.remove(&id);
                    self.break_feeder(now, id);
                    let how = if outcome.is_ok() { Closed::Done } else { Closed::Broken };
                    self.service.closed(now, StreamId(id), how);
                }
            }
        }
    }

    pub(super) fn open(&mut self, now: Instant, connection: ConnectionId) {
        let Some(statistics) = self.endpoint.statistics(connection) else { return };
        let id = connection.number();
        if self.service.opened(now, StreamId(id)) {
            self.has_opened = true;
            let before = self.streams.insert(id, Stream::new(connection, statistics.peer));
            assert!(before.is_none(), "stream {id} is open twice");
        } else {
            self.endpoint.abort(connection);
        }
    }
}
