//! A file that is being written.

use super::{UNIT_MAX, flash::Flash};
use embedded_storage::nor_flash::NorFlash;
use skep_core::stream::Fault;

/// Bytes that do not fill a write unit wait here for more: no unit is ever written twice.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) slot: usize,
    /// Bytes so far, with those that wait.
    pub(super) end: u64,
    waiting: [u8; UNIT_MAX],
    count: usize,
}

impl Part {
    /// A file in this slot, of which so many bytes are there: whole write units.
    pub(super) const fn new(slot: usize, end: u64) -> Self {
        Self { slot, end, waiting: [0xff; UNIT_MAX], count: 0 }
    }

    /// Appends content.
    pub(super) fn append<F: NorFlash>(&mut self, flash: &mut Flash<F>, bytes: &[u8]) -> Result<(), Fault> {
        let mut bytes = bytes;
        if self.count > 0 {
            let (now, later) = bytes.split_at(bytes.len().min(F::WRITE_SIZE - self.count));
            self.keep(now);
            bytes = later;
            if self.count < F::WRITE_SIZE {
                return Ok(());
            }
            self.write_waiting(flash)?;
        }
        let (whole, rest) = bytes.split_at(bytes.len() - bytes.len() % F::WRITE_SIZE);
        flash.write_content(self.slot, self.end, whole)?;
        self.end += whole.len() as u64;
        self.keep(rest);
        Ok(())
    }

    /// Writes what waits: nothing more comes.
    pub(super) fn finish<F: NorFlash>(mut self, flash: &mut Flash<F>) -> Result<(), Fault> {
        if self.count > 0 { self.write_waiting(flash) } else { Ok(()) }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.waiting[self.count..self.count + bytes.len()].copy_from_slice(bytes);
        self.count += bytes.len();
        self.end += bytes.len() as u64;
    }

    fn write_waiting<F: NorFlash>(&mut self, flash: &mut Flash<F>) -> Result<(), Fault> {
        let start = self.end - self.count as u64;
        self.waiting[self.count..].fill(0xff);
        self.count = 0;
        flash.write_content(self.slot, start, &self.waiting[..F::WRITE_SIZE])
    }
}
