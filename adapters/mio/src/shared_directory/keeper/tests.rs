//! What happens between two looks, step by step.

use super::*;
use mio::{Poll, Token};
use std::sync::mpsc::sync_channel;
use tempfile::TempDir;

/// A keeper that works when it is told to.
struct World {
    home: TempDir,
    keeper: Keeper,
    told: Receiver<Change>,
    _poll: Poll,
}

impl World {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().canonicalize().unwrap().join("shared");
        fs::create_dir(&root).unwrap();
        Self::at(home, root)
    }

    fn at(home: TempDir, root: PathBuf) -> Self {
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let (tell, told) = sync_channel(1_024);
        let keeper = Keeper::new(root, Vec::new(), tell, waker, Arc::default());
        Self { home, keeper, told, _poll: poll }
    }

    #[cfg(target_os = "linux")]
    fn device(path: &Path) -> u64 {
        std::os::unix::fs::MetadataExt::dev(&fs::metadata(path).unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.keeper.root.join(name)
    }

    fn look(&mut self, name: &str) {
        assert!(self.keeper.look(name, Sign::Complete).is_ok());
    }

    /// Looks at all that is marked, and gives what was told.
    fn look_at_marked(&mut self) -> Vec<Change> {
        for folder in std::mem::take(&mut self.keeper.folders) {
            assert!(self.keeper.walk_below(&folder).is_ok());
        }
        for name in std::mem::take(&mut self.keeper.marked).into_keys() {
            self.look(&name);
        }
        self.told.try_iter().collect()
    }

    fn hash_a_piece(&mut self) -> bool {
        self.keeper.hash_a_piece().is_ok_and(|more| more)
    }

    /// Hashes what there is, and gives the hashes that were told.
    fn hash_all(&mut self) -> Vec<[u8; 32]> {
        while self.hash_a_piece() {}
        let hashes = self.told.try_iter().filter_map(|change| match change {
            Change::Shared { info, .. } => info.hash,
            _ => None,
        });
        hashes.collect()
    }
}

fn content(byte: u8) -> Vec<u8> {
    vec![byte; 3 << 20]
}

fn hash_of(byte: u8) -> [u8; 32] {
    *blake3::hash(&content(byte)).as_bytes()
}

#[test]
fn a_file_that_takes_the_place_of_one_that_is_hashed_gets_a_hash_of_its_own() {
    for removed_first in [false, true] {
        let mut world = World::new();
        fs::write(world.path("large"), content(1)).unwrap();
        world.look("large");
        // It is open, and hashed in part.
        assert!(world.hash_a_piece() && world.hash_a_piece());
        let other = world.home.path().join("other");
        fs::write(&other, content(2)).unwrap();
        if removed_first {
            fs::remove_file(world.path("large")).unwrap();
            world.look("large");
        }
        fs::rename(&other, world.path("large")).unwrap();
        world.look("large");
        assert_eq!(world.hash_all(), [hash_of(2)]);
    }
}

#[test]
fn a_file_that_could_not_be_read_for_a_moment_is_hashed_after_the_next_walk() {
    let mut world = World::new();
    fs::write(world.path("large"), content(1)).unwrap();
    world.look("large");
    let away = world.home.path().join("away");
    fs::rename(world.path("large"), &away).unwrap();
    assert!(world.hash_all().is_empty());
    fs::rename(&away, world.path("large")).unwrap();
    assert!(world.keeper.walk().is_ok());
    assert_eq!(world.hash_all(), [hash_of(1)]);
}

#[test]
fn a_directory_that_is_made_again_at_once_is_watched_again() {
    let mut world = World::new();
    assert!(world.keeper.look_at_root().is_ok());
    fs::remove_dir(world.path("")).unwrap();
    fs::create_dir(world.path("")).unwrap();
    assert!(world.keeper.look_at_root().is_ok());
    fs::write(world.path("new"), "content").unwrap();
    let new = world.path("new");
    let mut notices = std::iter::from_fn(|| world.keeper.noticed.recv_timeout(Duration::from_secs(20)).ok());
    assert!(notices.any(|notice| notice.is_ok_and(|event| event.paths.contains(&new))));
}

