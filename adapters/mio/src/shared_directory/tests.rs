//! A directory that is watched while files come, grow, move and go.

use super::{Change, SharedDirectory, keeper::BAD_NAME};
use mio::{Events, Poll, Token, Waker};
use skep_core::wire::session::FileInfo;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A watched directory, and what was told of it.
struct World {
    home: TempDir,
    poll: Poll,
    directory: SharedDirectory,
    told: Vec<Change>,
    /// The list by changes alone.
    list: BTreeMap<String, FileInfo>,
}

impl World {
    /// What lies in the directory `shared` before it is watched is made by `before`.
    fn new(before: impl FnOnce(&Path)) -> Self {
        Self::with("shared", "shared/downloads", before)
    }

    /// The same, watched under another name, and without what lies in another directory.
    fn with(name: &str, except: &str, before: impl FnOnce(&Path)) -> Self {
        let home = tempfile::tempdir().unwrap();
        let shared = home.path().join("shared");
        fs::create_dir(&shared).unwrap();
        before(&shared);
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let [watched, except] = [name, except].map(|name| home.path().join(name));
        let directory = SharedDirectory::watch(&watched, &[except], waker).unwrap();
        Self { home, poll, directory, told: Vec::new(), list: BTreeMap::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join("shared").join(name)
    }

    fn take(&mut self) {
        while let Some(change) = self.directory.next() {
            match &change {
                Change::Shared { name, info } => _ = self.list.insert(name.to_string(), *info),
                Change::Withdrawn { name } => assert!(self.list.remove(&**name).is_some(), "{name}"),
                _ => {}
            }
            self.told.push(change);
        }
    }

    /// Goes on until it is as wished.
    fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let patience = Instant::now() + Duration::from_secs(60);
        loop {
            self.take();
            if is_so(self) {
                return;
            }
            assert!(Instant::now() < patience, "no {what}: {:?}", self.list);
            self.poll.poll(&mut Events::with_capacity(8), Some(Duration::from_millis(100))).unwrap();
        }
    }

    fn until_list(&mut self, names: &[&str]) {
        self.until(&format!("{names:?}"), |world| {
            world.list.keys().map(String::as_str).eq(names.iter().copied())
        });
    }

    /// Nothing more is told for a while.
    fn rest(&mut self, span: Duration) {
        let until = Instant::now() + span;
        while Instant::now() < until {
            self.poll.poll(&mut Events::with_capacity(8), Some(Duration::from_millis(50))).unwrap();
            self.take();
        }
    }
}

#[test]
fn what_is_there_at_the_start_is_shared_with_its_hash() {
    let mut world = World::new(|shared| {
        fs::create_dir_all(shared.join("a/b")).unwrap();
        fs::write(shared.join("a/b/c"), "content").unwrap();
        fs::write(shared.join("large"), vec![7; 5 << 20]).unwrap();
        fs::write(shared.join("empty"), "").unwrap();
    });
    world.until_list(&["a/b/c", "empty", "large"]);
    world.until("hash", |world| world.list.values().all(|info| info.hash.is_some()));
    let hash = |name: &str| world.list[name].hash.unwrap();
    assert_eq!(hash("a/b/c"), *blake3::hash(b"content").as_bytes());
    assert_eq!(hash("large"), *blake3::hash(&vec![7; 5 << 20]).as_bytes());
    assert_eq!(world.list["large"].length, 5 << 20);
}

#[test]
fn hidden_unfinished_linked_and_downloaded_files_are_not_shared() {
    let mut world = World::new(|shared| {
        for name in [".hidden", "film.part", ".git/config", "downloads/got", "x.part/y"] {
            let path = shared.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "content").unwrap();
        }
        symlink("/etc/passwd", shared.join("link")).unwrap();
        symlink("/etc", shared.join("folder")).unwrap();
        fs::write(shared.join("back\\slash"), "content").unwrap();
        fs::write(shared.join("last"), "content").unwrap();
    });
    world.until_list(&["last"]);
    fs::write(world.path("downloads/more"), "content").unwrap();
    fs::write(world.path(".more"), "content").unwrap();
    fs::write(world.path("more"), "content").unwrap();
    world.until_list(&["last", "more"]);
    assert!(world.told.contains(&Change::NotShared { path: "back\\slash".into(), why: BAD_NAME }));
}

#[test]
fn downloads_are_not_shared_where_their_directory_is_yet_to_be_made_and_named_by_a_link() {
    let mut world = World::with("link", "link/downloads", |shared| {
        symlink(shared, shared.with_file_name("link")).unwrap();
    });
    world.until("start", |world| world.told.contains(&Change::Settled));
    fs::create_dir(world.path("downloads")).unwrap();
    fs::write(world.path("downloads/got"), "content").unwrap();
    fs::write(world.path("mine"), "content").unwrap();
    // In a new directory nobody was seen to close a file: it would be shared a second later.
    world.rest(Duration::from_secs(3));
    world.until_list(&["mine"]);
}

