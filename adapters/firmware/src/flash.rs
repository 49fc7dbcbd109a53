//! A flash that is made of RAM, with all that is awkward about one: it is erased in pages, and written once before it
//! is erased again, in words.

use crate::board::{FLASH_PAGE, FLASH_SIZE};
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, Ordering};
use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};

const WORD: usize = 4;
const ERASED: u8 = 0xff;

/// Nobody fills it with zeros before `main`.
#[unsafe(link_section = ".uninit.flash")]
static mut CELLS: MaybeUninit<[u8; FLASH_SIZE]> = MaybeUninit::uninit();

/// The flash; there is one.
pub struct Flash {
    cells: &'static mut [u8],
}

/// What a flash refuses.
#[derive(Clone, Copy, Debug)]
pub enum Error {
    /// Not at a page or a word, or out of bounds.
    Place(NorFlashErrorKind),
    /// The words are not erased.
    Written,
}

impl Flash {
    /// The flash, erased; `None` when it is in use.
    pub fn take() -> Option<Self> {
        static IS_TAKEN: AtomicBool = AtomicBool::new(false);
        // One core and no interrupts: load and store need not be one.
        if IS_TAKEN.load(Ordering::Relaxed) {
            return None;
        }
        IS_TAKEN.store(true, Ordering::Relaxed);
        let cells = &raw mut CELLS;
        // SAFETY: `IS_TAKEN` lets us be here once, so the reference is the only one; all bytes are written before.
        let cells = unsafe {
            cells.write_bytes(ERASED, 1);
            (*cells).assume_init_mut()
        };
        Some(Self { cells })
    }
}

impl NorFlashError for Error {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Place(kind) => *kind,
            Self::Written => NorFlashErrorKind::Other,
        }
    }
}

impl ErrorType for Flash {
    type Error = Error;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Error> {
        check_read(self, offset, bytes.len()).map_err(Error::Place)?;
        bytes.copy_from_slice(&self.cells[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.cells.len()
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = FLASH_PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Error> {
        check_erase(self, from, to).map_err(Error::Place)?;
        self.cells[from as usize..to as usize].fill(ERASED);
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Error> {
        check_write(self, offset, bytes.len()).map_err(Error::Place)?;
        let cells = &mut self.cells[offset as usize..][..bytes.len()];
        // `check_write` has seen to it that there are whole words.
        if cells.as_chunks::<WORD>().0.iter().any(|&word| word != [ERASED; WORD]) {
            return Err(Error::Written);
        }
        cells.copy_from_slice(bytes);
        Ok(())
    }
}
