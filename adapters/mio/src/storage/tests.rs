//! What no peer can do, and what no crash can leave.

use std::{
    fs,
    io::{IoSlice, IoSliceMut, Write},
    os::unix::{fs::PermissionsExt, fs::symlink, net::UnixListener},
    path::Path,
    time::{Duration, SystemTime},
};

use skep_core::{stream::Fault, wire::Name};
use tempfile::TempDir;

use super::{Directory, Part, Source};

fn name(text: &str) -> Name<'_> {
    Name::new(text.as_bytes()).unwrap()
}

/// A directory `shared` beside a file `secret` that nobody may reach.
fn home() -> (TempDir, Directory) {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join("shared/below")).unwrap();
    fs::create_dir(home.path().join("outside")).unwrap();
    fs::write(home.path().join("secret"), "secret").unwrap();
    fs::write(home.path().join("outside/file"), "secret").unwrap();
    fs::write(home.path().join("shared/file"), "0123456789").unwrap();
    fs::write(home.path().join("shared/below/file"), "below").unwrap();
    let directory = Directory::open(home.path().join("shared")).unwrap();
    (home, directory)
}

fn entries(path: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        path.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn read_all(source: &Source) -> Vec<u8> {
    let mut bytes = vec![0; source.len() as usize];
    source.read_at(&mut bytes, 0).unwrap();
    source.unchanged().unwrap();
    bytes
}

#[test]
fn files_of_the_directory_are_read() {
    let (_home, directory) = home();
    assert_eq!(read_all(&directory.open_file(name("file")).unwrap()), b"0123456789");
    assert_eq!(read_all(&directory.open_file(name("below/file")).unwrap()), b"below");
    assert_eq!(directory.open_file(name("none")).unwrap_err(), Fault::NotFound);
    assert_eq!(directory.open_file(name("file/x")).unwrap_err(), Fault::NotFound);
}

#[test]
fn dots_and_absolute_names_are_no_names() {
    for text in ["..", "../secret", "below/../../secret", "/etc/passwd", "./file", "a//b", "a\0"] {
        assert!(Name::new(text.as_bytes()).is_err(), "{text:?}");
    }
}

#[test]
fn no_link_is_followed_wherever_it_stands_and_leads() {
    let (home, directory) = home();
    let shared = home.path().join("shared");
    for (link, target) in [
        ("to_file", home.path().join("secret")),
        ("to_dotdot", "../secret".into()),
        ("to_directory", home.path().join("outside")),
        ("below/up", "../..".into()),
        ("inside", "file".into()),
        ("dangling", "nowhere".into()),
        ("itself", "itself".into()),
    ] {
        symlink(target, shared.join(link)).unwrap();
    }
    for text in
        ["to_file", "to_dotdot", "to_directory/file", "below/up/secret", "inside", "dangling", "itself"]
    {
        assert_eq!(directory.open_file(name(text)).unwrap_err(), Fault::NotFound, "{text}");
    }
    for text in ["to_directory/new", "to_directory/file", "below/up/secret"] {
        assert_eq!(directory.create(name(text), Some(1)).unwrap_err(), Fault::NotFound, "{text}");
    }
    for text in ["to_file", "to_dotdot", "to_directory", "inside", "dangling"] {
        assert_eq!(directory.create(name(text), Some(1)).unwrap_err(), Fault::BadName, "{text}");
    }
    assert_eq!(fs::read(home.path().join("secret")).unwrap(), b"secret");
    assert_eq!(entries(&home.path().join("outside")), ["file"]);
    assert!(!shared.join("nowhere").exists());
}

#[test]
fn a_link_that_appears_during_an_upload_is_not_replaced_and_not_followed() {
    let (home, directory) = home();
    let part = directory.create(name("late"), Some(0)).unwrap();
    symlink(home.path().join("secret"), home.path().join("shared/late")).unwrap();
    assert_eq!(part.commit(true), Err(Fault::BadName));
    assert_eq!(fs::read(home.path().join("secret")).unwrap(), b"secret");
    assert_eq!(entries(&home.path().join("shared")), ["below", "file", "late"]);
}

#[test]
fn a_directory_that_is_swapped_for_a_link_does_not_lead_outside() {
    let (home, directory) = home();
    let shared = home.path().join("shared");
    let part = directory.create(name("below/new"), None).unwrap();
    fs::rename(shared.join("below"), shared.join("moved")).unwrap();
    symlink(home.path().join("outside"), shared.join("below")).unwrap();
    part.commit(true).unwrap();
    assert_eq!(entries(&shared.join("moved")), ["file", "new"]);
    assert_eq!(entries(&home.path().join("outside")), ["file"]);
}

#[test]
fn only_regular_files_are_files() {
    let (home, directory) = home();
    let shared = home.path().join("shared");
    let fifo = shared.join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    let _socket = UnixListener::bind(shared.join("socket")).unwrap();
    for text in ["below", "fifo", "socket"] {
        assert_eq!(directory.open_file(name(text)).unwrap_err(), Fault::NotFound, "{text}");
        assert_eq!(directory.create(name(text), None).unwrap_err(), Fault::NotAllowed, "{text}");
    }
    assert!(Source::open(&fifo).is_err(), "and it does not wait for a writer");
    assert!(Source::open(&shared).is_err());
}

#[test]
#[cfg(target_os = "linux")]
fn devices_magic_links_and_other_file_systems_are_out_of_reach() {
    let devices = Directory::open("/dev").unwrap();
    assert_eq!(devices.open_file(name("null")).unwrap_err(), Fault::NotFound);
    assert_eq!(devices.open_file(name("tty")).unwrap_err(), Fault::NotFound);
    let process = Directory::open("/proc/self").unwrap();
    assert_eq!(process.open_file(name("exe")).unwrap_err(), Fault::NotFound);
    assert_eq!(process.open_file(name("cwd/Cargo.toml")).unwrap_err(), Fault::NotFound);
    let root = Directory::open("/").unwrap();
    assert_eq!(root.open_file(name("proc/version")).unwrap_err(), Fault::NotFound);
}

#[test]
fn a_file_cannot_be_opened_as_a_directory() {
    let (home, _) = home();
    assert!(Directory::open(home.path().join("secret")).is_err());
    assert!(Directory::open(home.path().join("none")).is_err());
}

#[test]
fn names_of_unfinished_files_are_refused() {
    let (home, directory) = home();
    fs::write(home.path().join("shared/.skep-mine.part"), "x").unwrap();
    for text in [".skep-mine.part", ".skep-0123456789abcdef.part", "below/.SKEP-1.part", ".skep-a.part/x"] {
        assert!(Name::new(text.as_bytes()).is_err(), "{text}");
    }
    for text in [".skep-mine.part", ".skep-0123456789abcdef.part", ".SKEP-1.part"] {
        assert_eq!(directory.create_own(text, None).unwrap_err(), Fault::BadName, "{text}");
    }
}

#[test]
fn a_name_of_the_user_s_own_may_be_what_a_peer_s_may_not() {
    let (home, directory) = home();
    for text in [".profile", "-x", "a:b", "nul", "FILE"] {
        assert_eq!(directory.vacant_own(text), Ok(()), "{text}");
        assert_eq!(directory.create_own(text, Some(0)).unwrap().commit(false), Ok(0), "{text}");
        assert!(home.path().join("shared").join(text).exists(), "{text}");
    }
}

#[test]
fn case_09_a_name_that_differs_in_case_only_is_taken() {
    let (home, directory) = home();
    for text in ["File", "FILE", "below/fILE"] {
        assert_eq!(directory.create(name(text), None).unwrap_err(), Fault::Exists, "{text}");
    }
    assert_eq!(
        directory.create(name("BELOW"), None).unwrap_err(),
        Fault::Exists,
        "a directory has a name, too"
    );
    assert_eq!(
        directory.create(name("file"), Some(0)).unwrap().commit(true),
        Ok(0),
        "its own name is not taken"
    );
    let (early, late) = (name("Über uns"), name("über uns"));
    let parts = [early, late].map(|name| directory.create(name, Some(0)).unwrap());
    let outcomes = parts.map(|part| part.commit(true));
    assert_eq!(outcomes, [Ok(0), Err(Fault::Exists)], "of two at once the first to be whole");
    fs::write(home.path().join("shared/FILE"), "the owner's own affair").unwrap();
    assert_eq!(directory.create(name("FILE"), Some(0)).unwrap().commit(true), Ok(0));
    assert_eq!(entries(&home.path().join("shared")), ["FILE", "below", "file", "Über uns"]);
}

#[test]
fn an_upload_is_invisible_until_it_is_whole_and_then_replaces() {
    let (home, directory) = home();
    let shared = home.path().join("shared");
    let part = directory.create(name("file"), Some(6)).unwrap();
    part.write_at(b"new", 3).unwrap();
    assert_eq!(fs::read(shared.join("file")).unwrap(), b"0123456789");
    let temporary = entries(&shared).remove(0);
    assert!(super::part::is_temporary(&temporary), "{temporary}");
    assert_eq!(fs::metadata(shared.join(&temporary)).unwrap().permissions().mode() & 0o7777, 0o600);
    part.write_at(b"all", 0).unwrap();
    assert_eq!(part.commit(true), Ok(6));
    assert_eq!(fs::read(shared.join("file")).unwrap(), b"allnew");
    assert_eq!(entries(&shared), ["below", "file"]);
}

#[test]
fn a_committed_file_has_the_mode_of_any_new_file() {
    let (home, directory) = home();
    let shared = home.path().join("shared");
    directory.create(name("ours"), None).unwrap().commit(true).unwrap();
    fs::write(shared.join("usual"), "").unwrap();
    let mode = |name| fs::metadata(shared.join(name)).unwrap().permissions().mode();
    assert_eq!(mode("ours"), mode("usual"));
}

#[test]
fn a_file_that_replaces_another_has_its_mode_and_nothing_that_runs_as_somebody_else() {
    let (home, directory) = home();
    let path = home.path().join("shared/file");
    for (old, new) in [(0o600, 0o600), (0o640, 0o640), (0o444, 0o444), (0o755, 0o755), (0o6755, 0o755)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(old)).unwrap();
        directory.create(name("file"), None).unwrap().commit(true).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, new, "{old:o}");
    }
}

