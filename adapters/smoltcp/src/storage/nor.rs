//! Files in a NOR flash.
//!
//! ```text
//!   region   | slot 0                          | slot 1                          | ...
//!   slot     | header | content ...            |     a file has one slot, and each slot one file
//!   header   | begun: name, length | whole: length | marks ...     one erase unit
//! ```
//!
//! A file begins with its name in a header that was erased; its content is erased and written as it comes; each part
//! that is complete gets a mark. At last the length is written: from then on the file is whole. So the power may fail
//! at any moment: a header whose check sum is wrong is none, and a slot without both parts of it is no file. Of two
//! files of one name the younger one counts, and the slot of the older one is free.

mod flash;
mod header;
mod part;
#[cfg(test)]
mod tests;

use super::{Answer, Storage};
use core::task::Poll::Ready;
use embedded_storage::nor_flash::NorFlash;
use flash::Flash;
use header::{Begun, HEADER};
use heapless::Vec;
use part::Part;
use skep_core::{
    stream::{Fault, FileId},
    wire::Name,
};

/// The largest write unit and read unit, in bytes.
pub const UNIT_MAX: usize = 64;

/// Why a region cannot hold files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Unusable {
    /// Its units are too large or do not divide each other, or it has less than two erase units for each file.
    Geometry,
    /// It cannot be read.
    Failed,
}

impl core::fmt::Display for Unusable {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(match self {
            Self::Geometry => "the flash has units that do not fit, or too few of them",
            Self::Failed => "the flash cannot be read",
        })
    }
}

impl core::error::Error for Unusable {}

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing that anybody needs.
    Free,
    /// A file that was begun.
    Begun,
    /// A whole file of this length.
    Whole(u64),
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    state: State,
    /// The larger, the younger.
    sequence: u32,
}

#[derive(Debug)]
enum Use {
    Reading {
        slot: usize,
        length: u64,
    },
    Writing(Part),
    /// It could not be opened or created, or is committed.
    Nothing,
}

/// A region of a flash with `FILES` slots of equal size, of which `OPEN` files may be in use at once. One slot more than
/// there are files is needed to replace one.
#[derive(Debug)]
pub struct Nor<F, const FILES: usize, const OPEN: usize> {
    flash: Flash<F>,
    slots: [Slot; FILES],
    uses: Vec<(FileId, Use), OPEN>,
    /// The next file is the youngest.
    next: u32,
    /// The unfinished file that the next [`Storage::create`] goes on with, and where.
    resume: Option<(usize, u64)>,
}

impl<F: NorFlash, const FILES: usize, const OPEN: usize> Nor<F, FILES, OPEN> {
    /// Finds the files in the bytes from `from` to `to` of a flash: whole erase units. A flash that was never used has
    /// none.
    ///
    /// # Errors
    /// The region cannot hold files.
    pub fn mount(flash: F, from: u32, to: u32) -> Result<Self, Unusable> {
        let mut flash = Flash::new::<FILES>(flash, from, to)?;
        let mut slots = [Slot { state: State::Free, sequence: 0 }; FILES];
        let mut next = 0;
        for (number, slot) in slots.iter_mut().enumerate() {
            if let Some(begun) = flash.begun(number).map_err(|_| Unusable::Failed)? {
                let whole = flash.whole(number, begun.sequence).map_err(|_| Unusable::Failed)?;
                slot.state = whole.map_or(State::Begun, State::Whole);
                slot.sequence = begun.sequence;
                next = next.max(begun.sequence.saturating_add(1));
            }
        }
        let mut nor = Self { flash, slots, uses: Vec::new(), next, resume: None };
        nor.free_older().map_err(|_| Unusable::Failed)?;
        Ok(nor)
    }

    /// The most bytes that a file can have.
    pub const fn file_max(&self) -> u64 {
        self.flash.content_size() as u64
    }

    /// Gives the flash back.
    pub fn unmount(self) -> F {
        self.flash.into_inner()
    }

