//! The independent peer in Python (tests/peer), as a client and as a server.

use std::{net::SocketAddr, process::Command};

use super::{Ended, Home, Process, Prompt, skipped, until};

const PEER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/peer/peer.py");

/// The peer, where there is an interpreter for it.
#[derive(Clone, Copy)]
pub(crate) struct Python(());

impl Python {
    /// `None`, and a word about it, where it cannot run.
    pub(crate) fn here() -> Option<Self> {
        let version =
            Command::new("python3").args(["-c", "import sys; sys.exit(sys.version_info < (3, 11))"]).output();
        let is_here = version.is_ok_and(|output| output.status.success());
        if !is_here {
            skipped("there is no python3 of version 3.11 or later");
        }
        is_here.then_some(Self(()))
    }

    /// Runs a client in a test's home.
    pub(crate) fn run(self, home: &Home, line: &str) -> Ended {
        Process::start(&mut command(home, line)).end()
    }

    /// Starts a server; where it listens.
    pub(crate) fn serve(self, home: &Home, line: &str) -> (Process, SocketAddr) {
        self.listen(home, &format!("serve --dir shared {line}"))
    }

    /// Starts a tracker of the commands protocol; where it listens.
    pub(crate) fn track(self, home: &Home, quirks: &str) -> (Process, SocketAddr) {
        self.listen(home, &format!("tracker {quirks}"))
    }

    /// Starts a console of the commands protocol in a folder of the home.
    pub(crate) fn console(self, home: &Home, folder: &str, server: SocketAddr, quirks: &str) -> Prompt {
        let line = format!("console {quirks} {} {}", server.ip(), server.port());
        Prompt::start(command(home, &line).current_dir(home.path(folder)))
    }

    fn listen(self, home: &Home, line: &str) -> (Process, SocketAddr) {
        let mut process = Process::start(&mut command(home, line));
        let port = until("the Python server", || {
            assert!(process.is_running(), "{}", process.err());
            let out = process.out();
            out.strip_suffix('\n')?.strip_prefix("listening ")?.parse().ok()
        });
        (process, SocketAddr::from(([127, 0, 0, 1], port)))
    }
}

fn command(home: &Home, line: &str) -> Command {
    let mut command = Command::new("python3");
    command
        .arg(PEER)
        .args(line.split_whitespace())
        // A disk that many tests write to may take its time to make a file durable.
        .args(["--timeout", "60"])
        .current_dir(home.path(""))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    home.shelter(&mut command, "python");
    command
}
