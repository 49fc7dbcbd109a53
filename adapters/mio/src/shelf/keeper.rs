//! The thread that looks after a shared directory.
//!
//! A file is complete when who wrote it has closed it, or it was moved in. Of files that were there before, or whose
//! notices were lost, nobody can say that: they are taken for complete when they have not changed for a while.

use super::{
    Change, Notices,
    name::{Kind, kind},
    scan::{Stamp, scan},
};
use crate::storage::{Directory, Source};
use mio::Waker;
use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode, CreateKind, ModifyKind, RemoveKind, RenameMode},
};
use skep_core::wire::{Name, session::FileInfo};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender},
    },
    time::{Duration, Instant, SystemTime},
};

/// Notices are gathered for so long before what they are about is looked at.
const GATHER: Duration = Duration::from_millis(50);

/// How often it is looked whether the directory is there, and is the one that is watched.
const LOOK: Duration = Duration::from_secs(1);

/// How often everything is looked at, whatever was noticed; seldom enough that it costs a tenth of the time at most.
const WALK: Duration = Duration::from_secs(30);
const WALK_SHARE: u32 = 10;

/// A file that nobody was seen to close is complete when it has not changed for so long; one that was seen to be made,
/// later: who made it may not have begun to write.
const QUIET: Duration = Duration::from_secs(1);
const QUIET_NEW: Duration = Duration::from_secs(10);

/// Files up to this are hashed before they are shared, the others afterwards.
const SMALL: u64 = 1 << 20;

/// Bytes hashed before it is looked whether there is something more urgent.
const PIECE: usize = 1 << 20;

/// Names that wait to be looked at; if there are more, everything is.
const MARKED_MAX: usize = 10_000;

/// What is known of a file from its notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// Closed after writing, or moved in.
    Complete,
    /// Somebody writes.
    Written,
    /// Somebody has just made it.
    New,
    /// Nothing.
    Unknown,
}

#[derive(Debug)]
struct Known {
    stamp: Stamp,
    hash: Option<[u8; 32]>,
}

