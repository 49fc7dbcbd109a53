//! What comes on one stream, moved onto another.

use super::Node;
use crate::stream::{Finished, Moving};
use skep_core::{
    Instant,
    rdt::Profile,
    stream::{Fault, Service, StreamId},
};

impl<P: Profile, S: Service> Node<P, S> {
    pub(super) fn begin_splice(&mut self, now: Instant, from: StreamId, to: StreamId) {
        let Some(stream) = self.streams.get_mut(&from.0) else { return };
        assert_eq!(stream.moving, Moving::Nothing, "two movements on one stream");
        stream.moving = Moving::Over(to.0);
        stream.is_stalled = false;
        let (connection, finished) = (stream.connection, stream.finished);
        self.endpoint.resume(connection);
        if finished == Finished::Told {
            self.move_ended(now, connection, Ok(()));
        }
    }

    /// Bytes of a stream go onto another: how many it had room for. When it had not, it says when it has.
    pub(super) fn hand_over(&mut self, now: Instant, from: u32, to: u32, bytes: &[u8]) -> usize {
        let Some(connection) = self.streams.get(&to).map(|stream| stream.connection) else { return 0 };
        let count = self.endpoint.room(connection).min(bytes.len());
        if count == 0 || !self.endpoint.write(connection, &bytes[..count]) {
            let _ = self.endpoint.is_flushed(connection);
            return 0;
        }
        self.service.progressed(now, StreamId(from));
        count
    }

    /// A stream has room again: what goes onto it goes on.
    pub(super) fn wake_feeder(&mut self, to: u32) {
        for stream in self.streams.values_mut().filter(|stream| stream.moving == Moving::Over(to)) {
            if std::mem::take(&mut stream.is_stalled) {
                self.endpoint.resume(stream.connection);
            }
        }
    }

    /// A stream has gone: what went onto it goes nowhere.
    pub(super) fn break_feeder(&mut self, now: Instant, to: u32) {
        let feeders = self.streams.values().filter(|stream| stream.moving == Moving::Over(to));
        let feeders: Vec<_> = feeders.map(|stream| stream.connection).collect();
        for connection in feeders {
            self.move_ended(now, connection, Err(Fault::Failed));
        }
    }
}
