//! The flash, by slots.

use super::{
    UNIT_MAX, Unusable,
    header::{self, BEGUN, Begun, HEADER, WHOLE},
};
use embedded_storage::nor_flash::NorFlash;
use skep_core::stream::Fault;

#[derive(Debug)]
pub(super) struct Flash<F> {
    flash: F,
    /// Where slot 0 begins.
    start: u32,
    /// Bytes of a slot: a header and its content, each in whole erase units.
    slot: u32,
    /// Those of the content.
    content: u32,
}

impl<F: NorFlash> Flash<F> {
    /// Bytes of the erase unit of a header.
    const HEADER_SIZE: u32 = (HEADER + UNIT_MAX).next_multiple_of(F::ERASE_SIZE) as u32;

    /// Cuts a region into so many slots.
    pub(super) fn new<const FILES: usize>(flash: F, from: u32, to: u32) -> Result<Self, Unusable> {
        let erase = F::ERASE_SIZE as u32;
        let units = [F::READ_SIZE, F::WRITE_SIZE];
        let fits = units.iter().all(|unit| (1..=UNIT_MAX).contains(unit) && UNIT_MAX.is_multiple_of(*unit));
        let fits = fits && F::ERASE_SIZE.is_multiple_of(F::WRITE_SIZE);
        let in_place = from.is_multiple_of(erase) && from <= to && to as usize <= flash.capacity();
        if !fits || !in_place || FILES == 0 {
            return Err(Unusable::Geometry);
        }
        let slot = (to - from) / FILES as u32;
        let slot = slot - slot % erase;
        if slot < Self::HEADER_SIZE + erase {
            return Err(Unusable::Geometry);
        }
        Ok(Self { flash, start: from, slot, content: slot - Self::HEADER_SIZE })
    }

    pub(super) fn into_inner(self) -> F {
        self.flash
    }

    fn slot(&self, slot: usize) -> u32 {
        self.start + slot as u32 * self.slot
    }

    fn content_at(&self, slot: usize) -> u32 {
        self.slot(slot) + Self::HEADER_SIZE
    }

    /// The first part of a header, if there is a good one.
    pub(super) fn begun(&mut self, slot: usize) -> Result<Option<Begun>, Fault> {
        let mut bytes = [0; BEGUN];
        self.read(self.slot(slot), &mut bytes)?;
        Ok(Begun::parse(bytes))
    }

    /// The length of a file that is whole.
    pub(super) fn whole(&mut self, slot: usize, sequence: u32) -> Result<Option<u64>, Fault> {
        let mut bytes = [0; WHOLE];
        self.read(self.slot(slot) + BEGUN as u32, &mut bytes)?;
        let length = header::parse_whole(&bytes, sequence);
        Ok(length.filter(|length| *length <= u64::from(self.content_size())))
    }

    pub(super) fn erase_header(&mut self, slot: usize) -> Result<(), Fault> {
        let at = self.slot(slot);
        self.flash.erase(at, at + Self::HEADER_SIZE).map_err(|_| Fault::Failed)
    }

    pub(super) fn write_begun(&mut self, slot: usize, begun: &Begun) -> Result<(), Fault> {
        self.write(self.slot(slot), &begun.bytes)
    }

    pub(super) fn write_whole(&mut self, slot: usize, sequence: u32, length: u64) -> Result<(), Fault> {
        self.write(self.slot(slot) + BEGUN as u32, &header::whole(sequence, length))
    }

    pub(super) fn read_content(&mut self, slot: usize, offset: u64, into: &mut [u8]) -> Result<(), Fault> {
        let at = self.content_at(slot) + u32::try_from(offset).map_err(|_| Fault::Changed)?;
        self.read(at, into)
    }

