//! What tells the networks of known peers apart.

use super::SKEP;
use crate::limits::MAGIC_MAX;

/// The bytes that every datagram of a network of known peers begins with. A setting.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Magic {
    bytes: [u8; MAGIC_MAX],
    length: u8,
}

impl Magic {
    /// What the known peers use.
    pub const ROSTOV: Self = Self { bytes: *b"ROSTOV\0\0", length: 6 };

    /// A magic of 1 to [`MAGIC_MAX`] bytes; `None` for another length, and for one that begins as skep's own
    /// packets do.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut magic = Self { bytes: [0; MAGIC_MAX], length: bytes.len() as u8 };
        magic.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        (!bytes.is_empty() && !bytes.starts_with(SKEP)).then_some(magic)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl core::fmt::Debug for Magic {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Magic({})", self.as_bytes().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_magic_is_short_and_not_our_own() {
        assert!(Magic::new(b"").is_none());
        assert!(Magic::new(b"123456789").is_none());
        assert!(Magic::new(b"SKEPtic").is_none());
        assert_eq!(Magic::new(b"ROSTOV"), Some(Magic::ROSTOV));
    }
}
