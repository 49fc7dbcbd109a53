//! Whether two names lead to one file.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// More links than a system follows.
const LINKS_MAX: usize = 64;

/// Whether both names lead to one file, also one that is yet to be made.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    is_one_file(one, other)
        || matches!((destination(one), destination(other)), (Some(one), Some(other)) if one == other)
}

/// Whether there is one file under both names: a file may have several that are no links.
#[cfg(unix)]
fn is_one_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let number = |path| fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
    number(one).is_some() && number(one) == number(other)
}

#[cfg(not(unix))]
fn is_one_file(_: &Path, _: &Path) -> bool {
    false
}

/// Where what is written under this name goes. `None`: nowhere.
fn destination(path: &Path) -> Option<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        let Ok(target) = fs::read_link(&path) else { break };
        path = directory(&path).join(target);
    }
    let in_directory = || Some(fs::canonicalize(directory(&path)).ok()?.join(path.file_name()?));
    fs::canonicalize(&path).ok().or_else(in_directory)
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::commands::temporary::Temporary;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_file_is_known_under_all_its_names_also_before_it_is_there() {
        let home = Temporary::new().unwrap();
        let path = |name: &str| home.path().join(name);
        for name in ["file", "other"] {
            fs::write(path(name), "content").unwrap();
        }
        fs::create_dir(path("folder")).unwrap();
        symlink(path("file"), path("link")).unwrap();
        fs::hard_link(path("file"), path("twin")).unwrap();
        symlink("new", path("dangling")).unwrap();
        symlink("round", path("round")).unwrap();
        for (one, other) in [
            ("file", "file"),
            ("file", "./folder/../file"),
            ("file", "link"),
            ("file", "twin"),
            ("new", "new"),
            ("new", "folder/../new"),
            ("new", "dangling"),
        ] {
            assert!(is_same(&path(one), &path(other)), "{one} {other}");
        }
        for (one, other) in
            [("file", "other"), ("file", "new"), ("new", "newer"), ("no/new", "new"), ("round", "file")]
        {
            assert!(!is_same(&path(one), &path(other)), "{one} {other}");
        }
    }
}