#[test]
fn who_is_in_another_group_than_the_old_file_s_gets_no_more_than_others() {
    use super::part::kept_mode;
    for (old, same, other) in [(0o640, 0o640, 0o600), (0o664, 0o664, 0o644), (0o604, 0o604, 0o604)] {
        assert_eq!([kept_mode(old, true), kept_mode(old, false)], [same, other], "{old:o}");
    }
}

#[test]
fn without_replace_a_file_that_came_first_stays() {
    let (home, directory) = home();
    assert_eq!(directory.vacant(name("new")), Ok(()));
    assert_eq!(directory.vacant(name("file")), Err(Fault::Exists));
    assert_eq!(directory.vacant(name("below")), Err(Fault::Exists));
    let part = directory.create(name("new"), Some(0)).unwrap();
    directory.create(name("new"), Some(0)).unwrap().commit(false).unwrap();
    assert_eq!(part.commit(false), Err(Fault::Exists));
    assert_eq!(entries(&home.path().join("shared")), ["below", "file", "new"]);
}

#[test]
fn a_broken_upload_leaves_nothing() {
    let (home, directory) = home();
    let part = directory.create(name("below/new"), Some(1 << 20)).unwrap();
    part.write_at(&[1; 5000], 10_000).unwrap();
    drop(part);
    assert_eq!(entries(&home.path().join("shared/below")), ["file"]);
}

