//! How long the files under way are going to be.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The announced lengths of the files that this process is receiving, by their temporary names. Nothing on the disk says
/// them, as nothing there is taken before it comes.
#[derive(Clone, Debug, Default)]
pub(super) struct Announced(Arc<Mutex<HashMap<Box<str>, u64>>>);

impl Announced {
    /// A file is under way.
    pub(super) fn add(&self, temporary: &str, length: u64) {
        self.lock().insert(temporary.into(), length);
    }

    /// It is not any more.
    pub(super) fn remove(&self, temporary: &str) {
        self.lock().remove(temporary);
    }

    /// How long a file is going to be; nothing where that is not known.
    pub(super) fn length(&self, name: &str) -> u64 {
        self.lock().get(name).copied().unwrap_or(0)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
