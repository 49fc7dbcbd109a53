//! Where the files of an identity lie.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::exit::Failure;

/// The directory of somebody's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    directory: PathBuf,
    key: PathBuf,
}

impl Home {
    /// The one of whoever runs the program: `$SKEP_HOME`, or `skep` in `$XDG_CONFIG_HOME`, or `~/.config/skep`
    /// (on Windows `skep` in `%APPDATA%`).
    ///
    /// # Errors
    /// None of them says where it is.
    pub fn find() -> Result<Self, Failure> {
        Self::find_in(|name| env::var_os(name)).ok_or_else(|| {
            Failure::local("cannot tell where your files are: set SKEP_HOME to a directory, or give a key file with --key")
        })
    }

    fn find_in(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let config = if cfg!(windows) { "APPDATA" } else { "XDG_CONFIG_HOME" };
        Some(Self::at(directory(variable, config, ".config/skep")?))
    }

    /// What earlier visits to servers have left, which may go at any time: `visits` in `$SKEP_HOME`, or in `skep` in
    /// `$XDG_CACHE_HOME`, or in `~/.cache/skep` (on Windows in `skep` in `%LOCALAPPDATA%`).
    pub fn visits() -> Option<PathBuf> {
        Self::visits_in(|name| env::var_os(name))
    }

    fn visits_in(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
        let cache = if cfg!(windows) { "LOCALAPPDATA" } else { "XDG_CACHE_HOME" };
        Some(directory(variable, cache, ".cache/skep")?.join("visits"))
    }

    /// This directory.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        let directory = directory.into();
        Self { key: directory.join("key"), directory }
    }

    /// This key file, and the directory that it lies in.
    pub fn of_key(key: &Path) -> Self {
        let parent = key.parent().filter(|parent| !parent.as_os_str().is_empty());
        Self { directory: parent.unwrap_or(Path::new(".")).to_owned(), key: key.to_owned() }
    }

    /// The secret key.
    pub fn key(&self) -> &Path {
        &self.key
    }

    /// The keys of servers.
    pub fn known_hosts(&self) -> PathBuf {
        self.directory.join("known_hosts")
    }

    /// The public keys that are let in.
    pub fn allow(&self) -> PathBuf {
        self.directory.join("allow")
    }

    /// The invites that are not used yet.
    pub fn invites(&self) -> PathBuf {
        self.directory.join("invites")
    }

    /// The keys made of passwords that are let in.
    pub fn accounts(&self) -> PathBuf {
        self.directory.join("accounts")
    }
}

/// `$SKEP_HOME`, or `skep` in what the variable `base` says, or this one below the home directory.
fn directory(variable: impl Fn(&str) -> Option<OsString>, base: &str, below_home: &str) -> Option<PathBuf> {
    // An empty variable counts as none; the other two have to be absolute (XDG Base Directory, section 2), or the
    // identity would change with the current directory.
    let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let absolute = |name| set(name).filter(|path| path.is_absolute());
    set("SKEP_HOME")
        .or_else(|| absolute(base).map(|path| path.join("skep")))
        .or_else(|| absolute("HOME").map(|path| path.join(below_home)))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Option<PathBuf> {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        Home::find_in(variable).map(|home| home.key().to_owned())
    }

    #[test]
    fn the_first_variable_that_says_something_wins() {
        let [own, config, home] = [("SKEP_HOME", "rel"), ("XDG_CONFIG_HOME", "/c"), ("HOME", "/h")];
        assert_eq!(found(&[home, config, own]), Some("rel/key".into()));
        assert_eq!(found(&[home, config]), Some("/c/skep/key".into()));
        assert_eq!(found(&[home]), Some("/h/.config/skep/key".into()));
        assert_eq!(
            found(&[home, ("XDG_CONFIG_HOME", "c"), ("SKEP_HOME", "")]),
            Some("/h/.config/skep/key".into())
        );
        assert_eq!(found(&[("HOME", "")]), None);
    }

    #[test]
    fn visits_lie_with_what_may_go_unless_all_files_have_one_place() {
        let found = |variables: &[(&str, &str)]| {
            Home::visits_in(|name| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
            })
        };
        let [own, cache, home] = [("SKEP_HOME", "/own"), ("XDG_CACHE_HOME", "/c"), ("HOME", "/h")];
        assert_eq!(found(&[home, cache, own]), Some("/own/visits".into()));
        assert_eq!(found(&[home, cache]), Some("/c/skep/visits".into()));
        assert_eq!(found(&[home]), Some("/h/.cache/skep/visits".into()));
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn the_other_files_lie_beside_the_key() {
        assert_eq!(Home::of_key(Path::new("/a/b")).allow(), Path::new("/a/allow"));
        assert_eq!(Home::of_key(Path::new("b")).invites(), Path::new("./invites"));
    }
}
