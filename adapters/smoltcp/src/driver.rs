//! Drives one machine over the streams of a carrier.
//!
//! ```text
//!   stack ──► carrier ──► Happening ──► Service ──► Action ──► carrier, storage
//!               ▲                                                │
//!               └────────────────────── one turn ────────────────┘
//! ```

mod splice;
mod stalled;
#[cfg(all(test, feature = "udp"))]
mod tests;

use crate::{
    Admission, Carrier, Happening, Machine, Origin, Receiving, Sending, Stack, Storage,
    storage::{ASK_AGAIN, Answer},
};
use core::task::Poll;
use heapless::Vec;
use skep_core::{
    Instant,
    limits::MESSAGE_MAX,
    stream::{Action, Closed, Fault, FileId, StreamId},
};
use smoltcp::phy::Device;
use stalled::Watch;

/// Frames that are taken from the device in one turn.
const FRAMES: usize = 16;

/// Things that may happen in one turn. More are for the next.
const STEPS: usize = 256;

#[derive(Clone, Copy, Debug)]
struct Stream<L> {
    link: L,
    /// The machine knows of it.
    known: bool,
    /// The peer has finished.
    ended: bool,
    /// Where everything goes that comes on it.
    splice: Option<StreamId>,
    /// Who is at its other end has called.
    accepted: bool,
    /// While content of who has called is under way.
    watch: Option<Watch>,
}

/// A machine and its streams, at most `STREAMS` at once.
///
/// Several drivers may share a stack and a store. Each takes whatever frames there are, also those for the others: the
/// sockets of all of them should have room for what comes in a turn.
#[derive(Debug)]
pub struct Driver<S, C: Carrier, const STREAMS: usize> {
    /// The machine. Whoever changes it should see to it that a turn follows.
    pub machine: S,
    /// What carries its streams.
    pub carrier: C,
    streams: [Option<Stream<C::Link>>; STREAMS],
    /// Files of which the store owes an answer. When they are as many as there may be streams, it is busy.
    owed: Vec<FileId, STREAMS>,
    /// What the machine's files are called in the store, from here on.
    files: u32,
    deadline: Option<Instant>,
}

impl<S, C: Carrier, const STREAMS: usize> Driver<S, C, STREAMS> {
    /// A driver without streams.
    pub const fn new(machine: S, carrier: C) -> Self {
        Self {
            machine,
            carrier,
            streams: [const { None }; STREAMS],
            owed: Vec::new(),
            files: 0,
            deadline: None,
        }
    }

    /// The same for a store that others use too: this machine's files have the numbers from `first` on there.
    #[must_use]
    pub fn with_files_from(self, first: u32) -> Self {
        Self { files: first, ..self }
    }

    /// How many streams there are.
    pub fn count(&self) -> usize {
        self.streams.iter().flatten().count()
    }

    /// Whether there is such a stream, connected or about to be.
    pub fn is_there(&self, stream: StreamId) -> bool {
        self.link(stream).is_some()
    }

    /// Whether the machine knows of a stream: it is connected.
    pub fn is_open(&self, stream: StreamId) -> bool {
        self.streams.get(stream.0 as usize).is_some_and(|place| place.is_some_and(|stream| stream.known))
    }

    /// The carrier's name of a stream, to ask it more.
    pub fn link(&self, stream: StreamId) -> Option<C::Link> {
        Some(self.streams.get(stream.0 as usize)?.as_ref()?.link)
    }

    /// Takes a stream that was called on the carrier by one of its own functions. The machine is told of it when it is
    /// connected, and [`Machine::unreachable`] is called when it cannot be. `None`: the call could not be made, or
    /// there are too many streams.
    pub fn adopt(&mut self, called: Option<C::Link>) -> Option<StreamId> {
        let link = called?;
        let stream = self.enter(link);
        if stream.is_none() {
            self.carrier.abort(link);
        }
        stream
    }

    fn enter(&mut self, link: C::Link) -> Option<StreamId> {
        let (number, place) = self.streams.iter_mut().enumerate().find(|(_, place)| place.is_none())?;
        *place =
            Some(Stream { link, known: false, ended: false, splice: None, accepted: false, watch: None });
        Some(StreamId(number as u32))
    }

