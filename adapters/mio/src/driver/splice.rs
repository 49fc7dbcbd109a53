//! Bytes from one stream onto another, as fast as the second takes them (`Action::Splice`).
//!
//! ```text
//!   from ──► what was not taken ──► pipe, where both are plain TCP ──► to
//!                              └──► one portion: opened, sealed ────►
//! ```
//!
//! Nothing is taken off the first stream before everything that was taken earlier has left on the second. So a stream
//! costs a portion at most, and a slow end holds up its own transfer only.

use super::{Carrier, Driver, PORTIONS_A_TURN, Storage, Stream, Subject};
use crate::exit::reason;
use crate::net::{bound_unsent, pipe::Pipe, wire::Wire};
use skep_core::{
    Instant,
    stream::{Closed, Fault, Service, StreamId},
};
use std::io;

/// Bytes that are copied at once.
pub(super) const COPY: usize = 64 << 10;

/// A transfer of so few bytes is copied: it is over before a pipe would pay.
const FEW: u64 = 128 << 10;

/// Where the bytes of a stream go.
#[derive(Debug)]
pub(super) struct Splice {
    pub(super) to: usize,
    moved: u64,
    pipe: Option<Pipe>,
    /// The system can move bytes between these two sockets, as far as is known.
    tries_pipe: bool,
    /// The other stream took nothing, or not all: this one goes on when it does.
    is_held_back: bool,
}

impl Splice {
    const fn new(to: usize) -> Self {
        Self { to, moved: 0, pipe: None, tries_pipe: true, is_held_back: false }
    }
}

impl<S: Service<Event: Subject>, F: Storage> Driver<S, F> {
    /// Begins to move everything that comes on one stream onto another.
    pub(super) fn begin_splice(&mut self, now: Instant, from: StreamId, to: StreamId) {
        let (key, other) = (from.0 as usize, to.0 as usize);
        if key == other || !self.streams.contains(other) || !self.streams.contains(key) {
            self.service.moved(now, from, Err(Fault::Failed));
            return;
        }
        self.streams[other].set_fed_by(Some(key));
        self.unbound(other);
        self.streams[key].set_splice(now, Splice::new(other));
        let held = self.streams[key].take_held();
        if !held.is_empty() {
            self.hand_over(now, key, other, &held);
            self.activate(other);
        }
        match self.streams[key].carrier {
            Carrier::Tcp(_) => self.activate(key),
            Carrier::Rdt { .. } if self.streams[key].told_end => self.end_splice(now, key),
            Carrier::Rdt { .. } => self.resume(key),
        }
    }

    /// What is spliced onto a stream is as much as the system takes.
    fn unbound(&self, key: usize) {
        if self.unsent.is_some()
            && let Carrier::Tcp(tcp) = &self.streams[key].carrier
            && let Wire::Socket(socket) = &tcp.wire
        {
            bound_unsent(socket, 0);
        }
    }

