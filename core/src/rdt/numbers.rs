//! Numbers in as few bytes as they take: of connections on which nothing happens there are many.
//!
//! ```text
//!   300    1 0101100   0 0000010       seven bits a byte, the lowest first; the highest bit says that more follow (LEB128)
//!   flags  0 0 1 0 1 1 0 1             eight in a byte, which stands where the first of them is
//! ```
//!
//! One list of fields serves both ways: a [`Writer`] writes down what stands there, a [`Reader`] puts it back.

use crate::Instant;

/// Who goes along a list of fields, and leaves each as it was when it was written down.
pub(crate) trait Numbers {
    /// The next bytes, as they are.
    fn raw<const N: usize>(&mut self, bytes: &mut [u8; N]);

    /// The next flag.
    fn flag(&mut self, field: &mut bool);

    /// A number.
    fn long(&mut self, field: &mut u64);

    /// One that is random, or so large that it takes all its bytes.
    fn random(&mut self, field: &mut u64) {
        let mut bytes = field.to_le_bytes();
        self.raw(&mut bytes);
        *field = u64::from_le_bytes(bytes);
    }

    /// The same of 32 bits.
    fn random_word(&mut self, field: &mut u32) {
        let mut bytes = field.to_le_bytes();
        self.raw(&mut bytes);
        *field = u32::from_le_bytes(bytes);
    }

    /// One that mostly is what is `usual` for it, which is known without being written down.
    fn mostly(&mut self, field: &mut u32, usual: u32) {
        let mut is_usual = *field == usual;
        self.flag(&mut is_usual);
        if is_usual {
            *field = usual;
        } else {
            self.word(field);
        }
    }

    fn word(&mut self, field: &mut u32) {
        let mut long = u64::from(*field);
        self.long(&mut long);
        *field = long as u32;
    }

    fn short(&mut self, field: &mut u16) {
        let mut long = u64::from(*field);
        self.long(&mut long);
        *field = long as u16;
    }

    /// A size that mostly is the `usual` one.
    fn size(&mut self, field: &mut u16, usual: u16) {
        let mut word = u32::from(*field);
        self.mostly(&mut word, usual.into());
        *field = word as u16;
    }

    fn byte(&mut self, field: &mut u8) {
        let mut long = u64::from(*field);
        self.long(&mut long);
        *field = long as u8;
    }

    /// One that is not far behind another one, which was written down before it.
    fn after(&mut self, field: &mut u32, other: u32) {
        let mut distance = field.wrapping_sub(other);
        self.word(&mut distance);
        *field = other.wrapping_add(distance);
    }

    /// Bits that are most of them the same (the zigzag encoding of a signed number).
    fn bits(&mut self, field: &mut u64) {
        let mut folded = *field << 1 ^ (field.cast_signed() >> 63).cast_unsigned();
        self.long(&mut folded);
        *field = folded >> 1 ^ (folded & 1).wrapping_neg();
    }

    fn moment(&mut self, field: &mut Instant) {
        let mut long = field.as_micros();
        self.long(&mut long);
        *field = Instant::from_micros(long);
    }

    /// One that comes after another one, which was written down before it; mostly so many microseconds.
    fn later(&mut self, field: &mut Instant, other: Instant, usual: u32) {
        let mut distance = field.micros_since(other).min(u32::MAX.into()) as u32;
        self.mostly(&mut distance, usual);
        *field = other.plus_micros(distance.into());
    }

    /// One that came before another one, which was written down before it. What is longer ago than `most` microseconds is not
    /// told from what was then.
    fn earlier(&mut self, field: &mut Instant, other: Instant, most: u32) {
        let mut distance = other.micros_since(*field).min(most.into()) as u32;
        self.mostly(&mut distance, most);
        *field = Instant::from_micros(other.as_micros().saturating_sub(distance.into()));
    }
}

/// Writes numbers down.
#[derive(Debug)]
pub(crate) struct Writer<'o> {
    out: &'o mut [u8],
    /// Where the next byte stands, had it room.
    at: usize,
    /// Where the newest flags stand, and which of them is the next.
    flags_at: usize,
    flag: u8,
}

impl<'o> Writer<'o> {
    pub(crate) const fn new(out: &'o mut [u8]) -> Self {
        Self { out, at: 0, flags_at: 0, flag: 0 }
    }

    /// Whether there was room for all of them.
    pub(crate) const fn has_fitted(&self) -> bool {
        self.at <= self.out.len()
    }

    fn put(&mut self, byte: u8) {
        if let Some(place) = self.out.get_mut(self.at) {
            *place = byte;
        }
        self.at = self.at.saturating_add(1);
    }
}