/// A file that is being hashed.
struct Hashing {
    name: String,
    source: Source,
    hasher: blake3::Hasher,
    offset: u64,
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
    watched: Option<(u64, u64)>,
    /// It could not be watched: that was told.
    told_trouble: bool,
    known: BTreeMap<String, Known>,
    /// What is to be looked at.
    marked: BTreeMap<String, Sign>,
    /// What was looked at and is not complete, and when to look again.
    pending: BTreeMap<String, (Sign, Instant)>,
    to_hash: VecDeque<String>,
    hashing: Option<Hashing>,
    told_bad: BTreeSet<String>,
    walk_at: Instant,
    settled: bool,
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
            known: BTreeMap::new(),
            marked: BTreeMap::new(),
            pending: BTreeMap::new(),
            to_hash: VecDeque::new(),
            hashing: None,
            told_bad: BTreeSet::new(),
            walk_at: Instant::now(),
            settled: false,
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
        if !self.settled && self.watched.is_some() {
            self.settled = true;
            self.tell(Change::Settled)?;
        }
        let wait = if self.hash_a_piece()? { Duration::ZERO } else { self.patience() };
        // `self` holds the other end: there is a notice, or there is none in time.
        let Ok(notice) = self.noticed.recv_timeout(wait) else { return Ok(()) };
        self.note(notice);
        // More may follow at once.
        let until = Instant::now() + GATHER;
        while let Ok(notice) = self.noticed.recv_timeout(until.saturating_duration_since(Instant::now())) {
            self.note(notice);
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

    fn note(&mut self, notice: notify::Result<Event>) {
        // A directory cannot be watched, perhaps: so it is looked at.
        let Ok(event) = notice else { return self.walk_soon() };
        if event.need_rescan() {
            self.distrust();
        }
        let sign = match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => Sign::Complete,
            EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)) => return,
            EventKind::Modify(ModifyKind::Name(RenameMode::From)) | EventKind::Remove(RemoveKind::File) => {
                Sign::Unknown
            }
            EventKind::Modify(ModifyKind::Name(_)) => Sign::Complete,
            EventKind::Modify(_) => Sign::Written,
            EventKind::Create(CreateKind::File) => Sign::New,
            _ => {
                self.walk_soon();
                Sign::Unknown
            }
        };
        for path in &event.paths {
            self.mark(path, sign);
        }
    }

    fn mark(&mut self, path: &Path, sign: Sign) {
        let Ok(below) = path.strip_prefix(&self.root) else { return };
        let Kind::Name(name) = kind(below) else { return };
        let is_folder = || {
            let begin = format!("{name}/");
            self.known.range(begin.clone()..).next().is_some_and(|(known, _)| known.starts_with(&begin))
        };
        if path.is_dir() || is_folder() || self.marked.len() >= MARKED_MAX {
            self.walk_soon();
            return;
        }
        if self.except.iter().any(|except| path.starts_with(except)) {
            return;
        }
        // A file that is closed while another still writes it is seen to change again.
        let before = self.marked.get(&name).copied().or_else(|| Some(self.pending.get(&name)?.0));
        let sign = if sign == Sign::Unknown { before.unwrap_or(sign) } else { sign };
        self.marked.insert(name, sign);
    }

    /// Sees to it that the directory that is there is the one that is watched.
    fn look_at_root(&mut self) -> Result<(), Stopped> {
        let identity = identity(&self.root).ok();
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
            self.to_hash.clear();
            self.hashing = None;
            return if was_watched { self.tell(Change::Gone) } else { Ok(()) };
        }
        if self.settled && !was_watched {
            self.tell(Change::Back)?;
        }
        match self.watch() {
            Ok(watcher) => self.watcher = Some(watcher),
            Err(error) => {
                if !std::mem::replace(&mut self.told_trouble, true) {
                    let text = format!(
                        "cannot watch {}: {error}; it is looked at now and then",
                        self.root.display()
                    );
                    self.tell(Change::Trouble { text: text.into() })?;
                }
            }
        }
        self.walk_at = Instant::now();
        Ok(())
    }

    fn watch(&self) -> notify::Result<RecommendedWatcher> {
        let notices = self.notices.clone();
        let handler = move |notice| notices.put(notice);
        let config = notify::Config::default().with_follow_symlinks(false);
        let mut watcher = RecommendedWatcher::new(handler, config)?;
        watcher.watch(&self.root, RecursiveMode::Recursive)?;
        Ok(watcher)
    }

    /// Looks at everything.
    fn walk(&mut self) -> Result<(), Stopped> {
        let began = Instant::now();
        let Ok(found) = scan(&self.root, &self.except) else {
            self.walk_at = began + LOOK;
            return Ok(());
        };
        let gone = self.known.keys().filter(|name| !found.files.contains_key(*name));
        for name in gone.cloned().collect::<Vec<_>>() {
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
            if self.told_bad.len() < MARKED_MAX && self.told_bad.insert(path.clone()) {
                self.tell(Change::BadName { path: path.into() })?;
            }
        }
        let took = began.elapsed();
        // Without notices this is all that there is.
        let pause = if self.watcher.is_some() { WALK } else { QUIET };
        self.walk_at = Instant::now() + pause.max(took * WALK_SHARE);
        Ok(())
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
        let known = self.known.get_mut(name);
        if let Some(known) = known
            && known.stamp.same_content(&stamp)
        {
            known.stamp = stamp;
            return Ok(());
        }
        if let Some(at) = wait_for(sign, &metadata) {
            self.pending.insert(name.to_owned(), (sign, at));
            return Ok(());
        }
        let opened = Name::new(name.as_bytes()).ok().zip(Directory::open(&self.root).ok());
        let Some(Ok(source)) = opened.map(|(name, directory)| directory.open_file(name)) else {
            // There is a link on the way, or it may not be read.
            return self.withdraw(name);
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
            self.to_hash.push_back(name.to_owned());
            None
        };
        let info = FileInfo { length: source.len(), flags: 0, hash };
        self.known.insert(name.to_owned(), Known { stamp, hash });
        self.tell(Change::Shared { name: name.into(), info })
    }

    /// Goes on with a hash. Whether there is more to do.
    fn hash_a_piece(&mut self) -> Result<bool, Stopped> {
        let Some(mut hashing) = self.hashing.take().or_else(|| self.next_to_hash()) else {
            return Ok(!self.to_hash.is_empty());
        };
        let left = hashing.source.len() - hashing.offset;
        let mut piece = vec![0; PIECE.min(usize::try_from(left).unwrap_or(PIECE))];
        let read = hashing.source.read_at(&mut piece, hashing.offset);
        if read.and_then(|()| hashing.source.unchanged()).is_err() {
            // It changes: somebody will be seen to close it.
            return Ok(true);
        }
        hashing.hasher.update(&piece);
        hashing.offset += piece.len() as u64;
        if hashing.offset < hashing.source.len() {
            self.hashing = Some(hashing);
            return Ok(true);
        }
        if let Some(known) = self.known.get_mut(&hashing.name)
            && known.stamp.length == hashing.source.len()
        {
            let hash = *hashing.hasher.finalize().as_bytes();
            known.hash = Some(hash);
            let info = FileInfo { length: hashing.source.len(), flags: 0, hash: Some(hash) };
            self.tell(Change::Shared { name: hashing.name.into(), info })?;
        }
        Ok(true)
    }

    fn next_to_hash(&mut self) -> Option<Hashing> {
        let name = self.to_hash.pop_front()?;
        let known = self.known.get(&name).filter(|known| known.hash.is_none())?;
        let directory = Directory::open(&self.root).ok()?;
        let source = directory.open_file(Name::new(name.as_bytes()).ok()?).ok()?;
        let is_same = Stamp::of(&source.file().metadata().ok()?).same_content(&known.stamp);
        is_same.then(|| Hashing { name, source, hasher: blake3::Hasher::new(), offset: 0 })
    }
}

/// When to look again at a file that is not complete yet.
fn wait_for(sign: Sign, metadata: &fs::Metadata) -> Option<Instant> {
    // Elsewhere nobody tells when a file is closed.
    let sign = if cfg!(target_os = "linux") { sign } else { Sign::Unknown };
    let quiet = match sign {
        Sign::Complete => return None,
        // The notice that it was closed comes; or that some were lost.
        Sign::Written => return Some(Instant::now() + Duration::from_secs(3_600)),
        Sign::New => QUIET_NEW,
        Sign::Unknown => QUIET,
    };
    // A time of the future says nothing: then it is not waited for.
    let age = metadata.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
    let age = age.unwrap_or(quiet);
    (age < quiet).then(|| Instant::now() + (quiet - age))
}

/// The hash of a small file; `None` when it changes meanwhile.
fn hash(source: &Source) -> Option<[u8; 32]> {
    let mut content = vec![0; usize::try_from(source.len()).ok()?];
    source.read_at(&mut content, 0).and_then(|()| source.unchanged()).ok()?;
    Some(*blake3::hash(&content).as_bytes())
}

/// Which directory is at a path.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        Ok((metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    {
        let made = metadata.created().ok().and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
        Ok((0, made.map_or(0, |made| made.as_nanos() as u64)))
    }
}
