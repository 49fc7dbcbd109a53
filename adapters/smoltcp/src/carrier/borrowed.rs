//! A carrier that lies elsewhere.

use super::{Carrier, Happening, Receiving, Sending};
use crate::{Stack, Storage};
use skep_core::Instant;
use smoltcp::phy::Device;

/// So each part of a driver can be made where it is going to be: to move them into one another takes twice their size of
/// the stack, which for most programs is the deepest that it ever gets.
impl<C: Carrier> Carrier for &mut C {
    type Link = C::Link;

    fn take<D: Device, F: Storage>(
        &mut self,
        now: Instant,
        stack: &mut Stack<'_, D>,
        storage: &mut F,
    ) -> Option<Happening<Self::Link>> {
        C::take(self, now, stack, storage)
    }

    fn give<D: Device, F: Storage>(
        &mut self,
        now: Instant,
        stack: &mut Stack<'_, D>,
        storage: &mut F,
    ) -> Option<Happening<Self::Link>> {
        C::give(self, now, stack, storage)
    }

    fn deadline(&self) -> Option<Instant> {
        C::deadline(self)
    }

    fn linger_until(&self) -> Instant {
        C::linger_until(self)
    }

    fn answers_after(&self) -> usize {
        C::answers_after(self)
    }

    fn offered(&self, link: Self::Link) -> &[u8] {
        C::offered(self, link)
    }

    fn taken(&mut self, link: Self::Link, count: usize) {
        C::taken(self, link, count);
    }

    fn write(&mut self, link: Self::Link, bytes: &[u8]) -> bool {
        C::write(self, link, bytes)
    }

    fn pour(&mut self, link: Self::Link, bytes: &[u8]) -> usize {
        C::pour(self, link, bytes)
    }

    fn resume(&mut self, link: Self::Link) {
        C::resume(self, link);
    }

    fn has_untaken(&self, link: Self::Link) -> bool {
        C::has_untaken(self, link)
    }

    fn send(&mut self, link: Self::Link, range: Sending) -> bool {
        C::send(self, link, range)
    }

    fn receive(&mut self, link: Self::Link, content: Receiving) {
        C::receive(self, link, content);
    }

    fn position(&self, link: Self::Link) -> u64 {
        C::position(self, link)
    }

    fn finish(&mut self, link: Self::Link) {
        C::finish(self, link);
    }

    fn abort(&mut self, link: Self::Link) {
        C::abort(self, link);
    }
}