#[test]
fn a_file_shorter_or_longer_than_announced_is_not_committed() {
    let (home, directory) = home();
    for written in [0, 9, 11] {
        let part = directory.create(name("new"), Some(10)).unwrap();
        part.write_at(&vec![1; written], 0).unwrap();
        assert_eq!(part.commit(true), Err(Fault::Failed), "{written}");
    }
    assert_eq!(entries(&home.path().join("shared")), ["below", "file"]);
}

#[test]
fn a_length_that_cannot_fit_is_refused_at_once() {
    let (home, directory) = home();
    for length in [1 << 62, u64::MAX] {
        let refused = directory.create(name("new"), Some(length)).unwrap_err();
        assert!(matches!(refused, Fault::NoSpace | Fault::TooLarge), "{refused:?}");
    }
    assert_eq!(entries(&home.path().join("shared")), ["below", "file"]);
}

#[test]
fn a_length_that_is_announced_takes_no_room_before_the_content_comes() {
    use std::os::unix::fs::MetadataExt;
    let (_home, directory) = home();
    let part = directory.create(name("new"), Some(64 << 20)).unwrap();
    assert_eq!(part.file().metadata().unwrap().blocks(), 0);
    part.write_at(&[1; 5_000], 0).unwrap();
    part.file().sync_all().unwrap();
    assert!(part.file().metadata().unwrap().blocks() * 512 < 1 << 20);
}

