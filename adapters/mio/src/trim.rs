//! Memory back to the system.

/// Gives back what was freed. What many sessions took for a moment, all at once, lies between what they keep, and would
/// stay with the process. Takes some milliseconds.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn give_back() {
    crate::provider::rest();
    // SAFETY: it touches nothing but the allocator's own lists of what is free, under their locks.
    let _ = unsafe { libc::malloc_trim(0) };
}

/// Elsewhere the allocator does as it likes.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back() {
    crate::provider::rest();
}
