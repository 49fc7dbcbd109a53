//! Numbers that wrap at 2^32, and rings that are indexed by them.

/// Where an entry of a ring stands whose length is a power of two.
pub(crate) const fn place(number: u32, length: usize) -> usize {
    number as usize & length.wrapping_sub(1)
}

/// A ring grew from `before` entries to twice as many or more: moves the entries `from..to` to their new places.
pub(crate) fn rearrange<T: Default>(values: &mut [T], before: usize, from: u32, to: u32) {
    if before == 0 {
        return;
    }
    let length = values.len();
    let mut number = from;
    while number != to {
        let (old, new) = (place(number, before), place(number, length));
        if old != new
            && let Some(value) = values.get_mut(old).map(core::mem::take)
            && let Some(entry) = values.get_mut(new)
        {
            *entry = value;
        }
        number = number.wrapping_add(1);
    }
}

/// Whether a number comes before another one; they are less than 2^31 apart.
pub(crate) const fn is_before(number: u32, other: u32) -> bool {
    number.wrapping_sub(other).cast_signed() < 0
}

/// The later one of two numbers.
pub(crate) const fn later(one: u32, other: u32) -> u32 {
    if is_before(one, other) { other } else { one }
}