impl Numbers for Writer<'_> {
    fn raw<const N: usize>(&mut self, bytes: &mut [u8; N]) {
        if let Some(room) = self.out.get_mut(self.at..).and_then(<[u8]>::first_chunk_mut) {
            *room = *bytes;
        }
        self.at = self.at.saturating_add(N);
    }

    fn flag(&mut self, field: &mut bool) {
        if self.flag == 0 {
            (self.flags_at, self.flag) = (self.at, 1);
            self.put(0);
        }
        if let Some(flags) = self.out.get_mut(self.flags_at) {
            *flags |= if *field { self.flag } else { 0 };
        }
        self.flag <<= 1;
    }

    fn long(&mut self, field: &mut u64) {
        let mut left = *field;
        while left > 0x7f {
            self.put(left as u8 | 0x80);
            left >>= 7;
        }
        self.put(left as u8);
    }
}

/// Reads what a [`Writer`] has written.
#[derive(Debug)]
pub(crate) struct Reader<'d> {
    bytes: &'d [u8],
    at: usize,
    flags: u8,
    flag: u8,
}

impl<'d> Reader<'d> {
    pub(crate) const fn new(bytes: &'d [u8]) -> Self {
        Self { bytes, at: 0, flags: 0, flag: 0 }
    }

    fn next(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at = self.at.saturating_add(1);
        byte
    }
}

impl Numbers for Reader<'_> {
    fn raw<const N: usize>(&mut self, bytes: &mut [u8; N]) {
        let found = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk);
        *bytes = found.copied().unwrap_or([0; N]);
        self.at = self.at.saturating_add(N);
    }

    fn flag(&mut self, field: &mut bool) {
        if self.flag == 0 {
            (self.flags, self.flag) = (self.next(), 1);
        }
        *field = self.flags & self.flag != 0;
        self.flag <<= 1;
    }

    fn long(&mut self, field: &mut u64) {
        *field = 0;
        for place in (0..64).step_by(7) {
            let byte = self.next();
            *field |= u64::from(byte & 0x7f) << place;
            if byte & 0x80 == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Rest = (u32, u16, u8, bool, u32, u64, Instant, Instant, u64, u32, u32, Instant);

    /// Goes along one of each kind.
    fn visit(numbers: &mut impl Numbers, long: &mut u64, rest: &mut Rest) {
        numbers.long(long);
        numbers.word(&mut rest.0);
        numbers.short(&mut rest.1);
        numbers.byte(&mut rest.2);
        numbers.flag(&mut rest.3);
        numbers.after(&mut rest.4, rest.0);
        numbers.bits(&mut rest.5);
        numbers.moment(&mut rest.6);
        numbers.later(&mut rest.7, rest.6, 9);
        numbers.earlier(&mut rest.11, rest.6, 1_000);
        numbers.random(&mut rest.8);
        numbers.random_word(&mut rest.9);
        numbers.mostly(&mut rest.10, 7);
        for _ in 0..9 {
            numbers.flag(&mut rest.3);
        }
    }

    #[test]
    fn what_was_written_down_is_read_back() {
        for long in [0, 1, 127, 128, 300, u64::from(u32::MAX), 1 << 63, u64::MAX] {
            let (word, short, byte) = (long as u32, long as u16, long as u8);
            let (moment, other) = (Instant::from_micros(long), Instant::from_micros(long.saturating_add(9)));
            let more = (word.wrapping_add(5), !long, moment, other);
            let rest =
                (word, short, byte, byte == 1, more.0, more.1, more.2, more.3, long, word, word, moment);
            let (mut written, mut bytes) = ((long, rest), [0; 100]);
            let mut writer = Writer::new(&mut bytes);
            visit(&mut writer, &mut written.0, &mut written.1);
            assert!(writer.has_fitted());
            let mut read = (7, (7, 7, 7, true, 7, 7, Instant::FAR, Instant::FAR, 7, 7, 7, Instant::FAR));
            visit(&mut Reader::new(&bytes), &mut read.0, &mut read.1);
            assert_eq!((written, read), ((long, rest), (long, rest)));
        }
    }

    #[test]
    fn small_numbers_and_bits_that_are_all_the_same_take_a_byte_and_flags_a_bit() {
        let mut bytes = [0; 4];
        let mut writer = Writer::new(&mut bytes);
        writer.word(&mut 127);
        writer.bits(&mut u64::MAX.clone());
        writer.after(&mut 2, u32::MAX);
        for _ in 0..4 {
            writer.flag(&mut true);
            writer.mostly(&mut 900, 900);
        }
        assert!(writer.has_fitted());
        writer.flag(&mut false);
        assert!(!writer.has_fitted());
    }
}