    fn find(&self, link: C::Link) -> Option<(StreamId, bool)> {
        let is_it = |stream: &Option<Stream<C::Link>>| stream.is_some_and(|stream| stream.link == link);
        let number = self.streams.iter().position(is_it)?;
        let known = self.streams.get(number)?.as_ref()?.known;
        Some((StreamId(number as u32), known))
    }

    fn forget(&mut self, stream: StreamId) {
        if let Some(place) = self.streams.get_mut(stream.0 as usize) {
            *place = None;
        }
    }

    fn stream(&mut self, stream: StreamId) -> Option<&mut Stream<C::Link>> {
        self.streams.get_mut(stream.0 as usize)?.as_mut()
    }

    const fn stored(&self, file: FileId) -> FileId {
        FileId(file.0.wrapping_add(self.files))
    }
}

impl<S: Machine, C: Carrier, const STREAMS: usize> Driver<S, C, STREAMS> {
    /// Does what there is to do now, but no more than is bounded, and says when to be called again: at that moment, or
    /// when a frame comes, or when the store has an answer. `now` is not over: at once.
    ///
    /// `tell` is given what the machine tells the application, and the machine.
    pub fn turn<D: Device, F: Storage>(
        &mut self,
        now: Instant,
        stack: &mut Stack<'_, D>,
        storage: &mut F,
        mut tell: impl FnMut(&mut S, S::Event),
    ) -> Option<Instant> {
        let (mut frames, mut unanswered, mut is_fed) = (0, 0, true);
        self.end_stalled(now);
        let most = self.carrier.answers_after().clamp(1, FRAMES);
        for _ in 0..STEPS {
            // Content goes by without the machine.
            if core::mem::take(&mut is_fed) {
                self.ask_storage(now, storage);
                self.act(now, storage, &mut tell);
            }
            if let Some(happening) = self.carrier.take(now, stack, storage) {
                self.feed(now, happening);
                is_fed = true;
                continue;
            }
            if unanswered < most && frames < FRAMES && stack.receive(now) {
                frames += 1;
                unanswered += 1;
                continue;
            }
            match self.carrier.give(now, stack, storage) {
                Some(happening) => {
                    self.feed(now, happening);
                    is_fed = true;
                }
                None if unanswered == most => unanswered = 0,
                None => {
                    stack.transmit(now);
                    // A socket that gave up, or has delivered its last bytes, is looked at again.
                    if !stack.take_stirred() {
                        // There may be more frames than one turn takes.
                        return if frames == FRAMES { Some(now) } else { self.wait(now, stack) };
                    }
                }
            }
        }
        stack.transmit(now);
        Some(now)
    }

    /// Ends a stream at once; the machine hears of it.
    pub fn abort(&mut self, now: Instant, stream: StreamId) {
        let Some(Some(Stream { link, known, .. })) = self.streams.get(stream.0 as usize).copied() else {
            return;
        };
        self.carrier.abort(link);
        self.close(now, stream, known, Closed::Broken);
    }

    fn wait<D: Device>(&self, now: Instant, stack: &mut Stack<'_, D>) -> Option<Instant> {
        let owed = (!self.owed.is_empty()).then(|| now + ASK_AGAIN);
        let deadlines = [self.deadline, self.carrier.deadline(), stack.deadline(now), owed, self.stalls()];
        deadlines.into_iter().flatten().min().map(|deadline| deadline.max(now))
    }

    /// Asks the store for the answers that it owes.
    fn ask_storage<F: Storage>(&mut self, now: Instant, storage: &mut F) {
        for _ in 0..self.owed.len() {
            let Some(file) = self.owed.pop() else { return };
            let answer = storage.completed(self.stored(file));
            self.answered(now, file, answer);
        }
    }

    fn answered(&mut self, now: Instant, file: FileId, answer: Answer<u64>) {
        match answer {
            Poll::Ready(outcome) => self.machine.stored(now, file, outcome),
            Poll::Pending => {
                let _ = self.owed.insert(0, file);
            }
        }
    }

    /// Asks the store for something, unless it owes so many answers that there is no room for another.
    fn ask(&mut self, now: Instant, file: FileId, request: impl FnOnce(FileId) -> Answer<u64>) {
        let is_busy = self.owed.is_full();
        let answer = if is_busy { Poll::Ready(Err(Fault::Busy)) } else { request(self.stored(file)) };
        self.answered(now, file, answer);
    }