#[test]
fn what_a_directory_holds_has_the_announced_lengths_in_it_as_long_as_they_are_to_come() {
    let (_home, directory) = home();
    let before = directory.held("below").unwrap();
    let part = directory.create(name("below/new"), Some(1 << 20)).unwrap();
    assert_eq!(directory.held("below").unwrap(), before + (1 << 20));
    // The other one was announced, too; what has come of it is in there.
    let other = directory.create(name("below/other"), Some(2 << 20)).unwrap();
    other.write_at(&[1; 5_000], 0).unwrap();
    assert_eq!(directory.held("below").unwrap(), before + (3 << 20));
    drop((part, other));
    assert_eq!(directory.held("below").unwrap(), before);
}

#[test]
fn an_upload_into_no_directory_is_not_found() {
    let (_home, directory) = home();
    assert_eq!(directory.create(name("none/new"), None).unwrap_err(), Fault::NotFound);
    assert_eq!(directory.create(name("file/new"), None).unwrap_err(), Fault::NotFound);
}

#[test]
fn a_directory_without_permission_is_not_allowed() {
    let (home, directory) = home();
    let below = home.path().join("shared/below");
    fs::set_permissions(&below, fs::Permissions::from_mode(0o500)).unwrap();
    // To root all is permitted.
    if !rustix::process::geteuid().is_root() {
        assert_eq!(directory.create(name("below/new"), None).unwrap_err(), Fault::NotAllowed);
    }
    fs::set_permissions(&below, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn several_slices_are_written_and_read_as_one_range() {
    let (_home, directory) = home();
    let part = directory.create(name("new"), Some(3000)).unwrap();
    let bytes: Vec<u8> = (0..3000u32).map(|number| (number % 251) as u8).collect();
    // More slices than one call of the system takes (1024).
    let mut slices: Vec<_> = bytes.chunks(2).map(IoSlice::new).collect();
    part.write_vectored_at(&mut slices, 0).unwrap();
    part.commit(true).unwrap();
    let source = directory.open_file(name("new")).unwrap();
    let mut read = vec![0; 2990];
    let mut buffers: Vec<_> = read.chunks_mut(2).map(IoSliceMut::new).collect();
    source.read_vectored_at(&mut buffers, 10).unwrap();
    source.unchanged().unwrap();
    assert_eq!(read, bytes[10..]);
    assert_eq!(source.read_at(&mut [0; 2], 2999), Err(Fault::Changed), "past the end");
    assert_eq!(source.read_at(&mut [], 5000), Ok(()));
}

#[test]
fn every_change_of_a_file_is_noticed() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 5] = [
        ("written in place", |path| {
            fs::OpenOptions::new().write(true).open(path).unwrap().write_all(b"x").unwrap();
        }),
        ("truncated", |path| fs::OpenOptions::new().write(true).open(path).unwrap().set_len(9).unwrap()),
        ("appended to", |path| {
            fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"x").unwrap();
        }),
        ("written again whole", |path| fs::write(path, "0123456789").unwrap()),
        ("given another time", |path| {
            let file = fs::OpenOptions::new().write(true).open(path).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(1000)).unwrap();
        }),
    ];
    for (what, change) in changes {
        // At once after the file was written: the hardest case for clocks that tick slowly.
        let (home, directory) = home();
        let source = settled(directory.open_file(name("file")).unwrap());
        assert_eq!(source.unchanged(), Ok(()));
        change(&home.path().join("shared/file"));
        assert_eq!(source.unchanged(), Err(Fault::Changed), "{what}");
    }
}

