//! Where a machine keeps what it has many of: fixed on a device, growing on a host.
//!
//! The core never allocates. What grows with the number of peers or with a window sits behind [`Memory`]; a
//! heapless vector of a fixed capacity is one, an adapter with an allocator brings another. The bound is the
//! memory's own: a machine asks for more and lives with a no.

/// A sequence of values that can be made longer, up to a bound of its own.
pub trait Memory<T> {
    /// The values that are there now.
    fn values(&self) -> &[T];

    /// The same, to change.
    fn values_mut(&mut self) -> &mut [T];

    /// The most values that [`Memory::grow`] can reach.
    fn bound(&self) -> usize;

    /// Appends copies of what `fill` makes until there are `length` values or the bound is met.
    fn grow(&mut self, length: usize, fill: impl FnMut() -> T);

    /// Drops every value, and gives the room back where the memory can.
    fn release(&mut self);
}

impl<T, const N: usize> Memory<T> for heapless::Vec<T, N> {
    fn values(&self) -> &[T] {
        self
    }

    fn values_mut(&mut self) -> &mut [T] {
        self
    }

    fn bound(&self) -> usize {
        N
    }

    fn grow(&mut self, length: usize, mut fill: impl FnMut() -> T) {
        while self.len() < length {
            if self.push(fill()).is_err() {
                return;
            }
        }
    }

    fn release(&mut self) {
        self.clear();
    }
}

/// All of it is always there, and nothing is given back.
impl<T, const N: usize> Memory<T> for [T; N] {
    fn values(&self) -> &[T] {
        self
    }

    fn values_mut(&mut self) -> &mut [T] {
        self
    }

    fn bound(&self) -> usize {
        N
    }

    fn grow(&mut self, _: usize, _: impl FnMut() -> T) {}

    fn release(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_memory_grows_to_its_bound_and_no_further() {
        let mut memory = heapless::Vec::<u8, 2>::new();
        Memory::grow(&mut memory, 9, || 7);
        assert_eq!(memory.values(), [7, 7]);
        memory.release();
        assert!(memory.values().is_empty());
    }
}
