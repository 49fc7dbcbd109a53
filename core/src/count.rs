//! Counters of what has happened.

/// Counts one more. A counter stops at its maximum instead of starting again.
pub(crate) const fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}
