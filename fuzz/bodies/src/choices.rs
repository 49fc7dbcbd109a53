//! Decisions, one byte each.

/// The bytes that are left to decide with. When there are none, every decision is 0: the plainest one.
#[derive(Debug)]
pub struct Choices<'a>(&'a [u8], u64);

impl<'a> Choices<'a> {
    /// Decisions by these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        // FNV-1a.
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        Self(bytes, bytes.iter().fold(0xcbf2_9ce4_8422_2325, step))
    }

    /// A key that is another for every input. The fuzzer sees what is compared and tries it in other inputs: with the
    /// same keys everywhere it would soon "forge" what it has seen sealed.
    pub fn key(&self, which: u8) -> [u8; 32] {
        let mut key = [which; 32];
        key[..8].copy_from_slice(&self.1.to_le_bytes());
        key
    }

    /// Whether all are made.
    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((&first, rest)) => {
                self.0 = rest;
                first
            }
            None => 0,
        }
    }

    /// A number from 0 to `bound - 1`.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound.max(1)
    }

    /// True once in `rarity`, and never when there are no bytes left.
    pub fn rarely(&mut self, rarity: u8) -> bool {
        self.byte() % rarity.max(1) == rarity.max(1) - 1
    }

    /// Up to `most` bytes, as they are.
    pub fn bytes(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }
}
