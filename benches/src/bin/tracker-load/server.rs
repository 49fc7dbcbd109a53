//! The tracker that is measured: a process, its addresses, its CPU time and its memory.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    panic,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

/// A tracker under way, killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    state: PathBuf,
    /// Where plain sessions are.
    pub(crate) plain: SocketAddr,
    /// Where sealed ones are.
    pub(crate) sealed: SocketAddr,
    /// Where commands are.
    pub(crate) commands: SocketAddr,
    /// Its key, as in links.
    pub(crate) key: String,
}

impl Server {
    /// Starts the program that lies beside this one, with a state of its own.
    pub(crate) fn start() -> Self {
        let program = env::current_exe().unwrap().with_file_name("skep");
        let state = env::temp_dir().join(format!("tracker-load-{}", std::process::id()));
        let mut child = Command::new(program)
            .args(["tracker", "--log", "none", "--listen", "127.0.0.1:0", "--plain", "127.0.0.1:0"])
            .args(["--commands", "127.0.0.1:0"])
            .env("SKEP_HOME", &state)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program skep, built in the same directory");
        // A release build that panics drops nothing.
        let (hook, id) = (panic::take_hook(), child.id());
        panic::set_hook(Box::new(move |info| {
            hook(info);
            let _ = kill_process(Pid::from_raw(id as i32).unwrap(), Signal::KILL);
        }));
        let lines: Vec<String> =
            BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok).take(4).collect();
        let told = |before: &str, behind: &str| {
            let found = lines.iter().find_map(|line| line.strip_prefix(before)?.strip_suffix(behind));
            found.unwrap_or_else(|| panic!("{before}…{behind} in {lines:?}")).to_owned()
        };
        let at = |before, behind| told(before, behind).parse().unwrap();
        let link = told("tracker skep://", "/");
        Self {
            plain: at("listening on ", " for sessions (plain: not encrypted)"),
            sealed: at("listening on skep://", ""),
            commands: at("listening on ", " for commands (plain: not encrypted)"),
            key: link.split('@').next().unwrap().to_owned(),
            child,
            state,
        }
    }

    /// CPU time of all its threads so far.
    pub(crate) fn cpu(&self) -> Duration {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let nanoseconds = threads.map(|thread| {
            let path = thread.unwrap().path().join("schedstat");
            let text = fs::read_to_string(path).unwrap_or_default();
            text.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0)
        });
        Duration::from_nanos(nanoseconds.sum())
    }

    /// What it has in memory, in bytes.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.state);
    }
}
