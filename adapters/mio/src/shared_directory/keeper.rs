//! The thread that looks after a shared directory.
//!
//! A file is complete when who wrote it has closed it, or it was moved in. Of files that were there before, or whose
//! notices were lost, nobody can say that: they are taken for complete when they have not changed for a while.

#[cfg(all(test, unix))]
mod tests;
mod walk;

use super::{
    Change, Notices,
    hashing::{Hashed, Hashing, hash},
    name::{Kind, kind},
    scan::Stamp,
    sign::{About, QUIET, Sign},
};
use crate::storage::Directory;
use mio::Waker;
use notify::{Event, RecommendedWatcher};
use skep_core::{
    stream::Fault,
    wire::{Name, session::FileInfo},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender},
    },
    time::{Duration, Instant},
};
use walk::Identity;

/// Notices are gathered for so long before what they are about is looked at.
const GATHER: Duration = Duration::from_millis(50);

/// How often it is looked whether the directory is there, and is the one that is watched.
const LOOK: Duration = Duration::from_secs(1);

/// How long the first look may take because files are not complete yet.
const SETTLE_MAX: Duration = Duration::from_secs(3);

/// Files up to this are hashed before they are shared, the others afterwards.
const SMALL: u64 = 1 << 20;

/// Why something is not shared.
pub(in crate::shared_directory) const BAD_NAME: &str = "others could not use its name";
const UNREADABLE: &str = "you may not read it";
const ELSEWHERE: &str = "another file system begins there";

/// Names that wait to be looked at; if there are more, everything is.
const MARKED_MAX: usize = 10_000;

/// Directories that wait to be walked through; if there are more, everything is.
const FOLDERS_MAX: usize = 1_000;

#[derive(Debug)]
struct Known {
    stamp: Stamp,
    hash: Option<[u8; 32]>,
}

pub(super) struct Keeper {
    root: PathBuf,
    except: Vec<PathBuf>,
    notices: Notices,
    noticed: Receiver<notify::Result<Event>>,
    tell: SyncSender<Change>,
    waker: Arc<Waker>,
    stopped: Arc<AtomicBool>,
    watcher: Option<RecommendedWatcher>,
    /// Which directory is watched.
    watched: Option<Identity>,
    /// It could not be watched, and it has more than is looked at: that was told.
    told_trouble: bool,
    told_cut: bool,
    known: BTreeMap<String, Known>,
    /// What is to be looked at.
    marked: BTreeMap<String, Sign>,
    /// Directories that are to be walked through.
    folders: BTreeSet<String>,
    /// What was looked at and is not complete, and when to look again.
    pending: BTreeMap<String, (Sign, Instant)>,
    hashing: Hashing,
    /// What is not shared, of which that was told.
    told_not: BTreeSet<String>,
    walk_at: Instant,
    settled: bool,
    began: Instant,
}

/// Nobody wants to hear of changes any more.
struct Stopped;

impl Keeper {
    pub(super) fn new(
        root: PathBuf,
        except: Vec<PathBuf>,
        tell: SyncSender<Change>,
        waker: Arc<Waker>,
        stopped: Arc<AtomicBool>,
    ) -> Self {
        let (notices, noticed) = Notices::new();
        Self {
            root,
            except,
            notices,
            noticed,
            tell,
            waker,
            stopped,
            watcher: None,
            watched: None,
            told_trouble: false,
            told_cut: false,
            known: BTreeMap::new(),
            marked: BTreeMap::new(),
            folders: BTreeSet::new(),
            pending: BTreeMap::new(),
            hashing: Hashing::default(),
            told_not: BTreeSet::new(),
            walk_at: Instant::now(),
            settled: false,
            began: Instant::now(),
        }
    }

    /// Works until it is told to stop, or nobody listens.
    pub(super) fn run(mut self) {
        while !self.stopped.load(Ordering::Relaxed) && self.turn().is_ok() {}
    }

