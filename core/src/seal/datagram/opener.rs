//! The direction of what is received.

use super::{NUMBERS_MAX, generation, window::Window};
use crate::{
    seal::{Provider, Refused, Secret, TAG_LENGTH, cipher::Cipher},
    wire::seal::{DataHeader, Suite},
};

pub(super) struct Opener<P: Provider> {
    /// Of the generation that the lowest number of the window is in: the later ones follow from it.
    cipher: Cipher<P>,
    window: Window<P::Numbers>,
    forged: u64,
}

impl<P: Provider> Opener<P> {
    pub(super) fn new(suite: Suite, key: &Secret) -> Option<Self> {
        Some(Self { cipher: Cipher::new(suite, key)?, window: Window::new(), forged: 0 })
    }

    pub(super) const fn expected(&self) -> u64 {
        self.window.expected()
    }

    pub(super) fn waits(&self) -> bool {
        self.window.waits()
    }

    pub(super) fn rest(&mut self) {
        self.window.rest();
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
        let newest = generation(self.window.expected().saturating_sub(1));
        if wanted > newest.saturating_add(1) {
            return Err(Refused::Malformed);
        }
        let later;
        let cipher = match wanted.saturating_sub(self.generation()) {
            0 => &self.cipher,
            steps => {
                later = self.cipher.after(steps).ok_or(Refused::Closed)?;
                &later
            }
        };
        if !cipher.open(number, front, text, tag) {
            self.forged = self.forged.saturating_add(1);
            return Err(Refused::Forged);
        }
        self.opened(number);
        Ok(text)
    }

    /// Only here does anything change but a counter.
    fn opened(&mut self, number: u64) {
        let before = self.generation();
        self.window.mark(number);
        let steps = self.generation().saturating_sub(before);
        if steps > 0
            && let Some(later) = self.cipher.after(steps)
        {
            self.cipher = later;
        }
    }

    /// The cipher's.
    fn generation(&self) -> u64 {
        generation(self.window.lowest())
    }
}

#[cfg(test)]
impl<P: Provider> Opener<P> {
    /// As if all numbers before this one had been opened.
    pub(super) fn skip_to(&mut self, next: u64) {
        self.opened(next.wrapping_sub(1));
    }

    /// The same under the key that there is.
    pub(super) fn skip_keys_to(&mut self, next: u64) {
        self.window.mark(next.wrapping_sub(1));
    }

    pub(super) const fn forge(&mut self, times: u64) {
        self.forged = times;
    }
}
