//! Two carriers side by side.

use super::{Carrier, Happening, Receiving, Sending};
use crate::{Stack, Storage};
use skep_core::Instant;
use smoltcp::phy::Device;

/// Streams over both carriers, for one machine that cannot tell them apart.
#[derive(Debug)]
pub struct Both<A, B> {
    /// The first.
    pub first: A,
    /// The second.
    pub second: B,
}

/// One of two names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Either<A, B> {
    /// Of the first carrier.
    First(A),
    /// Of the second.
    Second(B),
}

impl<L> Happening<L> {
    fn map<M>(self, name: impl FnOnce(L) -> M) -> Happening<M> {
        match self {
            Self::Accepted(link, origin) => Happening::Accepted(name(link), origin),
            Self::Connected(link) => Happening::Connected(name(link)),
            Self::Offered(link) => Happening::Offered(name(link)),
            Self::Moved(link, outcome) => Happening::Moved(name(link), outcome),
            Self::Flushed(link) => Happening::Flushed(name(link)),
            Self::Relocated(link, address) => Happening::Relocated(name(link), address),
            Self::Finished(link) => Happening::Finished(name(link)),
            Self::Closed(link, how) => Happening::Closed(name(link), how),
        }
    }
}

impl<A: Carrier, B: Carrier> Carrier for Both<A, B> {
    type Link = Either<A::Link, B::Link>;

    fn take<D: Device, F: Storage>(
        &mut self,
        now: Instant,
        stack: &mut Stack<'_, D>,
        storage: &mut F,
    ) -> Option<Happening<Self::Link>> {
        if let Some(happening) = self.first.take(now, stack, storage) {
            return Some(happening.map(Either::First));
        }
        Some(self.second.take(now, stack, storage)?.map(Either::Second))
    }

    fn give<D: Device, F: Storage>(
        &mut self,
        now: Instant,
        stack: &mut Stack<'_, D>,
        storage: &mut F,
    ) -> Option<Happening<Self::Link>> {
        if let Some(happening) = self.first.give(now, stack, storage) {
            return Some(happening.map(Either::First));
        }
        Some(self.second.give(now, stack, storage)?.map(Either::Second))
    }

    fn deadline(&self) -> Option<Instant> {
        self.first.deadline().into_iter().chain(self.second.deadline()).min()
    }

    fn linger_until(&self) -> Instant {
        self.first.linger_until().max(self.second.linger_until())
    }

    fn answers_after(&self) -> usize {
        self.first.answers_after().min(self.second.answers_after())
    }

    fn offered(&self, link: Self::Link) -> &[u8] {
        match link {
            Either::First(link) => self.first.offered(link),
            Either::Second(link) => self.second.offered(link),
        }
    }

    fn taken(&mut self, link: Self::Link, count: usize) {
        match link {
            Either::First(link) => self.first.taken(link, count),
            Either::Second(link) => self.second.taken(link, count),
        }
    }

    fn write(&mut self, link: Self::Link, bytes: &[u8]) -> bool {
        match link {
            Either::First(link) => self.first.write(link, bytes),
            Either::Second(link) => self.second.write(link, bytes),
        }
    }

    fn pour(&mut self, link: Self::Link, bytes: &[u8]) -> usize {
        match link {
            Either::First(link) => self.first.pour(link, bytes),
            Either::Second(link) => self.second.pour(link, bytes),
        }
    }

    fn resume(&mut self, link: Self::Link) {
        match link {
            Either::First(link) => self.first.resume(link),
            Either::Second(link) => self.second.resume(link),
        }
    }

    fn has_untaken(&self, link: Self::Link) -> bool {
        match link {
            Either::First(link) => self.first.has_untaken(link),
            Either::Second(link) => self.second.has_untaken(link),
        }
    }

    fn send(&mut self, link: Self::Link, range: Sending) -> bool {
        match link {
            Either::First(link) => self.first.send(link, range),
            Either::Second(link) => self.second.send(link, range),
        }
    }

    fn receive(&mut self, link: Self::Link, content: Receiving) {
        match link {
            Either::First(link) => self.first.receive(link, content),
            Either::Second(link) => self.second.receive(link, content),
        }
    }

    fn position(&self, link: Self::Link) -> u64 {
        match link {
            Either::First(link) => self.first.position(link),
            Either::Second(link) => self.second.position(link),
        }
    }

    fn finish(&mut self, link: Self::Link) {
        match link {
            Either::First(link) => self.first.finish(link),
            Either::Second(link) => self.second.finish(link),
        }
    }

    fn abort(&mut self, link: Self::Link) {
        match link {
            Either::First(link) => self.first.abort(link),
            Either::Second(link) => self.second.abort(link),
        }
    }
}
