//! The direction of what is sent.

use super::{FRONT, NUMBERS_MAX, OVERHEAD, begins_generation};
use crate::{
    seal::{Keys, Provider, Refused, RustCrypto, TAG_LENGTH, cipher::Cipher},
    wire::seal::Suite,
};

/// Seals the records of one direction.
pub struct Sealer<P: Provider = RustCrypto> {
    cipher: Cipher<P>,
    next: u64,
    largest: u16,
    ended: bool,
}

impl<P: Provider> Sealer<P> {
    /// For what this side sends to one that takes records of `largest` bytes of ciphertext and tag. `None`
    /// when the provider does not have the suite.
    pub fn new(suite: Suite, keys: &Keys, largest: u16) -> Option<Self> {
        Some(Self { cipher: Cipher::new(suite, &keys.send)?, next: 0, largest, ended: false })
    }

    /// The most text in a record, in bytes.
    pub fn text_max(&self) -> usize {
        usize::from(self.largest).saturating_sub(TAG_LENGTH)
    }

    /// Seals a record in place: its text, at least one byte and at most [`Sealer::text_max`], stands between
    /// [`FRONT`] bytes for the length and [`TAG_LENGTH`] bytes for the tag.
    ///
    /// # Errors
    /// [`Refused::Length`] when the text is empty or too long; [`Refused::Closed`] after [`Sealer::end`], and
    /// after 2^62 records.
    pub fn seal(&mut self, record: &mut [u8]) -> Result<(), Refused> {
        match record.len().checked_sub(OVERHEAD) {
            Some(text) if text != 0 && text <= self.text_max() => self.seal_any(record),
            _ => Err(Refused::Length),
        }
    }

    /// The record that ends the direction.
    ///
    /// # Errors
    /// [`Refused::Closed`] when it has ended.
    pub fn end(&mut self) -> Result<[u8; OVERHEAD], Refused> {
        let mut record = [0; OVERHEAD];
        self.seal_any(&mut record)?;
        self.ended = true;
        Ok(record)
    }

    fn seal_any(&mut self, record: &mut [u8]) -> Result<(), Refused> {
        let number = self.next;
        if self.ended || number >= NUMBERS_MAX {
            return Err(Refused::Closed);
        }
        let (front, sealed) = record.split_first_chunk_mut::<FRONT>().ok_or(Refused::Length)?;
        let length = u16::try_from(sealed.len()).map_err(|_| Refused::Length)?;
        let (text, tag) = sealed.split_last_chunk_mut::<TAG_LENGTH>().ok_or(Refused::Length)?;
        *front = length.to_be_bytes();
        if begins_generation(number) {
            self.cipher = self.cipher.next().ok_or(Refused::Closed)?;
        }
        self.next = number.wrapping_add(1);
        *tag = self.cipher.seal(number, front, text).ok_or(Refused::Closed)?;
        Ok(())
    }
}

impl<P: Provider> core::fmt::Debug for Sealer<P> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter
            .debug_struct("Sealer")
            .field("next", &self.next)
            .field("largest", &self.largest)
            .field("ended", &self.ended)
            .finish()
    }
}

#[cfg(test)]
impl<P: Provider> Sealer<P> {
    pub(super) const fn skip_to(&mut self, next: u64) {
        self.next = next;
    }
}
