//! A directory that is shared, kept in step with what lies in it.
//!
//! ```text
//!   the system's notices ──► what may have changed ──► looked at ──► Shared, Withdrawn ──► the network loop
//!   a walk now and then  ──►                               └──► hashed, when there is nothing else to do
//! ```
//!
//! A notice is only a hint: what is told comes from looking at the file. So notices that were lost, a queue that
//! overflowed, or a directory that was removed and made again cost some time, and no file.
//!
//! All of it runs on a thread of its own: a walk and a hash can take long.

mod hashing;
mod keeper;
mod name;
mod scan;
mod sign;
#[cfg(all(test, unix))]
mod tests;

use keeper::Keeper;
use mio::Waker;
use sign::About;
use skep_core::wire::session::FileInfo;
use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::Builder,
};

/// The most changes that wait to be taken; then the thread waits too.
const CHANGES_MAX: usize = 1_024;

/// The most notices that wait to be looked at. When there are more, everything is looked at.
const NOTICES_MAX: usize = 1 << 16;

/// What happened to a shared directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A file is there, whole; or it is another one than before; or its hash is known now.
    Shared {
        /// Its name, relative to the directory.
        name: Box<str>,
        /// Its length and hash.
        info: FileInfo,
    },
    /// A file is there no longer.
    Withdrawn {
        /// The name that it had.
        name: Box<str>,
    },
    /// A file cannot be shared. Told once.
    NotShared {
        /// Where it is, as far as that can be shown.
        path: Box<str>,
        /// Why not.
        why: &'static str,
    },
    /// Everything that is there has been looked at once.
    Settled,
    /// The directory itself is gone; it is looked for until it is back.
    Gone,
    /// It is back.
    Back,
    /// Something does not work as it should; sharing goes on all the same.
    Trouble {
        /// What.
        text: Box<str>,
    },
}

/// A directory that is watched. Dropped, it is not any more.
#[derive(Debug)]
pub struct SharedDirectory {
    changes: Receiver<Change>,
    stopped: Arc<AtomicBool>,
}

impl SharedDirectory {
    /// Watches the directory, without what lies in the directories `except`. Each change wakes the loop by `waker`.
    ///
    /// # Errors
    /// It is no directory that can be read, or the system has no thread to give.
    pub fn watch(directory: &Path, except: &[PathBuf], waker: Arc<Waker>) -> io::Result<Self> {
        // Another process may change its own current directory, but not ours; still, a full path is shown and compared.
        let directory = directory.canonicalize()?;
        crate::storage::Directory::open(&directory)?;
        // What lies around the directory takes nothing out of it.
        let except = except.iter().filter_map(|path| resolved(path));
        let except = except.filter(|path| path.starts_with(&directory)).collect();
        let (tell, changes) = sync_channel(CHANGES_MAX);
        let stopped = Arc::new(AtomicBool::new(false));
        let keeper = Keeper::new(directory, except, tell, waker, Arc::clone(&stopped));
        Builder::new().name("skep-share".into()).spawn(move || keeper.run())?;
        Ok(Self { changes, stopped })
    }

    /// The next change that was not taken yet.
    pub fn next(&self) -> Option<Change> {
        self.changes.try_recv().ok()
    }
}

impl Drop for SharedDirectory {
    fn drop(&mut self) {
        // It is seen within a second; nobody waits for that.
        self.stopped.store(true, Ordering::Relaxed);
    }
}

/// Notices of the system, on their way to the thread.
#[derive(Clone)]
struct Notices {
    to: SyncSender<notify::Result<notify::Event>>,
    /// Some found no room.
    lost: Arc<AtomicBool>,
}

impl Notices {
    fn new() -> (Self, Receiver<notify::Result<notify::Event>>) {
        let (to, from) = sync_channel(NOTICES_MAX);
        (Self { to, lost: Arc::default() }, from)
    }

    fn put(&self, notice: notify::Result<notify::Event>) {
        // Who only reads changes nothing; above all the thread itself does, which is not to be held up by that.
        if notice.as_ref().is_ok_and(|event| matches!(About::new(event.kind), About::Nothing)) {
            return;
        }
        if self.to.try_send(notice).is_err() {
            self.lost.store(true, Ordering::Relaxed);
        }
    }

    fn take_lost(&self) -> bool {
        self.lost.swap(false, Ordering::Relaxed)
    }
}

/// Where a path leads, also one of which the end is yet to be made.
fn resolved(path: &Path) -> Option<PathBuf> {
    let whole = std::path::absolute(path).ok()?;
    let there = whole.ancestors().find_map(|above| Some((above.canonicalize().ok()?, above)));
    let (found, above) = there?;
    Some(found.join(whole.strip_prefix(above).ok()?))
}