#[test]
fn what_happens_to_a_directory_costs_no_walk_through_everything() {
    let mut world = World::new();
    fs::create_dir(world.path("old")).unwrap();
    fs::write(world.path("old/file"), "content").unwrap();
    assert!(world.keeper.walk().is_ok());
    assert_eq!(world.look_at_marked().len(), 1);
    let next_walk = world.keeper.walk_at;
    // Of this one there is no notice.
    fs::write(world.path("other"), "content").unwrap();
    fs::rename(world.path("old"), world.path("new")).unwrap();
    for name in ["old", "new"] {
        world.keeper.mark(&world.path(name), Sign::Unknown);
    }
    let info = FileInfo { length: 7, flags: 0, hash: Some(*blake3::hash(b"content").as_bytes()) };
    let withdrawn = Change::Withdrawn { name: "old/file".into() };
    assert_eq!(world.look_at_marked(), [withdrawn, Change::Shared { name: "new/file".into(), info }]);
    assert_eq!(world.keeper.walk_at, next_walk);
}

#[test]
fn who_only_reads_makes_no_notice() {
    let mut world = World::new();
    fs::write(world.path("file"), "content").unwrap();
    assert!(world.keeper.look_at_root().is_ok());
    fs::read(world.path("file")).unwrap();
    fs::read_dir(world.path("")).unwrap().for_each(drop);
    let other = world.path("other");
    fs::write(&other, "content").unwrap();
    let notice = world.keeper.noticed.recv_timeout(Duration::from_secs(20)).unwrap().unwrap();
    assert_eq!(notice.paths, [other]);
}

#[test]
#[cfg(target_os = "linux")]
fn what_lies_on_another_file_system_is_not_shared_and_that_is_told_once_for_all_of_it() {
    let memory = PathBuf::from("/dev/shm");
    let files: Vec<_> = (0..2).filter_map(|_| tempfile::NamedTempFile::new_in(&memory).ok()).collect();
    if files.len() < 2 || World::device(&memory) == World::device(Path::new("/dev")) {
        // There is no such file system here.
        return;
    }
    let mut world = World::at(tempfile::tempdir().unwrap(), "/dev".into());
    for file in &files {
        world.look(file.path().strip_prefix("/dev").unwrap().to_str().unwrap());
    }
    let told: Vec<_> = world.told.try_iter().collect();
    assert_eq!(told, [Change::NotShared { path: "shm".into(), why: ELSEWHERE }]);
}

#[test]
fn that_new_directories_cannot_be_watched_is_told_once() {
    let mut world = World::new();
    for _ in 0..2 {
        let error = notify::Error::new(notify::ErrorKind::MaxFilesWatch);
        assert!(world.keeper.note(Err(error)).is_ok());
    }
    let told: Vec<_> = world.told.try_iter().collect();
    let is_told =
        matches!(&*told, [Change::Trouble { text }] if text.contains("fs.inotify.max_user_watches"));
    assert!(is_told, "{told:?}");
}

#[test]
fn a_large_file_that_is_appended_to_is_hashed_when_a_walk_asks_and_not_each_time() {
    let mut world = World::new();
    fs::write(world.path("log"), content(1)).unwrap();
    world.look("log");
    assert_eq!(world.hash_all(), [hash_of(1)]);
    fs::write(world.path("log"), [content(1), content(2)].concat()).unwrap();
    world.look("log");
    assert!(!world.hash_a_piece(), "it is hashed at once");
    assert!(matches!(world.told.try_recv(), Ok(Change::Shared { info, .. }) if info.hash.is_none()));
    assert!(world.keeper.walk().is_ok());
    assert_eq!(world.hash_all(), [*blake3::hash(&[content(1), content(2)].concat()).as_bytes()]);
}