    /// Everything that came on a stream has been moved.
    pub(super) fn end_splice(&mut self, now: Instant, key: usize) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        let Some(splice) = stream.take_splice() else { return };
        stream.told_end = true;
        if let Some(to) = self.streams.get_mut(splice.to) {
            to.set_fed_by(None);
        }
        self.service.moved(now, StreamId(key as u32), Ok(()));
    }

    /// A stream has gone: nothing moves from it or to it any more.
    pub(super) fn break_splices(&mut self, now: Instant, stream: &mut Stream) {
        if let Some(splice) = stream.take_splice()
            && let Some(to) = self.streams.get_mut(splice.to)
        {
            to.set_fed_by(None);
        }
        if let Some(key) = stream.fed_by()
            && let Some(from) = self.streams.get_mut(key)
            && from.take_splice().is_some()
        {
            self.service.moved(now, StreamId(key as u32), Err(Fault::Failed));
        }
    }

    /// Moves a portion that came by TCP. Whether more may follow at once.
    pub(super) fn drain_spliced(&mut self, now: Instant, key: usize, portion: &mut [u8]) -> io::Result<bool> {
        let Some(stream) = self.streams.get_mut(key) else { return Ok(false) };
        let Some(splice) = stream.splice() else { return Ok(false) };
        let to = splice.to;
        if splice.pipe.is_some() {
            return self.drain_piped(now, key, to);
        }
        if splice.tries_pipe && splice.moved >= FEW {
            let is_plain = self.is_plain(key) && self.is_plain(to);
            let Some(splice) = self.streams.get_mut(key).and_then(Stream::splice) else { return Ok(false) };
            splice.tries_pipe = false;
            splice.pipe = if is_plain { Pipe::new() } else { None };
            return Ok(true);
        }
        let most = self.takes(to).min(COPY).min(portion.len());
        let Some(Carrier::Tcp(tcp)) = self.streams.get_mut(key).map(|stream| &mut stream.carrier) else {
            return Ok(false);
        };
        if most == 0 {
            self.hold_back(key);
            return Ok(false);
        }
        let count = if tcp.untaken.is_empty() {
            if !tcp.has_input() && !tcp.ended {
                return Ok(false);
            }
            match tcp.read(portion, most)? {
                None => return Ok(false),
                Some(0) => {
                    self.end_splice(now, key);
                    self.act(now);
                    self.check_end(now, key);
                    return Ok(false);
                }
                Some(count) => count,
            }
        } else {
            let count = most.min(tcp.untaken.len());
            portion[..count].copy_from_slice(&tcp.untaken[..count]);
            tcp.untaken.drain(..count);
            count
        };
        self.hand_over(now, key, to, &portion[..count]);
        Ok(true)
    }

    /// A stream by RDT offers bytes that are to go onto another: how many of them went.
    pub(super) fn splice_offered(&mut self, now: Instant, key: usize, to: usize, bytes: &[u8]) -> usize {
        let count = self.takes(to).min(COPY).min(bytes.len());
        if count > 0 {
            self.hand_over(now, key, to, &bytes[..count]);
        }
        if count < bytes.len() {
            self.hold_back(key);
        }
        count
    }

    /// Moves bytes inside the system. Whether more may follow at once.
    fn drain_piped(&mut self, now: Instant, key: usize, to: usize) -> io::Result<bool> {
        let Some((from, other)) = self.streams.get2_mut(key, to) else { return Ok(false) };
        let before = from.moved();
        let outcome = pump(from, other);
        if from.moved() > before {
            self.service.progressed(now, StreamId(key as u32));
        }
        let is_over = match outcome {
            Piped::On(more) => return Ok(more),
            Piped::HeldBack => {
                self.hold_back(key);
                return Ok(false);
            }
            Piped::Over => true,
            Piped::Unable => false,
            Piped::BrokenBefore(error) => return Err(error),
            Piped::BrokenBehind(error) => {
                self.close(now, to, Closed::Broken, Some(reason(&error)));
                self.act(now);
                return Ok(false);
            }
        };
        if is_over {
            self.end_splice(now, key);
            self.act(now);
            self.check_end(now, key);
        } else if let Some(splice) = self.streams.get_mut(key).and_then(Stream::splice) {
            splice.pipe = None;
        }
        Ok(!is_over)
    }

    fn is_plain(&self, key: usize) -> bool {
        let carrier = self.streams.get(key).map(|stream| &stream.carrier);
        matches!(carrier, Some(Carrier::Tcp(tcp)) if tcp.records.is_none())
    }

    /// How many bytes a stream takes now. If none, the one that feeds it goes on when it does.
    fn takes(&mut self, key: usize) -> usize {
        match self.streams.get(key).map(|stream| &stream.carrier) {
            None => 0,
            Some(Carrier::Tcp(tcp)) => COPY * usize::from(tcp.is_free()),
            Some(&Carrier::Rdt { socket, connection }) => self.rdt[socket as usize].takes(connection),
        }
    }

    /// Puts bytes of one stream, no more than it takes, onto another.
    fn hand_over(&mut self, now: Instant, key: usize, to: usize, bytes: &[u8]) {
        let count = bytes.len() as u64;
        let Some(stream) = self.streams.get_mut(to) else { return };
        stream.advance(count);
        let outcome = match &mut stream.carrier {
            Carrier::Tcp(tcp) => tcp.send(bytes, false).map(drop),
            Carrier::Rdt { socket, connection } => {
                let socket = &mut self.rdt[*socket as usize];
                socket.stirred = true;
                let written = socket.endpoint.write(*connection, bytes);
                if written { Ok(()) } else { Err(io::ErrorKind::OutOfMemory.into()) }
            }
        };
        if let Some(stream) = self.streams.get_mut(key) {
            stream.advance(count);
            if let Some(splice) = stream.splice() {
                splice.moved += count;
            }
        }
        self.service.progressed(now, StreamId(key as u32));
        if let Err(error) = outcome {
            self.close(now, to, Closed::Broken, Some(reason(&error)));
            self.act(now);
        }
    }

    /// A stream goes on only when the one that it feeds takes bytes again.
    fn hold_back(&mut self, key: usize) {
        if let Some(splice) = self.streams.get_mut(key).and_then(Stream::splice) {
            splice.is_held_back = true;
        }
    }

    /// A stream takes bytes: the one that feeds it goes on, if it waits for that. (Two that feed each other would wake
    /// each other for ever otherwise.)
    pub(super) fn wake_feeder(&mut self, key: usize) {
        let Some(from) = self.streams.get(key).and_then(Stream::fed_by) else { return };
        let splice = self.streams.get_mut(from).and_then(Stream::splice);
        if !splice.is_some_and(|splice| std::mem::take(&mut splice.is_held_back)) {
            return;
        }
        match self.streams.get(from).map(|stream| &stream.carrier) {
            Some(Carrier::Tcp(_)) => self.activate(from),
            Some(Carrier::Rdt { .. }) => self.resume(from),
            None => {}
        }
    }

    /// A stream by RDT is offered again what was not taken.
    pub(super) fn resume(&mut self, key: usize) {
        if let Some((socket, connection)) = self.streams.get(key).and_then(Stream::by_rdt) {
            self.rdt[socket].endpoint.resume(connection);
            self.rdt[socket].stirred = true;
        }
    }
}

