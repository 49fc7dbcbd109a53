//! Bytes from one stream onto another, as fast as the second takes them (`Action::Splice`): what a tracker relays.

use super::Driver;
use crate::{Carrier, Machine};
use skep_core::{
    Instant,
    limits::MESSAGE_MAX,
    stream::{Fault, StreamId},
};

impl<S: Machine, C: Carrier, const STREAMS: usize> Driver<S, C, STREAMS> {
    /// Begins to move everything that comes on one stream onto another.
    pub(super) fn splice(&mut self, now: Instant, from: StreamId, to: StreamId) {
        if from == to || !self.is_there(to) || self.stream(from).is_none() {
            return self.machine.moved(now, from, Err(Fault::Failed));
        }
        if let Some(stream) = self.stream(from) {
            stream.splice = Some(to);
            let link = stream.link;
            self.carrier.resume(link);
        }
        self.end_splice(now, from);
    }

    /// Hands over what came on a stream. `false`: it is for the machine.
    pub(super) fn pour(&mut self, now: Instant, from: StreamId) -> bool {
        let Some(found) = self.stream(from) else { return false };
        let (link, Some(to)) = (found.link, found.splice) else { return false };
        let Some(to) = self.link(to) else { return false };
        let offered = self.carrier.offered(link);
        let mut portion = [0; MESSAGE_MAX];
        let length = offered.len().min(MESSAGE_MAX);
        let (portion, offered) = (&mut portion[..length], &offered[..length]);
        portion.copy_from_slice(offered);
        let count = self.carrier.pour(to, portion);
        self.carrier.taken(link, count);
        if count > 0 {
            self.machine.progressed(now, from);
        }
        self.end_splice(now, from);
        true
    }

    /// There is room on a stream again. `false`: nothing is moved onto it.
    pub(super) fn resume_splice(&mut self, to: StreamId) -> bool {
        let from = self.streams.iter().flatten().find(|stream| stream.splice == Some(to));
        let Some(link) = from.map(|from| from.link) else { return false };
        self.carrier.resume(link);
        true
    }

    /// Tells the machine when everything that came on a stream was handed over. `false`: nothing is moved from it.
    pub(super) fn end_splice(&mut self, now: Instant, from: StreamId) -> bool {
        let Some(stream) = self.stream(from) else { return false };
        if stream.splice.is_none() {
            return false;
        }
        let (link, ended) = (stream.link, stream.ended);
        if ended && !self.carrier.has_untaken(link) {
            if let Some(stream) = self.stream(from) {
                stream.splice = None;
            }
            self.machine.moved(now, from, Ok(()));
        }
        true
    }

    /// A stream is gone: nothing moves from it or onto it any more.
    pub(super) fn break_splices(&mut self, now: Instant, stream: StreamId) {
        for number in 0..STREAMS {
            let from = StreamId(number as u32);
            if let Some(found) = self.stream(from)
                && found.splice.take_if(|to| *to == stream).is_some()
            {
                self.machine.moved(now, from, Err(Fault::Failed));
            }
        }
    }
}