/// Every change of it is noticed from now on.
fn settled(mut source: Source) -> Source {
    while !source.settle().unwrap() {
        std::thread::sleep(Duration::from_millis(1));
    }
    source
}

#[test]
fn a_change_that_hides_behind_the_old_time_is_noticed() {
    let (home, directory) = home();
    let path = home.path().join("shared/file");
    let source = settled(directory.open_file(name("file")).unwrap());
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all(b"x").unwrap();
    file.set_modified(modified).unwrap();
    assert_eq!(source.unchanged(), Err(Fault::Changed));
}

#[test]
fn a_file_that_is_replaced_or_removed_is_still_read_whole() {
    let (home, directory) = home();
    let source = directory.open_file(name("file")).unwrap();
    let part = directory.create(name("file"), Some(3)).unwrap();
    part.write_at(b"new", 0).unwrap();
    part.commit(true).unwrap();
    assert_eq!(read_all(&source), b"0123456789");
    let source = directory.open_file(name("file")).unwrap();
    fs::remove_file(home.path().join("shared/file")).unwrap();
    assert_eq!(read_all(&source), b"new");
}

#[test]
fn a_sweep_removes_leftovers_and_nothing_else() {
    let (home, directory) = home();
    let shared = home.path().join("shared");
    let leftover = ".skep-00000000deadbeef.part";
    fs::create_dir_all(shared.join("below/deep/er")).unwrap();
    fs::create_dir(shared.join(".skep-00000000deadbee0.part")).unwrap();
    symlink(home.path().join("outside"), shared.join("link")).unwrap();
    for place in ["", "below", "below/deep/er", "../outside"] {
        fs::write(shared.join(place).join(leftover), "left").unwrap();
    }
    fs::write(shared.join(".skep-mine.part"), "a user's").unwrap();
    let living: Part = Directory::open(&shared).unwrap().create(name("below/living"), None).unwrap();
    assert_eq!(directory.sweep().unwrap(), 3);
    assert_eq!(directory.sweep().unwrap(), 0);
    assert_eq!(entries(&shared), [".skep-00000000deadbee0.part", ".skep-mine.part", "below", "file", "link"]);
    assert!(home.path().join("outside").join(leftover).exists());
    living.commit(true).unwrap();
    assert_eq!(entries(&shared.join("below")), ["deep", "file", "living"]);
}

#[test]
fn a_download_sweeps_away_what_a_killed_one_has_left_beside_it() {
    let (home, directory) = home();
    let shared = home.path().join("shared");
    let leftover = ".skep-00000000deadbeef.part";
    fs::write(shared.join(leftover), "left").unwrap();
    fs::write(shared.join("below").join(leftover), "somebody else's to sweep").unwrap();
    let living = directory.create_own("living", None).unwrap();
    let next = directory.create_own("next", None).unwrap();
    assert!(!shared.join(leftover).exists());
    living.commit(true).unwrap();
    next.commit(true).unwrap();
    assert_eq!(entries(&shared), ["below", "file", "living", "next"]);
    assert!(shared.join("below").join(leftover).exists());
}

#[test]
fn servers_that_sweep_and_receive_at_once_do_not_remove_each_others_files() {
    let (home, directory) = home();
    std::thread::scope(|scope| {
        let sweeper = scope.spawn(|| (0..300).map(|_| directory.sweep().unwrap()).sum::<usize>());
        let second = Directory::open(home.path().join("shared")).unwrap();
        for _ in 0..300 {
            let part = second.create(name("new"), Some(1)).unwrap();
            part.write_at(b"1", 0).unwrap();
            assert_eq!(part.commit(true), Ok(1));
        }
        sweeper.join().unwrap();
    });
    assert_eq!(entries(&home.path().join("shared")), ["below", "file", "new"]);
}