#[test]
fn a_directory_that_lies_in_that_of_downloads_is_followed_at_once() {
    let mut world = World::with("shared", "", |_| {});
    world.until("start", |world| world.told.contains(&Change::Settled));
    let begin = Instant::now();
    fs::write(world.path("mine"), "content").unwrap();
    world.until_list(&["mine"]);
    // Everything is looked at every 30 s besides.
    assert!(begin.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_file_is_shared_when_its_writer_has_closed_it() {
    let mut world = World::new(|_| {});
    world.until("start", |world| world.told.contains(&Change::Settled));
    let mut file = File::create(world.path("slow")).unwrap();
    for _ in 0..3 {
        file.write_all(b"piece").unwrap();
        world.rest(Duration::from_millis(1_200));
        assert_eq!(world.list.len(), 0, "an unfinished file was shared");
    }
    drop(file);
    world.until_list(&["slow"]);
    assert_eq!(world.list["slow"].length, 15);
    // Once, whole.
    assert_eq!(world.told.iter().filter(|change| matches!(change, Change::Shared { .. })).count(), 1);
}

#[test]
fn changes_renames_and_deletions_are_followed() {
    let mut world = World::new(|shared| fs::write(shared.join("a"), "first").unwrap());
    world.until_list(&["a"]);
    fs::write(world.path("a"), "the second").unwrap();
    world.until("new content", |world| world.list.get("a").is_some_and(|info| info.length == 10));
    fs::rename(world.path("a"), world.path("b")).unwrap();
    world.until_list(&["b"]);
    fs::write(world.home.path().join("outside"), "moved in").unwrap();
    fs::rename(world.home.path().join("outside"), world.path("c")).unwrap();
    world.until_list(&["b", "c"]);
    fs::create_dir(world.path("d")).unwrap();
    fs::write(world.path("d/e"), "below").unwrap();
    world.until_list(&["b", "c", "d/e"]);
    fs::rename(world.path("d"), world.path("f")).unwrap();
    world.until_list(&["b", "c", "f/e"]);
    fs::remove_file(world.path("c")).unwrap();
    fs::remove_dir_all(world.path("f")).unwrap();
    world.until_list(&["b"]);
}

#[test]
fn a_burst_of_a_thousand_files_loses_none() {
    let mut world = World::new(|_| {});
    world.until("start", |world| world.told.contains(&Change::Settled));
    for number in 0..1_000 {
        fs::write(world.path(&format!("{number:04}")), format!("content {number}")).unwrap();
    }
    world.until("1,000 files", |world| world.list.len() == 1_000);
    assert!(world.list.iter().all(|(name, info)| {
        let number: u32 = name.parse().unwrap();
        info.hash == Some(*blake3::hash(format!("content {number}").as_bytes()).as_bytes())
    }));
    for number in 0..500 {
        fs::remove_file(world.path(&format!("{number:04}"))).unwrap();
    }
    world.until("500 files", |world| world.list.len() == 500);
}

#[test]
fn a_directory_that_is_removed_and_made_again_is_followed() {
    let mut world = World::new(|shared| fs::write(shared.join("old"), "content").unwrap());
    world.until_list(&["old"]);
    fs::remove_dir_all(world.path("")).unwrap();
    world.until("end", |world| world.told.contains(&Change::Gone));
    assert_eq!(world.list.len(), 0);
    fs::create_dir(world.path("")).unwrap();
    fs::write(world.path("new"), "content").unwrap();
    world.until_list(&["new"]);
    assert!(world.told.contains(&Change::Back));
    // It is watched again, and not only looked at once.
    fs::write(world.path("newer"), "content").unwrap();
    world.until_list(&["new", "newer"]);
}

#[test]
fn a_directory_that_takes_the_place_of_another_is_followed() {
    let mut world = World::new(|shared| fs::write(shared.join("old"), "content").unwrap());
    world.until_list(&["old"]);
    let other = world.home.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("new"), "content").unwrap();
    fs::rename(world.path(""), world.home.path().join("away")).unwrap();
    fs::rename(&other, world.path("")).unwrap();
    world.until_list(&["new"]);
}

#[test]
fn a_directory_and_a_file_that_take_each_others_place_are_followed() {
    let mut world = World::new(|shared| {
        fs::create_dir(shared.join("a")).unwrap();
        fs::write(shared.join("a/file"), "content").unwrap();
        fs::write(shared.join("b"), "content").unwrap();
    });
    world.until_list(&["a/file", "b"]);
    fs::rename(world.path("a"), world.path("c")).unwrap();
    fs::rename(world.path("b"), world.path("a")).unwrap();
    fs::rename(world.path("c"), world.path("b")).unwrap();
    world.until_list(&["a", "b/file"]);
}

#[test]
fn a_directory_that_may_not_be_read_keeps_the_others_watched() {
    // Nothing is closed to root.
    if rustix::process::geteuid().is_root() {
        return;
    }
    let close = |path: PathBuf, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let mut world = World::new(|shared| {
        for folder in ["a", "b/closed", "c/d"] {
            fs::create_dir_all(shared.join(folder)).unwrap();
        }
        close(shared.join("b/closed"), 0);
    });
    world.until("start", |world| world.told.contains(&Change::Settled));
    let names = ["a/file", "b/file", "c/d/file"];
    for name in names {
        fs::write(world.path(name), "content").unwrap();
    }
    world.until_list(&names);
    assert_eq!(world.told.iter().find(|change| matches!(change, Change::Trouble { .. })), None);
    close(world.path("b/closed"), 0o700);
}
