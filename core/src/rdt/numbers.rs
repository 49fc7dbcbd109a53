//! Numbers in as few bytes as they take: of connections on which nothing happens there are many.
//!
//! ```text
//!   300   1 0101100   0 0000010        seven bits a byte, the lowest first; the highest bit says that more follow (LEB128)
//! ```
//!
//! One list of fields serves both ways: a [`Writer`] writes down what stands there, a [`Reader`] puts it back.

use crate::Instant;

/// Who goes along a list of fields, and leaves each as it was when it was written down.
pub(crate) trait Numbers {
    /// The next one.
    fn long(&mut self, field: &mut u64);

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

    fn byte(&mut self, field: &mut u8) {
        let mut long = u64::from(*field);
        self.long(&mut long);
        *field = long as u8;
    }

    fn flag(&mut self, field: &mut bool) {
        let mut long = u64::from(*field);
        self.long(&mut long);
        *field = long != 0;
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

    /// One that is near another one, which was written down before it.
    fn near(&mut self, field: &mut Instant, other: Instant) {
        let mut distance = field.as_micros().wrapping_sub(other.as_micros());
        self.bits(&mut distance);
        *field = Instant::from_micros(other.as_micros().wrapping_add(distance));
    }
}

/// Writes numbers down.
#[derive(Debug)]
pub(crate) struct Writer<'o> {
    /// What is still free; `None` when it did not suffice.
    rest: Option<&'o mut [u8]>,
}

impl<'o> Writer<'o> {
    pub(crate) const fn new(out: &'o mut [u8]) -> Self {
        Self { rest: Some(out) }
    }

    /// Whether there was room for all of them.
    pub(crate) const fn has_fitted(&self) -> bool {
        self.rest.is_some()
    }
}

impl Numbers for Writer<'_> {
    fn long(&mut self, field: &mut u64) {
        let mut left = *field;
        loop {
            let more = if left > 0x7f { 0x80 } else { 0 };
            let Some((byte, rest)) = self.rest.take().and_then(<[u8]>::split_first_mut) else { return };
            *byte = (left & 0x7f) as u8 | more;
            self.rest = Some(rest);
            left >>= 7;
            if left == 0 {
                return;
            }
        }
    }
}

/// Reads what a [`Writer`] has written.
#[derive(Debug)]
pub(crate) struct Reader<'d>(pub(crate) &'d [u8]);

impl Numbers for Reader<'_> {
    fn long(&mut self, field: &mut u64) {
        *field = 0;
        for place in (0..64).step_by(7) {
            let Some((&byte, rest)) = self.0.split_first() else { return };
            self.0 = rest;
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

    type Rest = (u32, u16, u8, bool, u32, u64, Instant, Instant);

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
        numbers.near(&mut rest.7, rest.6);
    }

    #[test]
    fn what_was_written_down_is_read_back() {
        for long in [0, 1, 127, 128, 300, u64::from(u32::MAX), 1 << 63, u64::MAX] {
            let (word, short, byte) = (long as u32, long as u16, long as u8);
            let (moment, other) = (Instant::from_micros(long), Instant::from_micros(long.wrapping_sub(9)));
            let rest = (word, short, byte, byte == 1, word.wrapping_add(5), !long, moment, other);
            let (mut written, mut bytes) = ((long, rest), [0; 80]);
            let mut writer = Writer::new(&mut bytes);
            visit(&mut writer, &mut written.0, &mut written.1);
            assert!(writer.has_fitted());
            let mut read = (7, (7, 7, 7, true, 7, 7, Instant::FAR, Instant::FAR));
            visit(&mut Reader(&bytes), &mut read.0, &mut read.1);
            assert_eq!((written, read), ((long, rest), (long, rest)));
        }
    }

    #[test]
    fn small_numbers_and_bits_that_are_all_the_same_take_a_byte() {
        let mut bytes = [0; 3];
        let mut writer = Writer::new(&mut bytes);
        writer.word(&mut 127);
        writer.bits(&mut u64::MAX.clone());
        writer.after(&mut 2, u32::MAX);
        assert!(writer.has_fitted());
        writer.flag(&mut false);
        assert!(!writer.has_fitted());
    }
}
