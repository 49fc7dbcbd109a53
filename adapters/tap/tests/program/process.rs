//! A process that does not outlive its test.

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Whatever a test waits for has come by then.
const PATIENCE: Duration = Duration::from_secs(40);

/// `skep-tap` with these arguments.
pub(crate) fn skep_tap(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skep-tap"));
    command.args(arguments.split_whitespace());
    command
}

/// A server that has said where it is.
pub(crate) struct Server {
    child: Child,
    /// Its first line, without the first word.
    pub(crate) link: String,
    _out: BufReader<ChildStdout>,
}

impl Server {
    /// Starts one, and waits for the line that begins with `word`.
    pub(crate) fn start(command: &mut Command, word: &str) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        while out.read_line(&mut line).expect("it prints text") > 0 {
            if let Some(link) = line.trim_end().strip_prefix(word) {
                return Self { link: link.trim().to_owned(), child, _out: out };
            }
            line.clear();
        }
        panic!("it ended before it said where it is: {:?}", child.wait());
    }

    /// Whether it lives.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a program to its end; its exit code and what it said.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> (i32, String) {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let begin = Instant::now();
    while child.try_wait().expect("it is ours").is_none() {
        if begin.elapsed() > PATIENCE {
            let _ = child.kill();
        }
        thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().expect("it is ours");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
}

/// The same for one that ends well.
#[track_caller]
pub(crate) fn run_well(command: &mut Command) {
    let (code, said) = run(command);
    assert_eq!(code, 0, "{command:?}: {said}");
}
