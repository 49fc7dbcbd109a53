//! What a service asks for, done.

use super::Node;
use crate::stream::{Finished, Moving, Stream};
use skep_core::{
    Instant,
    limits::MESSAGE_MAX,
    rdt::Profile,
    stream::{Action, Fault, Service, StreamId},
};

impl<P: Profile, S: Service> Node<P, S> {
    /// Does all that the service asks for, and gives it what the storage answers; when it wants to be asked again.
    pub(super) fn serve(&mut self, now: Instant) -> Option<Instant> {
        loop {
            let mut room = [0; MESSAGE_MAX];
            let wait = match self.service.poll(now, &mut room) {
                Action::Wait(wait) => wait,
                action => {
                    self.act(now, action);
                    continue;
                }
            };
            match self.storage.take_answer(now) {
                Some((file, outcome)) => self.service.stored(now, file, outcome),
                None => return wait,
            }
        }
    }

    fn act(&mut self, now: Instant, action: Action<'_, S::Event>) {
        match action {
            Action::Write { stream: id, bytes } => {
                let Some(stream) = self.acting(id) else { return };
                let connection = stream.connection;
                if !self.endpoint.write(connection, bytes) {
                    // It has failed already, and says why by its last event; or it has no room, which no test forgives.
                    self.endpoint.abort(connection);
                } else if self.endpoint.is_flushed(connection) {
                    self.service.flushed(now, id);
                }
            }
            Action::Send { stream, file, offset, length } => {
                let Some(stream) = self.acting(stream) else { return };
                assert_eq!(stream.moving, Moving::Nothing, "two movements on one stream");
                stream.moving = Moving::Out(file);
                let connection = stream.connection;
                if !self.endpoint.send(connection, file, offset, length) {
                    self.endpoint.abort(connection);
                }
            }
            Action::Receive { stream, file, offset, length } => {
                let id = stream.0;
                let Some(stream) = self.acting(stream) else { return };
                assert_eq!(stream.moving, Moving::Nothing, "two movements on one stream");
                stream.moving = Moving::In(file);
                let connection = stream.connection;
                if stream.finished == Finished::Told {
                    // Nothing can come any more.
                    stream.moving = Moving::Nothing;
                    return self.service.moved(now, StreamId(id), Err(Fault::Ended));
                }
                self.endpoint.receive(connection, file, offset, length.unwrap_or(u64::MAX));
            }
            Action::Splice { from, to } => self.begin_splice(now, from, to),
            Action::Finish(stream) => {
                let Some(connection) = self.acting(stream).map(|stream| stream.connection) else { return };
                self.endpoint.finish(connection);
            }
            Action::Abort(stream) => {
                let Some(stream) = self.acting(stream) else { return };
                stream.is_aborted = true;
                let connection = stream.connection;
                self.endpoint.abort(connection);
            }
            Action::Open { file, name } => self.storage.open(now, file, name.as_str()),
            Action::Create { file, name, length } => self.storage.create(now, file, name.as_str(), length),
            Action::Commit(file) => self.storage.commit(now, file),
            Action::Release(file) => self.storage.release(file),
            Action::Event(event) => self.events.push((now, event)),
            Action::Wait(_) => {}
        }
    }

    /// The stream that something is to be done with: after it the service is offered again what it did not take.
    fn acting(&mut self, stream: StreamId) -> Option<&mut Stream> {
        let stream = self.streams.get_mut(&stream.0)?;
        assert!(!stream.is_aborted, "something is asked of a stream that was aborted");
        stream.has_acted = true;
        if std::mem::take(&mut stream.is_stalled) {
            self.endpoint.resume(stream.connection);
        }
        Some(stream)
    }
}
