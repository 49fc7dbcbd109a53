//! A flash in memory that is strict about its rules, and loses its power when it is told to.

use super::ERASE;
use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};

/// The power fails in the middle of this operation, counted from 0. How far it got, and what it leaves, follows from
/// `damage`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub(super) operation: usize,
    pub(super) damage: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Memory<const WRITE: usize, const READ: usize> {
    bytes: Vec<u8>,
    /// Units that were written since they were erased.
    written: Vec<bool>,
    cut: Option<Cut>,
    operations: usize,
}

impl<const WRITE: usize, const READ: usize> Memory<WRITE, READ> {
    /// One that was never used: nobody knows what is in it.
    pub(super) fn new(size: usize) -> Self {
        let bytes = (0..size).map(|place| (place * 7) as u8).collect();
        Self { bytes, written: vec![true; size / WRITE], cut: None, operations: 0 }
    }

    /// One whose power is going to fail.
    pub(super) fn failing(self, cut: Cut) -> Self {
        Self { cut: Some(cut), operations: 0, ..self }
    }

    /// The power is back.
    pub(super) fn powered(self) -> Self {
        Self { cut: None, ..self }
    }

    /// How much of an operation on so many units is done: all of it, a part, or nothing.
    fn part(&mut self, units: usize) -> Result<Option<usize>, NorFlashErrorKind> {
        let operation = self.operations;
        self.operations += 1;
        match self.cut {
            Some(cut) if operation > cut.operation => Err(NorFlashErrorKind::Other),
            Some(cut) if operation == cut.operation => Ok(Some(units * cut.damage / 4)),
            _ => Ok(None),
        }
    }
}

impl<const WRITE: usize, const READ: usize> ErrorType for Memory<WRITE, READ> {
    type Error = NorFlashErrorKind;
}

impl<const WRITE: usize, const READ: usize> ReadNorFlash for Memory<WRITE, READ> {
    const READ_SIZE: usize = READ;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        check_read(self, offset, bytes.len())?;
        if self.cut.is_some_and(|cut| self.operations > cut.operation) {
            return Err(NorFlashErrorKind::Other);
        }
        bytes.copy_from_slice(&self.bytes[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl<const WRITE: usize, const READ: usize> NorFlash for Memory<WRITE, READ> {
    const WRITE_SIZE: usize = WRITE;
    const ERASE_SIZE: usize = ERASE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        check_erase(self, from, to)?;
        let range = from as usize..to as usize;
        if let Some(part) = self.part(range.len())? {
            // What is not done is undefined: here, every other byte is as it was, and the rest has some bits left.
            for place in range.start..range.start + part {
                if place % 2 == 0 {
                    self.bytes[place] |= 0x55;
                }
            }
            for unit in range.start / WRITE..range.end / WRITE {
                self.written[unit] = true;
            }
            return Err(NorFlashErrorKind::Other);
        }
        self.bytes[range.clone()].fill(0xff);
        self.written[range.start / WRITE..range.end / WRITE].fill(false);
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        check_write(self, offset, bytes.len())?;
        let units = bytes.len() / WRITE;
        let part = self.part(units)?;
        for (number, unit) in bytes.chunks(WRITE).enumerate().take(part.map_or(units, |part| part + 1)) {
            let start = offset as usize + number * WRITE;
            assert!(!self.written[start / WRITE], "the unit at {start} is written twice");
            self.written[start / WRITE] = true;
            self.bytes[start..start + WRITE].copy_from_slice(unit);
            if part == Some(number) {
                // This one was under way: some of its bits are not what they should be.
                self.bytes[start] ^= 0x24;
            }
        }
        if part.is_some() { Err(NorFlashErrorKind::Other) } else { Ok(()) }
    }
}
