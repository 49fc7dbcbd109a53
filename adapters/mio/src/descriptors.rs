//! How many files and connections the system lets this process have open, and how many of them are left.
//!
//! It gives the lowest number that is free: so about as many are taken as the number of a new one says.

#[cfg(unix)]
use std::os::fd::{AsFd, AsRawFd};

/// A part of them that is left to new connections: what those who are there open besides (files, pipes) does without.
#[cfg(unix)]
const RESERVED: usize = 16;

#[cfg(unix)]
fn limit() -> Option<usize> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current?;
    Some(usize::try_from(limit).unwrap_or(usize::MAX))
}

/// How many are left at most behind a new one, when there are so many others at least. `None`: there is no limit.
#[cfg(unix)]
pub(crate) fn left_behind(new: &impl AsFd, others: usize) -> Option<usize> {
    Some(limit()?.saturating_sub(number(new).max(others)))
}

/// Whether a new one is one of those that are left to connections.
#[cfg(unix)]
pub(crate) fn is_reserved(new: &impl AsFd) -> bool {
    limit().is_some_and(|limit| number(new) >= limit - limit / RESERVED)
}

#[cfg(unix)]
fn number(new: &impl AsFd) -> usize {
    usize::try_from(new.as_fd().as_raw_fd()).unwrap_or(0)
}

/// There is no limit that a process would meet.
#[cfg(not(unix))]
pub(crate) fn left_behind<T>(_: &T, _: usize) -> Option<usize> {
    None
}

/// None is.
#[cfg(not(unix))]
pub(crate) fn is_reserved<T>(_: &T) -> bool {
    false
}