    /// Removes a file, if there is one and nobody reads it.
    ///
    /// # Errors
    /// [`Fault::NotFound`], [`Fault::NotAllowed`] while it is read, or [`Fault::Failed`].
    pub fn remove(&mut self, name: Name<'_>) -> Result<(), Fault> {
        let slot = self.find(name)?.ok_or(Fault::NotFound)?;
        if self.is_used(slot) {
            return Err(Fault::NotAllowed);
        }
        // One that was older must not come to light, so that goes first.
        for older in 0..FILES {
            if older != slot && self.flash.begun(older)?.is_some_and(|begun| begun.is(name)) {
                if self.is_used(older) {
                    return Err(Fault::NotAllowed);
                }
                self.flash.erase_header(older)?;
                self.slots[older].state = State::Free;
            }
        }
        self.flash.erase_header(slot)?;
        self.slots[slot].state = State::Free;
        Ok(())
    }

    /// Of two whole files with one name, which is what a replacement leaves, the older one is none any more.
    fn free_older(&mut self) -> Result<(), Fault> {
        for old in 0..FILES {
            let State::Whole(_) = self.slots[old].state else { continue };
            let Some(begun) = self.flash.begun(old)? else { continue };
            for new in 0..FILES {
                let is_younger = matches!(self.slots[new].state, State::Whole(_))
                    && self.slots[new].sequence > begun.sequence;
                if is_younger && self.flash.begun(new)?.is_some_and(|other| other.name() == begun.name()) {
                    self.slots[old].state = State::Free;
                }
            }
        }
        Ok(())
    }

    /// The slot of the whole file with this name.
    fn find(&mut self, name: Name<'_>) -> Result<Option<usize>, Fault> {
        self.find_in(name, |state| matches!(state, State::Whole(_)))
    }

    fn find_in(&mut self, name: Name<'_>, is_it: impl Fn(State) -> bool) -> Result<Option<usize>, Fault> {
        for slot in 0..FILES {
            if is_it(self.slots[slot].state) && self.flash.begun(slot)?.is_some_and(|begun| begun.is(name)) {
                return Ok(Some(slot));
            }
        }
        Ok(None)
    }

    fn is_used(&self, slot: usize) -> bool {
        self.uses.iter().any(|(_, used)| match used {
            Use::Reading { slot: other, .. } => *other == slot,
            Use::Writing(part) => part.slot == slot,
            Use::Nothing => false,
        })
    }

    /// A slot for another file: a free one, or that of the oldest file which was begun and never finished.
    fn vacant(&self) -> Option<usize> {
        let unused = |slot: &usize| !self.is_used(*slot);
        let free = (0..FILES).filter(unused).find(|slot| self.slots[*slot].state == State::Free);
        free.or_else(|| {
            let begun = (0..FILES).filter(unused).filter(|slot| self.slots[*slot].state == State::Begun);
            begun.min_by_key(|slot| self.slots[*slot].sequence)
        })
    }

    fn find_open(&mut self, file: FileId) -> Option<&mut Use> {
        self.uses.iter_mut().find(|(other, _)| *other == file).map(|(_, used)| used)
    }

    fn enter(&mut self, file: FileId, used: Use) -> Result<(), Fault> {
        self.uses.push((file, used)).map_err(|_| Fault::Busy)
    }

    fn try_open(&mut self, file: FileId, name: Name<'_>) -> Result<u64, Fault> {
        let slot = self.find(name)?.ok_or(Fault::NotFound)?;
        let State::Whole(length) = self.slots[slot].state else { return Err(Fault::NotFound) };
        self.enter(file, Use::Reading { slot, length })?;
        Ok(length)
    }