    /// Writes whole write units of content; whoever begins an erase unit erases it first. Marks each part that is
    /// complete with it.
    pub(super) fn write_content(&mut self, slot: usize, offset: u64, bytes: &[u8]) -> Result<(), Fault> {
        let end = offset.saturating_add(bytes.len() as u64);
        if end > u64::from(self.content_size()) {
            return Err(Fault::NoSpace);
        }
        let (mut offset, mut bytes) = (offset as u32, bytes);
        let erase = F::ERASE_SIZE as u32;
        while !bytes.is_empty() {
            let at = self.content_at(slot) + offset;
            if offset.is_multiple_of(erase) {
                self.flash.erase(at, at + erase).map_err(|_| Fault::Failed)?;
            }
            let left = (erase - offset % erase) as usize;
            let (now, later) = bytes.split_at(left.min(bytes.len()));
            self.write(at, now)?;
            offset += now.len() as u32;
            bytes = later;
            if offset.is_multiple_of(self.step()) {
                self.mark(slot, offset / self.step() - 1)?;
            }
        }
        Ok(())
    }

    /// How many bytes from the start of the content on are marked; 0 also when the next mark or the second part of the
    /// header was begun, as no unit may be written twice.
    pub(super) fn marked(&mut self, slot: usize) -> Result<u64, Fault> {
        let mut whole = [0xff; WHOLE];
        self.read(self.slot(slot) + BEGUN as u32, &mut whole)?;
        if whole.iter().any(|byte| *byte != 0xff) {
            return Ok(0);
        }
        let mut count = 0;
        while count < self.marks() {
            let mut mark = [0xff; UNIT_MAX];
            let mark = &mut mark[..F::WRITE_SIZE];
            self.read(self.mark_at(slot, count), mark)?;
            if mark.iter().any(|byte| *byte != 0) {
                if mark.iter().any(|byte| *byte != 0xff) {
                    return Ok(0);
                }
                break;
            }
            count += 1;
        }
        Ok(u64::from(count) * u64::from(self.step()))
    }

    fn mark(&mut self, slot: usize, number: u32) -> Result<(), Fault> {
        self.write(self.mark_at(slot, number), &[0; UNIT_MAX][..F::WRITE_SIZE])
    }

    fn mark_at(&self, slot: usize, number: u32) -> u32 {
        self.slot(slot) + (HEADER + number as usize * F::WRITE_SIZE) as u32
    }

    /// Bytes of content that one mark stands for: an erase unit, or several if there is no room for so many marks.
    fn step(&self) -> u32 {
        let room = (Self::HEADER_SIZE - HEADER as u32) / F::WRITE_SIZE as u32;
        let erase = F::ERASE_SIZE as u32;
        (self.content_size() / erase).div_ceil(room.max(1)) * erase
    }

    fn marks(&self) -> u32 {
        self.content_size() / self.step()
    }

    /// Reads from anywhere, where the flash itself may read only whole units.
    fn read(&mut self, at: u32, into: &mut [u8]) -> Result<(), Fault> {
        let (mut at, mut into) = (at, into);
        while !into.is_empty() {
            let skip = at as usize % F::READ_SIZE;
            let whole = into.len() - into.len() % F::READ_SIZE;
            if skip == 0 && whole > 0 {
                let (now, later) = into.split_at_mut(whole);
                self.flash.read(at, now).map_err(|_| Fault::Failed)?;
                at += whole as u32;
                into = later;
                continue;
            }
            let mut unit = [0; UNIT_MAX];
            let unit = &mut unit[..F::READ_SIZE];
            self.flash.read(at - skip as u32, unit).map_err(|_| Fault::Failed)?;
            let count = into.len().min(F::READ_SIZE - skip);
            let (now, later) = into.split_at_mut(count);
            now.copy_from_slice(&unit[skip..skip + count]);
            at += count as u32;
            into = later;
        }
        Ok(())
    }

    fn write(&mut self, at: u32, bytes: &[u8]) -> Result<(), Fault> {
        self.flash.write(at, bytes).map_err(|_| Fault::Failed)
    }
}

impl<F> Flash<F> {
    /// Bytes of content that a slot has room for.
    pub(super) const fn content_size(&self) -> u32 {
        self.content
    }
}
