//! A file of lines that is held in memory, and read again when it changes.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{
    durable::Locked,
    private::{Privacy, Stamp, read},
};
use crate::exit::Failure;

/// What a file says.
pub(super) trait Content: Default {
    /// How private the file has to be.
    const PRIVACY: Privacy;

    /// Reads all of it. The path is for messages.
    fn parse(path: &Path, text: &str) -> Result<Self, Failure>;
}

/// A file, and what it said when it was last read.
#[derive(Debug)]
pub(super) struct Watched<T> {
    path: PathBuf,
    content: T,
    stamp: Option<Stamp>,
    /// One more change might not be seen in the stamp, so it is read once more.
    is_fresh: bool,
}

impl<T: Content> Watched<T> {
    /// Reads a file that has to be there.
    pub(super) fn load(path: &Path) -> Result<Self, Failure> {
        let loaded = Self::load_or_empty(path)?;
        if loaded.stamp.is_none() {
            return Err(Failure::local(format!("there is no file {}", path.display())));
        }
        Ok(loaded)
    }

    /// Reads a file; one that is not there says nothing.
    pub(super) fn load_or_empty(path: &Path) -> Result<Self, Failure> {
        let mut loaded = Self { path: path.to_owned(), content: T::default(), stamp: None, is_fresh: false };
        loaded.reload()?;
        Ok(loaded)
    }

    pub(super) fn content(&self) -> &T {
        &self.content
    }

    /// Whether it was there at the last look.
    pub(super) const fn is_there(&self) -> bool {
        self.stamp.is_some()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it again if it has changed. A file that is gone says nothing. One that is not understood is told of
    /// once, and what it said before counts on.
    pub(super) fn reload_if_changed(&mut self) -> Result<bool, Failure> {
        let now = Stamp::now(&self.path)
            .map_err(|error| Failure::cannot(format_args!("read {}", self.path.display()), &error))?;
        let before = self.stamp;
        if now == before && !self.is_fresh {
            return Ok(false);
        }
        match self.reload() {
            Ok(()) => Ok(self.stamp != before),
            Err(_) if self.stamp == before => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Changes the file, and what is known of it, while nobody else does. `edit` is given what the file says now and
    /// its text; it gives the new text, or nothing if the old one is right. When this returns, the change is durable.
    pub(super) fn update<R>(
        &mut self,
        edit: impl FnOnce(&T, &str) -> Result<(Option<String>, R), Failure>,
    ) -> Result<R, Failure> {
        let locked = Locked::lock(&self.path)?;
        let old = read(&self.path, T::PRIVACY)?;
        let text = old.as_ref().map_or("", |(text, _)| text.as_str());
        let (new, result) = edit(&T::parse(&self.path, text)?, text)?;
        if let Some(new) = new {
            let new = zeroize::Zeroizing::new(new);
            // What could not be read again must not be written.
            T::parse(&self.path, &new)?;
            locked.replace(&new, T::PRIVACY)?;
        }
        self.reload()?;
        Ok(result)
    }

    /// Reads it again, whether it has changed or not.
    pub(super) fn reload(&mut self) -> Result<(), Failure> {
        let Some((text, stamp)) = read(&self.path, T::PRIVACY).inspect_err(|_| {
            // It is looked at again when it changes; `chmod` is a change.
            self.stamp = Stamp::now(&self.path).ok().flatten();
            self.is_fresh = false;
        })?
        else {
            (self.content, self.stamp, self.is_fresh) = (T::default(), None, false);
            return Ok(());
        };
        self.stamp = Some(stamp);
        self.is_fresh = stamp.is_fresh(SystemTime::now());
        self.content = T::parse(&self.path, &text)?;
        Ok(())
    }
}
