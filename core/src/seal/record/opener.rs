//! The direction of what is received.

use super::{FRONT, NUMBERS_MAX, begins_generation};
use crate::{
    seal::{Keys, Provider, Refused, RustCrypto, TAG_LENGTH, cipher::Cipher},
    wire::seal::Suite,
};

/// Opens the records of one direction, out of a buffer of the caller's.
///
/// ```text
///  loop: needed(buffer) > buffer.len()?  read more
///        else                            open(the first `needed` bytes), use the text, drop them
/// ```
pub struct Opener<P: Provider = RustCrypto> {
    cipher: Cipher<P>,
    next: u64,
    largest: u16,
    /// Ended, or broken.
    closed: bool,
}

/// What a record is.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Opened<'r> {
    /// More of the stream, at least one byte.
    Text(&'r mut [u8]),
    /// The stream ends here, as its sender wanted.
    End,
}

impl<P: Provider> Opener<P> {
    /// For what this side receives, having said that it takes records of `largest` bytes of ciphertext and
    /// tag. `None` when the provider does not have the suite.
    pub fn new(suite: Suite, keys: &Keys, largest: u16) -> Option<Self> {
        Some(Self { cipher: Cipher::new(suite, &keys.receive)?, next: 0, largest, closed: false })
    }

    /// The most bytes that [`Opener::needed`] asks for.
    pub fn room(&self) -> usize {
        FRONT.saturating_add(usize::from(self.largest))
    }

    /// How many bytes, from the beginning of a record on, there must be before [`Opener::open`]: more than
    /// `buffer` has when it is not all there. Asks for the two bytes of the length first.
    ///
    /// # Errors
    /// [`Refused::Length`] when the length is not allowed: the stream is broken then. [`Refused::Closed`]
    /// when it has ended or is broken.
    pub fn needed(&mut self, buffer: &[u8]) -> Result<usize, Refused> {
        if self.closed {
            return Err(Refused::Closed);
        }
        let Some(front) = buffer.first_chunk::<FRONT>() else { return Ok(FRONT) };
        let length = u16::from_be_bytes(*front);
        if usize::from(length) < TAG_LENGTH || length > self.largest {
            self.closed = true;
            return Err(Refused::Length);
        }
        Ok(FRONT.saturating_add(usize::from(length)))
    }

    /// Opens a record in place: `record` is as long as [`Opener::needed`] said.
    ///
    /// # Errors
    /// Any breaks the stream: [`Refused::Length`] when `record` is not one whole record that is allowed,
    /// [`Refused::Forged`] when its tag does not fit, [`Refused::Closed`] when the stream has ended or is
    /// broken, or after 2^62 records.
    pub fn open<'r>(&mut self, record: &'r mut [u8]) -> Result<Opened<'r>, Refused> {
        let opened = self.open_next(record);
        if !matches!(opened, Ok(Opened::Text(_))) {
            self.closed = true;
        }
        opened
    }

    fn open_next<'r>(&mut self, record: &'r mut [u8]) -> Result<Opened<'r>, Refused> {
        if self.needed(record)? != record.len() {
            return Err(Refused::Length);
        }
        let number = self.next;
        if number >= NUMBERS_MAX {
            return Err(Refused::Closed);
        }
        let (front, sealed) = record.split_first_chunk_mut::<FRONT>().ok_or(Refused::Length)?;
        let (text, tag) = sealed.split_last_chunk_mut::<TAG_LENGTH>().ok_or(Refused::Length)?;
        if begins_generation(number) {
            self.cipher = self.cipher.next().ok_or(Refused::Closed)?;
        }
        if !self.cipher.open(number, front, text, tag) {
            return Err(Refused::Forged);
        }
        self.next = number.wrapping_add(1);
        Ok(if text.is_empty() { Opened::End } else { Opened::Text(text) })
    }
}

impl<P: Provider> core::fmt::Debug for Opener<P> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter
            .debug_struct("Opener")
            .field("next", &self.next)
            .field("largest", &self.largest)
            .field("closed", &self.closed)
            .finish()
    }
}

#[cfg(test)]
impl<P: Provider> Opener<P> {
    pub(super) const fn skip_to(&mut self, next: u64) {
        self.next = next;
    }
}