    fn try_create(&mut self, file: FileId, name: Name<'_>, length: Option<u64>) -> Result<u64, Fault> {
        let resume = self.resume.take();
        if length.is_some_and(|length| length > self.file_max()) {
            return Err(Fault::TooLarge);
        }
        if let Some((slot, end)) = resume
            && self.flash.begun(slot)?.is_some_and(|begun| begun.is(name) && begun.length() == length)
        {
            self.enter(file, Use::Writing(Part::new(slot, end)))?;
            return Ok(end);
        }
        let slot = self.vacant().ok_or(Fault::NoSpace)?;
        self.enter(file, Use::Writing(Part::new(slot, 0)))?;
        self.slots[slot] = Slot { state: State::Free, sequence: self.next };
        let begun = Begun::new(name, length, self.next);
        self.next = self.next.saturating_add(1);
        self.flash.erase_header(slot)?;
        self.flash.write_begun(slot, &begun)?;
        self.slots[slot].state = State::Begun;
        Ok(0)
    }

    fn try_commit(&mut self, file: FileId) -> Result<u64, Fault> {
        let used = self.find_open(file).ok_or(Fault::Failed)?;
        let Use::Writing(part) = core::mem::replace(used, Use::Nothing) else { return Err(Fault::Failed) };
        let (slot, length) = (part.slot, part.end);
        part.finish(&mut self.flash)?;
        self.flash.write_whole(slot, self.slots[slot].sequence, length)?;
        self.slots[slot].state = State::Whole(length);
        self.free_older()?;
        Ok(length)
    }
}

impl<F: NorFlash, const FILES: usize, const OPEN: usize> Storage for Nor<F, FILES, OPEN> {
    const WRITE_UNIT: usize = F::WRITE_SIZE;
    const ERASE_UNIT: usize = F::ERASE_SIZE;
    const RANDOM_WRITES: bool = false;

    fn open(&mut self, file: FileId, name: Name<'_>) -> Answer<u64> {
        Ready(self.try_open(file, name))
    }

    fn create(&mut self, file: FileId, name: Name<'_>, length: Option<u64>) -> Answer<u64> {
        Ready(self.try_create(file, name, length))
    }

    fn commit(&mut self, file: FileId) -> Answer<u64> {
        Ready(self.try_commit(file))
    }

    fn read(&mut self, file: FileId, offset: u64, into: &mut [u8]) -> Answer<()> {
        let Some(Use::Reading { slot, length }) = self.find_open(file) else {
            return Ready(Err(Fault::Failed));
        };
        let (slot, length) = (*slot, *length);
        if offset.checked_add(into.len() as u64).is_none_or(|end| end > length) {
            return Ready(Err(Fault::Changed));
        }
        Ready(self.flash.read_content(slot, offset, into))
    }

    fn write(&mut self, file: FileId, offset: u64, bytes: &[u8]) -> Answer<()> {
        let Some((_, Use::Writing(part))) = self.uses.iter_mut().find(|(other, _)| *other == file) else {
            return Ready(Err(Fault::Failed));
        };
        if part.end != offset {
            return Ready(Err(Fault::Failed));
        }
        Ready(part.append(&mut self.flash, bytes))
    }

    fn release(&mut self, file: FileId) {
        if let Some(index) = self.uses.iter().position(|(other, _)| *other == file) {
            self.uses.swap_remove(index);
        }
    }

    fn resume_point(&mut self, name: Name<'_>, length: u64) -> u64 {
        self.resume = None;
        let found = self.find_in(name, |state| state == State::Begun).ok().flatten();
        let Some(slot) = found.filter(|slot| !self.is_used(*slot)) else { return 0 };
        let is_same = matches!(self.flash.begun(slot), Ok(Some(begun)) if begun.length() == Some(length));
        if !is_same {
            return 0;
        }
        let end = self.flash.marked(slot).unwrap_or(0).min(length);
        // Nothing to go on with: another slot is as good.
        self.resume = (end > 0).then_some((slot, end));
        end
    }
}

const _: () = assert!(HEADER.is_multiple_of(UNIT_MAX));
