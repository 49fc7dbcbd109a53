//! A directory for one test, with a directory to share in it, and the program run there.

use std::{fs, net::SocketAddr, os::unix::process::CommandExt, path::PathBuf, process::Command};

use rustix::process::Signal;
use tempfile::TempDir;

use super::{Ended, Process, until};

/// The directory in which a test and all its processes live. Names are relative to it. Their keys lie somewhere else.
pub(crate) struct Home(TempDir, TempDir);

/// A server under way.
pub(crate) struct Server {
    pub(crate) process: Process,
    listeners: Vec<(String, SocketAddr)>,
}

/// Whose keys a process has.
const SERVER: &str = "server";
const CLIENT: &str = "client";

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
        let home = Self(tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
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

    /// Where somebody's keys lie, whether there are any or not.
    pub(crate) fn keys(&self, who: &str) -> PathBuf {
        self.1.path().join(who)
    }

    /// The program with these arguments, not started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let who = if arguments.first() == Some(&"serve") { SERVER } else { CLIENT };
        self.command_of(who, arguments)
    }

    /// The same, for somebody with keys of his own.
    pub(crate) fn command_of(&self, who: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_skep"));
        command.args(arguments).current_dir(self.0.path());
        self.shelter(&mut command, who);
        // Who starts the tests may ignore signals, as a script does for what it leaves in the background; the program leaves
        // alone what was ignored from the start.
        // SAFETY: system calls, as a terminal's shell makes them.
        unsafe {
            command.pre_exec(|| {
                libc::signal(libc::SIGHUP, libc::SIG_DFL);
                libc::signal(libc::SIGINT, libc::SIG_DFL);
                libc::signal(libc::SIGQUIT, libc::SIG_DFL);
                Ok(())
            });
        }
        command
    }

    /// Nothing that a process does touches the files of whoever runs the tests.
    pub(crate) fn shelter(&self, command: &mut Command, who: &str) {
        command.env("TMPDIR", self.path("temporary")).env("HOME", self.1.path());
        command
            .env("SKEP_HOME", self.keys(who))
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("SKEP_PASSWORD")
            .env_remove("SKEP_LINK");
    }

    /// Starts the program with a command line without quotes.
    pub(crate) fn start(&self, line: &str) -> Process {
        Process::start(&mut self.command(&line.split_whitespace().collect::<Vec<_>>()))
    }

    /// The same, for somebody with keys of his own.
    pub(crate) fn start_as(&self, who: &str, line: &str) -> Process {
        Process::start(&mut self.command_of(who, &line.split_whitespace().collect::<Vec<_>>()))
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, line: &str) -> Ended {
        self.start(line).end()
    }

    /// The same, for somebody with keys of his own.
    pub(crate) fn run_as(&self, who: &str, line: &str) -> Ended {
        self.start_as(who, line).end()
    }

    /// The same, with arguments that may have spaces in them.
    pub(crate) fn run_arguments(&self, arguments: &[&str]) -> Ended {
        Process::start(&mut self.command(arguments)).end()
    }

    /// Makes a key for somebody; the line of it for an allow file.
    pub(crate) fn make_key(&self, who: &str) -> String {
        self.run_as(who, "key make").well();
        String::from_utf8(self.run_as(who, &format!("key export --name {who}")).well().out).unwrap()
    }

    /// Lets the client `client` in on the server's side, with these rights.
    pub(crate) fn befriend(&self, rights: &str) {
        let line = self.make_key(CLIENT);
        fs::create_dir_all(self.keys(SERVER)).unwrap();
        fs::write(self.keys(SERVER).join("allow"), format!("{} {rights}\n", line.trim())).unwrap();
    }

    /// Serves the directory `shared` sealed, with these options.
    pub(crate) fn serve_sealed(&self, options: &str) -> Server {
        self.serve_at(&format!("shared --listen 127.0.0.1:0 {options}"))
    }

    /// Serves the directory `shared` over everything, with these options.
    pub(crate) fn serve(&self, options: &str) -> Server {
        self.serve_at(&format!("shared --tcp 127.0.0.1:0 --rdt 127.0.0.1:0 --path 127.0.0.1:0 {options}"))
    }

    /// Serves as the line says, and waits until all the listeners that it asks for are told.
    pub(crate) fn serve_at(&self, line: &str) -> Server {
        let process = self.start(&format!("serve {line}"));
        Server::ready(process, line)
    }

    /// The same, for somebody with keys of his own.
    pub(crate) fn serve_as(&self, who: &str, line: &str) -> Server {
        let process = self.start_as(who, &format!("serve {line}"));
        Server::ready(process, line)
    }
}

/// What the program says of where it listens.
fn listeners(out: &str) -> Vec<(String, SocketAddr)> {
    let whole = out.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let urls = whole.filter_map(|line| line.trim().strip_prefix("listening on "));
    let parts = urls.map(|url| {
        let (scheme, rest) = url.split_once("://").unwrap();
        let (address, note) = rest.split_once(' ').unwrap_or((rest, ""));
        // Whoever starts it is told what is not sealed.
        assert_eq!(note, if scheme == "skep" { "" } else { "(plain: not encrypted)" }, "{url}");
        (scheme.to_owned(), address.parse().unwrap())
    });
    parts.collect()
}

impl Server {
    /// The server of a process that was started with this line, when all the listeners that it asks for are told.
    pub(crate) fn ready(mut process: Process, line: &str) -> Self {
        let count = |option: &str| line.split_whitespace().filter(|word| *word == option).count();
        let plain: usize = ["--tcp", "--rdt", "--path"].into_iter().map(count).sum();
        let sealed = if plain == 0 { count("--listen").max(1) } else { count("--listen") };
        let wanted = plain + sealed * if count("--invite") > 0 { 3 } else { 2 };
        let told = until("listeners", || {
            let out = process.out();
            let told = out.matches('\n').count();
            assert!(told >= wanted || process.is_running(), "{}", process.err());
            (told >= wanted).then_some(out)
        });
        Self { listeners: listeners(&told), process }
    }

    /// The link that it printed, to a file.
    pub(crate) fn link(&self, name: &str) -> String {
        self.told("serving ") + name
    }

    /// The link of its invite, to a file.
    pub(crate) fn invite(&self, name: &str) -> String {
        self.told("invite ") + name
    }

    fn told(&self, what: &str) -> String {
        let out = self.process.out();
        out.lines()
            .find_map(|line| line.strip_prefix(what))
            .unwrap_or_else(|| panic!("no {what}in {out}"))
            .to_owned()
    }

    /// Its key, as it is in links.
    pub(crate) fn key(&self) -> String {
        self.link("").strip_prefix("skep://").unwrap().split('@').next().unwrap().to_owned()
    }

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