    fn turn(&mut self) -> Result<(), Stopped> {
        self.look_at_root()?;
        if Instant::now() >= self.walk_at {
            self.walk()?;
        }
        for folder in std::mem::take(&mut self.folders) {
            self.walk_below(&folder)?;
        }
        let marked = std::mem::take(&mut self.marked);
        for (name, sign) in marked {
            self.look(&name, sign)?;
        }
        let now = Instant::now();
        let due = self.pending.iter().filter(|(_, (_, at))| *at <= now).map(|(name, _)| name.clone());
        for name in due.collect::<Vec<_>>() {
            if let Some((sign, _)) = self.pending.remove(&name) {
                self.look(&name, sign)?;
            }
        }
        let is_over = self.pending.is_empty() || self.began.elapsed() > SETTLE_MAX;
        if !self.settled && self.watched.is_some() && is_over {
            self.settled = true;
            self.tell(Change::Settled)?;
        }
        let is_hashing = self.hash_a_piece()?;
        let wait = if is_hashing { Duration::ZERO } else { self.patience() };
        // `self` holds the other end: there is a notice, or there is none in time.
        let Ok(notice) = self.noticed.recv_timeout(wait) else { return Ok(()) };
        self.note(notice)?;
        // More may follow at once. Who has something to hash does that meanwhile.
        let until = Instant::now() + GATHER;
        loop {
            // What is queued would be had after that, too.
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let wait = if is_hashing { Duration::ZERO } else { left };
            let Ok(notice) = self.noticed.recv_timeout(wait) else { break };
            self.note(notice)?;
        }
        if self.notices.take_lost() {
            self.distrust();
        }
        Ok(())
    }

    /// How long nothing has to be done.
    fn patience(&self) -> Duration {
        let now = Instant::now();
        let next = self.pending.values().map(|(_, at)| *at).chain([self.walk_at]).min();
        next.map_or(LOOK, |next| next.saturating_duration_since(now)).min(LOOK)
    }

    fn tell(&self, change: Change) -> Result<(), Stopped> {
        self.tell.send(change).map_err(|_| Stopped)?;
        // A loop that cannot be woken looks by itself some time.
        let _ = self.waker.wake();
        Ok(())
    }

    /// Tells of something that it cannot be shared, once.
    fn tell_once(&mut self, path: &str, why: &'static str) -> Result<(), Stopped> {
        if self.told_not.len() >= MARKED_MAX || !self.told_not.insert(path.to_owned()) {
            return Ok(());
        }
        self.tell(Change::NotShared { path: path.into(), why })
    }

    fn walk_soon(&mut self) {
        self.walk_at = self.walk_at.min(Instant::now());
    }

    /// Notices were lost: who was seen to write may have closed unseen.
    fn distrust(&mut self) {
        for (sign, at) in self.pending.values_mut() {
            (*sign, *at) = (Sign::Unknown, Instant::now());
        }
        self.walk_soon();
    }

    fn note(&mut self, notice: notify::Result<Event>) -> Result<(), Stopped> {
        let event = match notice {
            Ok(event) => event,
            // A new directory cannot be watched, perhaps: so it is looked at.
            Err(error) => {
                self.walk_soon();
                return self.tell_unwatched(&error);
            }
        };
        if event.need_rescan() {
            self.distrust();
        }
        let sign = match About::new(event.kind) {
            About::Nothing => return Ok(()),
            About::Files(sign) => sign,
            About::Everything => {
                self.walk_soon();
                Sign::Unknown
            }
        };
        for path in &event.paths {
            self.mark(path, sign);
        }
        Ok(())
    }

