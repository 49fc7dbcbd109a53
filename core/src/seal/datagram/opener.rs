//! The direction of what is received.

use super::{GENERATION_BITS, NUMBERS_MAX, generation, window::Window};
use crate::{
    seal::{Provider, Refused, Secret, TAG_LENGTH, cipher::Cipher},
    wire::seal::{DataHeader, Suite},
};

pub(super) struct Opener<P: Provider> {
    current: Cipher<P>,
    /// The one before the current one, while the window reaches into its generation.
    previous: Option<Cipher<P>>,
    /// The current one's.
    generation: u64,
    window: Window,
    forged: u64,
}

impl<P: Provider> Opener<P> {
    pub(super) fn new(suite: Suite, key: &Secret) -> Option<Self> {
        let current = Cipher::new(suite, key)?;
        Some(Self { current, previous: None, generation: 0, window: Window::new(), forged: 0 })
    }

    pub(super) const fn expected(&self) -> u64 {
        self.window.expected()
    }

    pub(super) const fn forged(&self) -> u64 {
        self.forged
    }

    pub(super) fn open<'d>(&mut self, datagram: &'d mut [u8]) -> Result<&'d mut [u8], Refused> {
        let header = DataHeader::parse(datagram).ok_or(Refused::Malformed)?;
        let number = self.window.expand(header.number);
        let wanted = generation(number);
        if number >= NUMBERS_MAX || header.phase != (wanted & 1 == 1) {
            return Err(Refused::Malformed);
        }
        if !self.window.admits(number) {
            return Err(Refused::Replayed);
        }
        let (front, sealed) =
            datagram.split_first_chunk_mut::<{ DataHeader::LENGTH }>().ok_or(Refused::Malformed)?;
        let (text, tag) = sealed.split_last_chunk_mut::<TAG_LENGTH>().ok_or(Refused::Malformed)?;
        let mut next = None;
        let cipher = if wanted == self.generation {
            &self.current
        } else if wanted.wrapping_add(1) == self.generation {
            self.previous.as_ref().ok_or(Refused::Replayed)?
        } else if wanted == self.generation.wrapping_add(1) {
            &*next.insert(self.current.next().ok_or(Refused::Closed)?)
        } else {
            return Err(Refused::Malformed);
        };
        if !cipher.open(number, front, text, tag) {
            self.forged = self.forged.saturating_add(1);
            return Err(Refused::Forged);
        }
        self.opened(number, next);
        Ok(text)
    }

    /// Only here does anything change but a counter.
    fn opened(&mut self, number: u64, next: Option<Cipher<P>>) {
        if let Some(next) = next {
            self.previous = Some(core::mem::replace(&mut self.current, next));
            self.generation = generation(number);
        }
        self.window.mark(number);
        if self.window.lowest() >= self.generation << GENERATION_BITS {
            self.previous = None;
        }
    }
}

#[cfg(test)]
impl<P: Provider> Opener<P> {
    pub(super) fn skip_to(&mut self, next: u64) {
        self.generation = generation(next);
        self.window.mark(next.wrapping_sub(1));
    }

    pub(super) fn advance(&mut self) {
        self.current = self.current.next().unwrap();
        self.previous = None;
    }

    pub(super) const fn keeps_previous(&self) -> bool {
        self.previous.is_some()
    }

    pub(super) const fn forge(&mut self, times: u64) {
        self.forged = times;
    }
}