    /// Does what the machine asks for.
    fn act<F: Storage>(&mut self, now: Instant, storage: &mut F, tell: &mut impl FnMut(&mut S, S::Event)) {
        let mut room = [0; MESSAGE_MAX];
        loop {
            match self.machine.poll(now, &mut room) {
                Action::Write { stream, bytes } => {
                    if self.link(stream).is_some_and(|link| !self.carrier.write(link, bytes)) {
                        self.abort(now, stream);
                    }
                }
                Action::Send { stream, file, offset, length } => {
                    let range = Sending { file: self.stored(file), offset, length };
                    if self.link(stream).is_some_and(|link| !self.carrier.send(link, range)) {
                        self.abort(now, stream);
                    }
                    self.watch(now, stream);
                }
                Action::Receive { stream, file, offset, length } => {
                    if let Some(link) = self.link(stream) {
                        self.carrier.receive(link, Receiving { file: self.stored(file), offset, length });
                    }
                    self.watch(now, stream);
                }
                Action::Splice { from, to } => self.splice(now, from, to),
                Action::Finish(stream) => {
                    if let Some(link) = self.link(stream) {
                        self.carrier.finish(link);
                    }
                }
                Action::Abort(stream) => self.abort(now, stream),
                Action::Open { file, name } => self.ask(now, file, |file| storage.open(file, name)),
                Action::Create { file, name, length } => {
                    self.ask(now, file, |file| storage.create(file, name, length));
                }
                Action::Commit(file) => self.ask(now, file, |file| storage.commit(file)),
                Action::Release(file) => storage.release(self.stored(file)),
                Action::Event(event) => tell(&mut self.machine, event),
                Action::Wait(deadline) => {
                    self.deadline = deadline;
                    return;
                }
            }
        }
    }

    /// Tells the machine what has happened.
    fn feed(&mut self, now: Instant, happening: Happening<C::Link>) {
        let link = match happening {
            Happening::Accepted(link, origin) => return self.accepted(now, link, origin),
            Happening::Connected(link)
            | Happening::Offered(link)
            | Happening::Moved(link, _)
            | Happening::Flushed(link)
            | Happening::Relocated(link, _)
            | Happening::Finished(link)
            | Happening::Closed(link, _) => link,
        };
        let Some((stream, known)) = self.find(link) else { return };
        match happening {
            Happening::Connected(_) => {
                let taken = self.machine.opened(now, stream);
                self.opened(now, stream, taken);
            }
            Happening::Offered(_) if self.pour(now, stream) => {}
            Happening::Offered(_) => {
                let bytes = self.carrier.offered(link);
                let count = self.machine.received(now, stream, bytes).min(bytes.len());
                self.carrier.taken(link, count);
            }
            Happening::Moved(_, outcome) => {
                self.unwatch(stream);
                self.machine.moved(now, stream, outcome);
            }
            Happening::Flushed(_) if self.resume_splice(stream) => {}
            Happening::Flushed(_) => self.machine.flushed(now, stream),
            Happening::Relocated(_, address) if known => self.machine.relocated(now, stream, address),
            Happening::Finished(_) => self.finished(now, stream),
            Happening::Closed(_, how) => self.close(now, stream, known, how),
            Happening::Accepted(..) | Happening::Relocated(..) => {}
        }
    }

    fn accepted(&mut self, now: Instant, link: C::Link, origin: Origin) {
        match self.enter(link) {
            None => self.carrier.abort(link),
            Some(stream) => {
                if let Some(accepted) = self.stream(stream) {
                    accepted.accepted = true;
                }
                let taken = self.machine.admit(now, &Admission { stream, origin });
                self.opened(now, stream, taken);
            }
        }
    }

    /// The machine has taken a stream, or has no room for it.
    fn opened(&mut self, now: Instant, stream: StreamId, taken: bool) {
        match self.streams.get_mut(stream.0 as usize) {
            Some(Some(place)) if taken => place.known = true,
            _ => self.abort(now, stream),
        }
    }

    fn finished(&mut self, now: Instant, stream: StreamId) {
        if let Some(found) = self.stream(stream) {
            found.ended = true;
        }
        if !self.end_splice(now, stream) {
            self.machine.finished(now, stream);
        }
    }

    fn close(&mut self, now: Instant, stream: StreamId, known: bool, how: Closed) {
        self.break_splices(now, stream);
        self.forget(stream);
        if known {
            self.machine.closed(now, stream, how);
        } else {
            self.machine.unreachable(now, stream);
        }
    }
}
