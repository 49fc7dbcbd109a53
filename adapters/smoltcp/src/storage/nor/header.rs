//! What the header of a slot says, to the byte. Numbers are little-endian.
//!
//! ```text
//!      0  magic "SKF1"       4                      320  length       8
//!      4  sequence           4                      328  sequence     4
//!      8  length             8, or 2^64 - 1         332  CRC-32       4   of the 12 bytes before it
//!     16  length of the name 1                      384  marks: a write unit of zeros each
//!     17  name               255
//!    272  CRC-32             4   of all before it
//! ```

use skep_core::{limits::NAME_MAX, wire::Name};

const MAGIC: [u8; 4] = *b"SKF1";

/// The first part: a file was begun.
pub(super) const BEGUN: usize = 320;
/// The second part: it is whole.
pub(super) const WHOLE: usize = 64;
/// Where the marks begin.
pub(super) const HEADER: usize = BEGUN + WHOLE;

const NAME: usize = 17;
const CHECK: usize = NAME + NAME_MAX;

/// The first part of a header.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    pub(super) bytes: [u8; BEGUN],
    pub(super) sequence: u32,
}

impl Begun {
    pub(super) fn new(name: Name<'_>, length: Option<u64>, sequence: u32) -> Self {
        let name = name.as_str().as_bytes();
        let mut bytes = [0xff; BEGUN];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&sequence.to_le_bytes());
        bytes[8..16].copy_from_slice(&length.unwrap_or(u64::MAX).to_le_bytes());
        bytes[16] = name.len() as u8;
        bytes[NAME..NAME + name.len()].copy_from_slice(name);
        let check = crc32(&bytes[..CHECK]);
        bytes[CHECK..CHECK + 4].copy_from_slice(&check.to_le_bytes());
        Self { bytes, sequence }
    }

    /// `None`: it is none, or was not written to its end.
    pub(super) fn parse(bytes: [u8; BEGUN]) -> Option<Self> {
        let check = u32::from_le_bytes(*bytes.get(CHECK..)?.first_chunk()?);
        if !bytes.starts_with(&MAGIC) || crc32(&bytes[..CHECK]) != check {
            return None;
        }
        let sequence = u32::from_le_bytes(*bytes.get(4..)?.first_chunk()?);
        Some(Self { bytes, sequence })
    }

    pub(super) fn length(&self) -> Option<u64> {
        let length = u64::from_le_bytes(*self.bytes.get(8..)?.first_chunk()?);
        (length != u64::MAX).then_some(length)
    }

    pub(super) fn name(&self) -> &[u8] {
        &self.bytes[NAME..NAME + usize::from(self.bytes[16])]
    }

    pub(super) fn is(&self, name: Name<'_>) -> bool {
        self.name() == name.as_str().as_bytes()
    }
}

/// The second part, of the file that was begun with this sequence.
pub(super) fn whole(sequence: u32, length: u64) -> [u8; WHOLE] {
    let mut bytes = [0xff; WHOLE];
    bytes[..8].copy_from_slice(&length.to_le_bytes());
    bytes[8..12].copy_from_slice(&sequence.to_le_bytes());
    let check = crc32(&bytes[..12]);
    bytes[12..16].copy_from_slice(&check.to_le_bytes());
    bytes
}

/// The length in the second part, if it was written to its end and belongs to this file.
pub(super) fn parse_whole(bytes: &[u8; WHOLE], sequence: u32) -> Option<u64> {
    let length = u64::from_le_bytes(*bytes.first_chunk()?);
    (bytes[..16] == whole(sequence, length)[..16]).then_some(length)
}

/// The check sum of IEEE 802.3, bit by bit: a header is rare, and a table would be a kilobyte.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1));
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_sum_is_that_of_ethernet() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_header_says_what_it_was_told_and_any_flipped_bit_makes_it_none() {
        let name = Name::new(b"a/b").unwrap();
        let begun = Begun::new(name, Some(7), 9);
        let parsed = Begun::parse(begun.bytes).unwrap();
        assert_eq!((parsed.sequence, parsed.length(), parsed.is(name)), (9, Some(7), true));
        assert_eq!(Begun::parse(Begun::new(name, None, 9).bytes).unwrap().length(), None);
        for bit in 0..(CHECK + 4) * 8 {
            let mut bytes = begun.bytes;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Begun::parse(bytes).is_none(), "bit {bit}");
        }
        assert_eq!(parse_whole(&whole(9, 7), 9), Some(7));
        assert_eq!(parse_whole(&whole(9, 7), 8), None);
        assert_eq!(parse_whole(&[0xff; WHOLE], 9), None);
        for bit in 0..16 * 8 {
            let mut bytes = whole(9, 7);
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse_whole(&bytes, 9), None, "bit {bit}");
        }
    }
}
