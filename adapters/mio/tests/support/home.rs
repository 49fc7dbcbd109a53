//! A directory for one test, with a directory to share in it, and the program run there.

use std::{fs, net::SocketAddr, path::PathBuf, process::Command};

use rustix::process::Signal;
use tempfile::TempDir;

use super::{Ended, Process, until};

/// The directory in which a test and all its processes live. Names are relative to it.
pub(crate) struct Home(TempDir);

/// A server under way.
pub(crate) struct Server {
    pub(crate) process: Process,
    listeners: Vec<(String, SocketAddr)>,
}

/// Bytes that compress badly and repeat nowhere, the same for the same size.
pub(crate) fn content(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15 ^ size as u64;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        home.folder("shared");
        home.folder("temporary");
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn folder(&self, name: &str) {
        fs::create_dir_all(self.path(name)).unwrap();
    }

    /// Writes a file, and gives its content back.
    pub(crate) fn write(&self, name: &str, bytes: impl Into<Vec<u8>>) -> Vec<u8> {
        let bytes = bytes.into();
        fs::write(self.path(name), &bytes).unwrap();
        bytes
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// What is in a directory, in order.
    pub(crate) fn entries(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Waits until some content of an unfinished file lies in a directory.
    pub(crate) fn wait_for_part(&self, folder: &str) -> PathBuf {
        until("an unfinished file", || {
            let parts = self.entries(folder).into_iter().filter(|name| name.ends_with(".part"));
            let mut paths = parts.map(|name| self.path(folder).join(name));
            paths.find(|path| fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0))
        })
    }

    /// Waits until just these names are in a directory.
    pub(crate) fn wait_for_entries(&self, folder: &str, names: &[&str]) {
        until(&format!("{names:?} in {folder}"), || (self.entries(folder) == names).then_some(()));
    }

    /// The program with these arguments, not started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_skep"));
        command.args(arguments).current_dir(self.0.path()).env("TMPDIR", self.path("temporary"));
        command
    }

    /// Starts the program with a command line without quotes.
    pub(crate) fn start(&self, line: &str) -> Process {
        Process::start(&mut self.command(&line.split_whitespace().collect::<Vec<_>>()))
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, line: &str) -> Ended {
        self.start(line).end()
    }

    /// The same, with arguments that may have spaces in them.
    pub(crate) fn run_arguments(&self, arguments: &[&str]) -> Ended {
        Process::start(&mut self.command(arguments)).end()
    }

    /// Serves the directory `shared` over everything, with these options.
    pub(crate) fn serve(&self, options: &str) -> Server {
        self.serve_at(&format!("shared --tcp 127.0.0.1:0 --rdt 127.0.0.1:0 --path 127.0.0.1:0 {options}"))
    }

    /// Serves as the line says, and waits until all the listeners that it asks for are told.
    pub(crate) fn serve_at(&self, line: &str) -> Server {
        let wanted =
            line.split_whitespace().filter(|word| matches!(*word, "--tcp" | "--rdt" | "--path")).count();
        let mut process = self.start(&format!("serve {line}"));
        let listeners = until("listeners", || {
            let listeners = listeners(&process.out());
            assert!(listeners.len() >= wanted || process.is_running(), "{}", process.err());
            (listeners.len() >= wanted).then_some(listeners)
        });
        Server { process, listeners }
    }
}

/// What the program says of where it listens.
fn listeners(out: &str) -> Vec<(String, SocketAddr)> {
    let whole = out.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let urls = whole.filter_map(|line| line.trim().strip_prefix("listening on "));
    let parts = urls.map(|url| url.split_once("://").unwrap());
    parts.map(|(scheme, address)| (scheme.to_owned(), address.parse().unwrap())).collect()
}

impl Server {
    /// The first address for a scheme.
    pub(crate) fn at(&self, scheme: &str) -> SocketAddr {
        self.all_at(scheme)[0]
    }

    /// All addresses for a scheme.
    pub(crate) fn all_at(&self, scheme: &str) -> Vec<SocketAddr> {
        let of_scheme = self.listeners.iter().filter(|listener| listener.0 == scheme);
        of_scheme.map(|listener| listener.1).collect()
    }

    pub(crate) fn url(&self, scheme: &str, name: &str) -> String {
        format!("{scheme}://{}/{name}", self.at(scheme))
    }

    /// Asks it to end, and sees that it does so in order.
    pub(crate) fn stop(self) -> Ended {
        self.process.send(Signal::TERM);
        self.process.end().well()
    }
}
