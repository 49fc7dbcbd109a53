//! A process that does not outlive its test.

use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
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
    lines: Receiver<String>,
}

impl Server {
    /// Starts one, and waits for the line that begins with `word`.
    pub(crate) fn start(command: &mut Command, word: &str) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
        let out = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sender, lines) = mpsc::channel();
        // It ends with the process.
        thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut server = Self { child, link: String::new(), lines };
        server.link = server.until(word);
        server
    }

    /// Waits for the next line that begins with `word`; what follows it.
    pub(crate) fn until(&self, word: &str) -> String {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    if let Some(rest) = line.strip_prefix(word) {
                        return rest.trim().to_owned();
                    }
                }
                Err(why) => panic!("it did not say \"{word}\": {why}"),
            }
        }
    }

    /// Reads not much further.
    pub(crate) fn turn_away(&mut self) {
        self.lines = mpsc::channel().1;
    }

    /// Asks it to end, and sees that it does so in order.
    pub(crate) fn end(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it is ours");
        let begin = Instant::now();
        while self.is_running() {
            assert!(begin.elapsed() < PATIENCE, "it does not end");
            thread::sleep(Duration::from_millis(2));
        }
        assert!(self.child.wait().expect("it is ours").success());
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
