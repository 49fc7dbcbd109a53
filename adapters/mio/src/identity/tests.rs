//! The files of an identity: what is in them, who may read them, what a crash leaves.

mod allow;
mod invites;
mod key_file;
mod known_hosts;
mod passwords;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::*;
use crate::exit::Failure;

/// Three keys that are good.
const KEYS: [&str; 3] = [
    "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo",
    "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08",
    "CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
];

fn key(index: usize) -> Fingerprint {
    KEYS[index].parse().unwrap()
}

/// An empty directory, and a path in it.
fn path(name: &str) -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join(name);
    (directory, path)
}

/// A file with a mode, whatever the umask is.
fn file(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Each of these texts as a file is refused with its number of the line and its reason.
fn refuses<T>(load: impl Fn(&Path) -> Result<T, Failure>, cases: &[(&str, usize, &str)]) {
    let (_directory, path) = path("file");
    for (text, number, reason) in cases {
        file(&path, text, 0o600);
        let Err(failure) = load(&path) else { panic!("{text:?} was taken") };
        let told = failure.to_string();
        assert!(
            told.contains(&format!("file, line {number}: ")) && told.contains(reason),
            "{text:?}: {told}"
        );
    }
}
