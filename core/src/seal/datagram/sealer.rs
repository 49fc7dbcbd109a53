//! The direction of what is sent.

use super::{GENERATION_BITS, NUMBERS_MAX, OVERHEAD, generation};
use crate::{
    seal::{Provider, Refused, Secret, TAG_LENGTH, cipher::Cipher},
    wire::seal::{ConnectionId, DataHeader, Suite},
};

pub(super) struct Sealer<P: Provider> {
    /// Of the generation of the number before the next one.
    cipher: Cipher<P>,
    /// The number of the next datagram. It only ever grows.
    next: u64,
    peer: ConnectionId,
}

impl<P: Provider> Sealer<P> {
    pub(super) fn new(suite: Suite, key: &Secret, peer: ConnectionId) -> Option<Self> {
        Some(Self { cipher: Cipher::new(suite, key)?, next: 0, peer })
    }

    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    pub(super) const fn is_spent(&self) -> bool {
        self.next >= NUMBERS_MAX
    }

    pub(super) const fn refresh(&mut self) {
        if !begins_generation(self.next) {
            self.next = (generation(self.next).wrapping_add(1)) << GENERATION_BITS;
        }
    }

    pub(super) fn seal(&mut self, datagrams: &mut [u8], stride: usize) -> Result<u64, Refused> {
        if stride < OVERHEAD || datagrams.is_empty() || (1..OVERHEAD).contains(&(datagrams.len() % stride)) {
            return Err(Refused::Length);
        }
        let first = self.next;
        let count = datagrams.len().div_ceil(stride) as u64;
        if first.saturating_add(count) > NUMBERS_MAX {
            return Err(Refused::Closed);
        }
        for datagram in datagrams.chunks_mut(stride) {
            self.seal_one(datagram)?;
        }
        Ok(first)
    }

    fn seal_one(&mut self, datagram: &mut [u8]) -> Result<(), Refused> {
        let number = self.next;
        if begins_generation(number) && number > 0 {
            self.cipher = self.cipher.next().ok_or(Refused::Closed)?;
        }
        // Whatever becomes of it, nothing else gets this number.
        self.next = number.wrapping_add(1);
        let phase = generation(number) & 1 == 1;
        let header = DataHeader { phase, destination: self.peer, number: number as u32 }.bytes();
        let (front, sealed) = datagram.split_first_chunk_mut().ok_or(Refused::Length)?;
        let (text, tag) = sealed.split_last_chunk_mut::<TAG_LENGTH>().ok_or(Refused::Length)?;
        *front = header;
        *tag = self.cipher.seal(number, &header, text).ok_or(Refused::Length)?;
        Ok(())
    }
}

const fn begins_generation(number: u64) -> bool {
    number & ((1 << GENERATION_BITS) - 1) == 0
}

#[cfg(test)]
impl<P: Provider> Sealer<P> {
    pub(super) const fn skip_to(&mut self, next: u64) {
        self.next = next;
    }

    pub(super) fn advance(&mut self) {
        self.cipher = self.cipher.next().unwrap();
    }
}