    fn mark(&mut self, path: &Path, sign: Sign) {
        let Ok(below) = path.strip_prefix(&self.root) else { return };
        let Kind::Name(name) = kind(below) else { return };
        if self.except.iter().any(|except| path.starts_with(except)) {
            return;
        }
        if self.marked.len() >= MARKED_MAX || self.folders.len() >= FOLDERS_MAX {
            self.walk_soon();
            return;
        }
        // One may have taken the place of the other.
        let is_folder = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir());
        if is_folder || self.known_below(&name).next().is_some() {
            self.folders.insert(name.clone());
        }
        // A file that is closed while another still writes it is seen to change again.
        let before = self.marked.get(&name).copied().or_else(|| Some(self.pending.get(&name)?.0));
        let sign = if sign == Sign::Unknown { before.unwrap_or(sign) } else { sign };
        self.marked.insert(name, sign);
    }

    /// What is known below a directory.
    fn known_below(&self, folder: &str) -> impl Iterator<Item = &String> {
        let begin = format!("{folder}/");
        let from = self.known.range(begin.clone()..).map(|(name, _)| name);
        from.take_while(move |name| name.starts_with(&begin))
    }

    fn withdraw(&mut self, name: &str) -> Result<(), Stopped> {
        self.pending.remove(name);
        match self.known.remove(name) {
            Some(_) => self.tell(Change::Withdrawn { name: name.into() }),
            None => Ok(()),
        }
    }

    /// Looks at one file, and tells what has become of it.
    fn look(&mut self, name: &str, sign: Sign) -> Result<(), Stopped> {
        self.pending.remove(name);
        let metadata = match fs::symlink_metadata(self.root.join(name)) {
            Ok(metadata) if metadata.is_file() => metadata,
            _ => return self.withdraw(name),
        };
        let stamp = Stamp::of(&metadata);
        let mut grows = false;
        if let Some(known) = self.known.get_mut(name) {
            if known.stamp.same_content(&stamp) {
                known.stamp = stamp;
                return Ok(());
            }
            grows = known.stamp.grows_to(&stamp);
        }
        if let Some(at) = sign.look_again(&metadata) {
            self.pending.insert(name.to_owned(), (sign, at));
            return Ok(());
        }
        let opened = Name::new(name.as_bytes()).ok().zip(Directory::open(&self.root).ok());
        let source = match opened.map(|(name, directory)| directory.open_file(name)) {
            Some(Ok(source)) => source,
            Some(Err(Fault::NotAllowed)) => {
                self.tell_once(name, UNREADABLE)?;
                return self.withdraw(name);
            }
            // There is a link on the way, say.
            _ => {
                if let Some(folder) = self.other_file_system(name) {
                    self.tell_once(&folder, ELSEWHERE)?;
                }
                return self.withdraw(name);
            }
        };
        let hash = if source.len() <= SMALL {
            match hash(&source) {
                Some(hash) => Some(hash),
                None => {
                    self.pending.insert(name.to_owned(), (Sign::Unknown, Instant::now() + QUIET));
                    return Ok(());
                }
            }
        } else {
            // What is appended to will be again, and each time all of it would be hashed: a walk asks for that.
            if !grows {
                self.hashing.push(name);
            }
            None
        };
        let info = FileInfo { length: source.len(), flags: 0, hash };
        self.known.insert(name.to_owned(), Known { stamp, hash });
        self.tell(Change::Shared { name: name.into(), info })
    }

    /// Goes on with a hash. Whether there is more to do.
    fn hash_a_piece(&mut self) -> Result<bool, Stopped> {
        let known = &self.known;
        let wanted =
            |name: &str| known.get(name).filter(|known| known.hash.is_none()).map(|known| known.stamp);
        match self.hashing.step(&self.root, wanted) {
            Hashed::Nothing => return Ok(false),
            Hashed::More => {}
            Hashed::Done(name, stamp, hash) => {
                // What has got its name meanwhile waits for a hash of its own.
                let known = self.known.get_mut(&name).filter(|known| known.stamp.same_content(&stamp));
                if let Some(known) = known {
                    known.hash = Some(hash);
                    let info = FileInfo { length: stamp.length, flags: 0, hash: Some(hash) };
                    self.tell(Change::Shared { name: name.into(), info })?;
                }
            }
        }
        Ok(true)
    }
}
