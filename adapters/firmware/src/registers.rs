//! The one place where memory that is no memory is read and written.

/// 1,024 registers of 32 bits: what a peripheral of these boards occupies.
#[derive(Clone, Copy)]
pub(crate) struct Registers {
    base: usize,
}

impl Registers {
    const SIZE: usize = 0x1000;

    /// The registers from the address `base` on.
    ///
    /// # Safety
    ///
    /// In the 4 KiB from `base`, which is a multiple of 4, there are registers of a peripheral and nothing else, and
    /// no access to them changes memory that Rust knows (as starting a DMA transfer would).
    pub(crate) const unsafe fn new(base: usize) -> Self {
        Self { base }
    }

    /// Reads the register that lies `offset` bytes behind the first.
    #[inline(always)]
    pub(crate) fn read(self, offset: usize) -> u32 {
        // SAFETY: by the contract of `new`; the address is aligned, and in the 4 KiB.
        unsafe { self.address(offset).read_volatile() }
    }

    /// Writes the register that lies `offset` bytes behind the first.
    #[inline(always)]
    pub(crate) fn write(self, offset: usize, value: u32) {
        // SAFETY: as in `read`.
        unsafe { self.address(offset).write_volatile(value) }
    }

    #[inline(always)]
    const fn address(self, offset: usize) -> *mut u32 {
        (self.base + offset % Self::SIZE / 4 * 4) as *mut u32
    }
}