/// How moving bytes inside the system went.
enum Piped {
    /// It goes on, at once or when the first socket says so.
    On(bool),
    /// It goes on when the second one takes something.
    HeldBack,
    /// All of it was moved.
    Over,
    /// The system does not do that with these sockets; nothing is lost.
    Unable,
    BrokenBefore(io::Error),
    BrokenBehind(io::Error),
}

fn pump(from: &mut Stream, to: &mut Stream) -> Piped {
    let mut count = 0;
    let (Carrier::Tcp(source), Some(Splice { pipe: Some(pipe), .. })) = from.carrier_and_splice() else {
        return Piped::Unable;
    };
    let Carrier::Tcp(target) = &mut to.carrier else { return Piped::Unable };
    let (Wire::Socket(before), Wire::Socket(behind)) = (&source.wire, &target.wire) else {
        return Piped::Unable;
    };
    if !target.is_free() {
        return Piped::HeldBack;
    }
    let piped = 'moving: {
        for _ in 0..PORTIONS_A_TURN {
            if pipe.held() == 0 {
                if !source.readable {
                    break 'moving Piped::On(false);
                }
                match pipe.fill(before) {
                    Ok(None) => {
                        source.readable = false;
                        break 'moving Piped::On(false);
                    }
                    Ok(Some(0)) => {
                        source.ended = true;
                        break 'moving Piped::Over;
                    }
                    Ok(Some(_)) => {}
                    Err(error) if error.kind() == io::ErrorKind::InvalidInput => break 'moving Piped::Unable,
                    Err(error) => break 'moving Piped::BrokenBefore(error),
                }
            }
            match pipe.drain(behind) {
                Ok(None) => {
                    target.writable = false;
                    break 'moving Piped::HeldBack;
                }
                Ok(Some(moved)) => count += moved as u64,
                Err(error) => break 'moving Piped::BrokenBehind(error),
            }
        }
        Piped::On(true)
    };
    from.advance(count);
    to.advance(count);
    piped
}
