//! Everything at once: the directory itself, and a walk through it.

use super::{BAD_NAME, Change, Keeper, LOOK, Stopped};
use crate::shared_directory::{
    scan::{ENTRIES_MAX, Found, scan},
    sign::{QUIET, Sign},
};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::{
    fs, io,
    path::Path,
    time::{Duration, Instant, SystemTime},
};

/// How often everything is looked at, whatever was noticed; seldom enough that it costs a tenth of the time at most.
const WALK: Duration = Duration::from_secs(30);
const WALK_SHARE: u32 = 10;

impl Keeper {
    /// Sees to it that the directory that is there is the one that is watched.
    pub(super) fn look_at_root(&mut self) -> Result<(), Stopped> {
        let identity = Identity::of(&self.root).ok();
        if identity == self.watched {
            return Ok(());
        }
        let was_watched = self.watched.is_some();
        self.watcher = None;
        self.watched = identity;
        if identity.is_none() {
            for name in std::mem::take(&mut self.known).into_keys() {
                self.tell(Change::Withdrawn { name: name.into() })?;
            }
            self.pending.clear();
            self.hashing.clear();
            return if was_watched { self.tell(Change::Gone) } else { Ok(()) };
        }
        if self.settled && !was_watched {
            self.tell(Change::Back)?;
        }
        match self.watch() {
            Ok(watcher) => self.watcher = Some(watcher),
            Err(error) => self.tell_unwatched(&error)?,
        }
        self.walk_at = Instant::now();
        Ok(())
    }

    /// Tells that not everything can be watched, once.
    pub(super) fn tell_unwatched(&mut self, error: &notify::Error) -> Result<(), Stopped> {
        if std::mem::replace(&mut self.told_trouble, true) {
            return Ok(());
        }
        let (root, why) = (self.root.display(), why(error));
        let text = format!("cannot watch {root}: {why}; it is looked at now and then");
        self.tell(Change::Trouble { text: text.into() })
    }

    fn watch(&self) -> notify::Result<RecommendedWatcher> {
        let notices = self.notices.clone();
        let handler = move |notice| notices.put(notice);
        let config = notify::Config::default().with_follow_symlinks(false);
        let mut watcher = RecommendedWatcher::new(handler, config)?;
        watch_below(&mut watcher, &self.root)?;
        Ok(watcher)
    }

    /// Looks at everything.
    pub(super) fn walk(&mut self) -> Result<(), Stopped> {
        let began = Instant::now();
        let Ok(found) = scan(&self.root, &self.root, &self.except) else {
            self.walk_at = began + LOOK;
            return Ok(());
        };
        if found.is_cut && !std::mem::replace(&mut self.told_cut, true) {
            let text =
                format!("{} has more than {ENTRIES_MAX} entries: not all are shared", self.root.display());
            self.tell(Change::Trouble { text: text.into() })?;
        }
        self.folders.clear();
        let gone = self.known.keys().filter(|name| !found.files.contains_key(*name));
        let gone = gone.cloned().collect();
        self.compare(found, gone)?;
        if self.hashing.is_idle() {
            // Who has no hash by now could not be read, perhaps for a moment only.
            for (name, _) in self.known.iter().filter(|(_, known)| known.hash.is_none()) {
                self.hashing.push(name);
            }
        }
        let took = began.elapsed();
        // Without notices this is all that there is.
        let pause = if self.watcher.is_some() { WALK } else { QUIET };
        self.walk_at = Instant::now() + pause.max(took * WALK_SHARE);
        Ok(())
    }

    /// Looks at everything below a directory, which may be gone.
    pub(super) fn walk_below(&mut self, folder: &str) -> Result<(), Stopped> {
        let found = scan(&self.root, &self.root.join(folder), &self.except).unwrap_or_default();
        let gone = self.known_below(folder).filter(|name| !found.files.contains_key(*name));
        let gone = gone.cloned().collect();
        self.compare(found, gone)
    }

    /// The directory on the way to a file in which another file system begins: no name leads into that.
    pub(super) fn other_file_system(&self, name: &str) -> Option<String> {
        let own = Identity::of(&self.root).ok()?.device;
        let is_other =
            |folder: &&str| Identity::of(&self.root.join(folder)).is_ok_and(|found| found.device != own);
        let mut folders = name.match_indices('/').map(|(end, _)| &name[..end]);
        folders.find(is_other).map(ToOwned::to_owned)
    }

    /// Tells what is gone, and marks what is another one than it was.
    fn compare(&mut self, found: Found, gone: Vec<String>) -> Result<(), Stopped> {
        for name in gone {
            self.withdraw(&name)?;
        }
        for (name, stamp) in found.files {
            let is_same = self.known.get(&name).is_some_and(|known| known.stamp == stamp);
            if !is_same {
                let sign = self.pending.get(&name).map_or(Sign::Unknown, |(sign, _)| *sign);
                self.marked.entry(name).or_insert(sign);
            }
        }
        for path in found.bad {
            self.tell_once(&path, BAD_NAME)?;
        }
        Ok(())
    }
}

/// Watches a directory and all below it, but what may not be read or has just gone.
fn watch_below(watcher: &mut RecommendedWatcher, directory: &Path) -> notify::Result<()> {
    match watcher.watch(directory, RecursiveMode::Recursive) {
        Err(error) if is_of_one(&error) => {}
        outcome => return outcome,
    }
    // That ends where it fails; so each of the others is watched by itself.
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|file_type| file_type.is_dir()) {
            watch_below(watcher, &entry.path())?;
        }
    }
    Ok(())
}

/// Whether others can be watched all the same.
fn is_of_one(error: &notify::Error) -> bool {
    match &error.kind {
        notify::ErrorKind::PathNotFound => true,
        notify::ErrorKind::Io(error) => {
            matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound)
        }
        _ => false,
    }
}

/// Why a directory cannot be watched: where it is the system's limits, which of them.
fn why(error: &notify::Error) -> String {
    match &error.kind {
        notify::ErrorKind::MaxFilesWatch => {
            "no more can be watched; raise fs.inotify.max_user_watches".into()
        }
        // The system says the same when the process has no descriptor left; then no other file can be opened either.
        notify::ErrorKind::Io(error) if is_out_of_files(error) && fs::File::open("/dev/null").is_ok() => {
            "there are no more instances of inotify; raise fs.inotify.max_user_instances".into()
        }
        _ => error.to_string(),
    }
}

#[cfg(unix)]
fn is_out_of_files(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EMFILE)
}

#[cfg(not(unix))]
const fn is_out_of_files(_: &io::Error) -> bool {
    false
}

/// What tells one directory at a path from another. A number alone does not: a directory that is made again at once often
/// gets the number of the one that was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    number: u64,
    /// Where the file system knows it.
    made: Option<SystemTime>,
}

impl Identity {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        if !metadata.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        #[cfg(unix)]
        let (device, number) = {
            use std::os::unix::fs::MetadataExt;
            (metadata.dev(), metadata.ino())
        };
        #[cfg(not(unix))]
        let (device, number) = (0, 0);
        Ok(Self { device, number, made: metadata.created().ok() })
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_watched_for_a_limit_names_the_limit() {
        let of = |number| notify::Error::io(io::Error::from_raw_os_error(number));
        assert!(why(&of(libc::EMFILE)).contains("fs.inotify.max_user_instances"));
        let watches = notify::Error::new(notify::ErrorKind::MaxFilesWatch);
        assert!(why(&watches).contains("fs.inotify.max_user_watches"));
        assert!(why(&of(libc::EACCES)).contains("Permission denied"));
    }
}
