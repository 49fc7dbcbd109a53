//! Memories that grow, for the machines of the core.

use skep_core::Memory;

/// A memory that takes room when it is used and gives it back when it is not, up to `BOUND` values.
#[derive(Debug)]
pub struct Growing<T, const BOUND: usize>(Vec<T>);

impl<T, const BOUND: usize> Growing<T, BOUND> {
    /// An empty memory.
    pub const fn new() -> Self {
        Self(Vec::new())
    }
}

impl<T, const BOUND: usize> Default for Growing<T, BOUND> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const BOUND: usize> Memory<T> for Growing<T, BOUND> {
    fn values(&self) -> &[T] {
        &self.0
    }

    fn values_mut(&mut self) -> &mut [T] {
        &mut self.0
    }

    fn bound(&self) -> usize {
        BOUND
    }

    fn grow(&mut self, length: usize, fill: impl FnMut() -> T) {
        if length > self.0.len() {
            let length = length.min(BOUND);
            // No more than is asked for: it is the machines that know how much more they will want.
            self.0.reserve_exact(length - self.0.len());
            self.0.resize_with(length, fill);
        }
    }

    fn release(&mut self) {
        self.0 = Vec::new();
    }
}

/// A memory of `N` values that is there as a whole or not at all, and takes a word then.
#[derive(Debug)]
pub struct Whole<T, const N: usize>(Option<Box<[T; N]>>);

impl<T, const N: usize> Default for Whole<T, N> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T, const N: usize> Memory<T> for Whole<T, N> {
    fn values(&self) -> &[T] {
        self.0.as_ref().map_or(&[], |values| values.as_slice())
    }

    fn values_mut(&mut self) -> &mut [T] {
        self.0.as_mut().map_or(&mut [], |values| values.as_mut_slice())
    }

    fn bound(&self) -> usize {
        N
    }

    fn grow(&mut self, length: usize, mut fill: impl FnMut() -> T) {
        if length > 0 {
            self.0.get_or_insert_with(|| Box::new(std::array::from_fn(|_| fill())));
        }
    }

    fn release(&mut self) {
        self.0 = None;
    }
}

/// How much more room is to be made before one more comes: none, or a sixteenth, as the core's tables do. What is doubled may
/// stand half empty.
pub const fn room_for_more(length: usize, capacity: usize) -> usize {
    if length < capacity { 0 } else { length / 16 + 4 }
}
