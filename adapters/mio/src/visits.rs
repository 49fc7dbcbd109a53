//! What calls of before have left for the next ones to the same server: what proves our address there, and how long the
//! way is. Only for `rdt://`: a sealed call proves more by itself.
//!
//! ```text
//!   192.0.2.7:7537 00d1c2a3948576f1 20417 1795226400
//!   server         token            µs    seconds since 1970      a line each, the newest last
//! ```
//!
//! The file may go at any time, and what is odd in it is left out: without it a call takes a round trip more. It is
//! written beside the old one and put into its place, by whoever comes last, and no failure to do that is told.

use crate::identity::Home;
use skep_core::wire::rdt::Pass;
use std::{
    fs,
    io::{self, Read, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The most servers that are remembered, and the longest file that is read.
const SERVERS_MAX: usize = 64;
const LENGTH_MAX: u64 = 16 << 10;

/// How long one is remembered: no token is good for longer.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// One call of before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Visit {
    server: SocketAddr,
    pass: Pass,
    /// Seconds since 1970.
    at: u64,
}

impl Visit {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (server, token) = (words.next()?.parse().ok()?, u64::from_str_radix(words.next()?, 16).ok()?);
        let (round_trip, at) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        words.next().is_none().then_some(Self { server, pass: Pass { token, round_trip }, at })
    }

    fn line(&self) -> String {
        format!("{} {:016x} {} {}\n", self.server, self.pass.token, self.pass.round_trip, self.at)
    }

    /// Whether it says of the same server all but the same.
    fn is_like(&self, other: &Self) -> bool {
        let (one, another) = (self.pass.round_trip, other.pass.round_trip);
        self.pass.token == other.pass.token && one.abs_diff(another) <= another / 8
    }
}

/// The file of these.
#[derive(Clone, Debug)]
pub(crate) struct Visits(Option<PathBuf>);

impl Visits {
    /// Those of whoever runs the program, if there is a place for them.
    pub(crate) fn find() -> Self {
        Self(Home::visits())
    }

    /// None, and none are kept.
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    /// What the last call of this server has left.
    pub(crate) fn pass(&self, server: SocketAddr) -> Pass {
        let visits = self.read(seconds());
        visits.iter().rfind(|visit| visit.server == server).map_or(Pass::NONE, |visit| visit.pass)
    }

    /// A call of this server has left this.
    pub(crate) fn note(&self, server: SocketAddr, pass: Pass) {
        let Some(path) = &self.0 else { return };
        if pass.token != 0 {
            // Without it everything works, if slower: there is nothing to tell the user.
            let _ = self.keep(path, Visit { server, pass, at: seconds() });
        }
    }

    fn keep(&self, path: &Path, visit: Visit) -> io::Result<()> {
        let mut visits = self.read(visit.at);
        if visits.iter().any(|old| old.server == visit.server && old.is_like(&visit)) {
            return Ok(());
        }
        visits.retain(|old| old.server != visit.server);
        visits.push(visit);
        let first = visits.len().saturating_sub(SERVERS_MAX);
        let text: String = visits[first..].iter().map(Visit::line).collect();
        if let Some(directory) = path.parent() {
            let mut builder = fs::DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.recursive(true).create(directory)?;
        }
        let beside = path.with_extension(std::process::id().to_string());
        let written = write(&beside, &text).and_then(|()| fs::rename(&beside, path));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        written
    }

    /// Those that are not too old at that time, in seconds.
    fn read(&self, now: u64) -> Vec<Visit> {
        let mut text = String::new();
        let Some(file) = self.0.as_ref().and_then(|path| fs::File::open(path).ok()) else {
            return Vec::new();
        };
        if file.take(LENGTH_MAX).read_to_string(&mut text).is_err() {
            return Vec::new();
        }
        let is_young = |visit: &Visit| now.saturating_sub(visit.at) < LIFE.as_secs();
        text.lines().filter_map(Visit::parse).filter(is_young).collect()
    }
}

/// Writes a file that only its owner may read: it tells who was visited.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 7], port))
    }

    fn pass(token: u64) -> Pass {
        Pass { token, round_trip: 20_000 }
    }

    fn visits(directory: &tempfile::TempDir) -> Visits {
        Visits(Some(directory.path().join("skep/visits")))
    }

    #[test]
    fn what_was_noted_is_there_and_private_and_of_each_server_the_last() {
        let directory = tempfile::tempdir().unwrap();
        let visits = visits(&directory);
        assert_eq!(visits.pass(server(1)), Pass::NONE);
        for (port, token) in [(1, 5), (2, 6), (1, u64::MAX)] {
            visits.note(server(port), pass(token));
        }
        visits.note("[2001:db8::7]:9".parse().unwrap(), pass(8));
        visits.note(server(3), pass(0));
        assert_eq!(visits.pass(server(1)), pass(u64::MAX));
        assert_eq!(visits.pass(server(2)), pass(6));
        assert_eq!(visits.pass("[2001:db8::7]:9".parse().unwrap()), pass(8));
        assert_eq!(visits.pass(server(3)), Pass::NONE, "without a token there is nothing to show");
        let directory = directory.path().join("skep");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "nothing is left beside it");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&directory), mode(&directory.join("visits"))), (0o700, 0o600));
        }
    }

    #[test]
    fn old_ones_leave_and_the_number_is_bounded() {
        let directory = tempfile::tempdir().unwrap();
        let visits = visits(&directory);
        for port in 0..200 {
            visits.note(server(port), pass(7));
        }
        assert_eq!(visits.read(seconds()).len(), SERVERS_MAX);
        assert_eq!(visits.pass(server(199)), pass(7));
        assert_eq!(visits.pass(server(100)), Pass::NONE);
        assert!(visits.read(seconds() + LIFE.as_secs()).is_empty());
    }

    #[test]
    fn what_says_nothing_new_is_not_written() {
        let directory = tempfile::tempdir().unwrap();
        let visits = visits(&directory);
        visits.note(server(1), pass(7));
        visits.note(server(1), Pass { token: 7, round_trip: 21_000 });
        assert_eq!(visits.pass(server(1)), pass(7));
        visits.note(server(1), Pass { token: 7, round_trip: 30_000 });
        assert_eq!(visits.pass(server(1)).round_trip, 30_000);
    }

    #[test]
    fn what_is_odd_is_left_out_and_what_cannot_be_written_is_no_failure() {
        let directory = tempfile::tempdir().unwrap();
        let visits = visits(&directory);
        visits.note(server(1), pass(7));
        let path = directory.path().join("skep/visits");
        let good = fs::read_to_string(&path).unwrap();
        for odd in
            ["", "\n", "x", "192.0.2.7:1 zz 1 1\n", "192.0.2.7:1 7 1\n", "192.0.2.7:1 7 1 1 1\n", "\0\0 \0"]
        {
            fs::write(&path, format!("{odd}\n{good}{odd}")).unwrap();
            assert_eq!(visits.pass(server(1)), pass(7), "{odd:?}");
        }
        fs::write(&path, [0xff; 100]).unwrap();
        assert_eq!(visits.pass(server(1)), Pass::NONE);
        let nowhere = Visits(Some(path.join("below/a/file")));
        nowhere.note(server(1), pass(7));
        assert_eq!(nowhere.pass(server(1)), Pass::NONE);
        Visits::none().note(server(1), pass(7));
        assert_eq!(Visits::none().pass(server(1)), Pass::NONE);
    }
}
