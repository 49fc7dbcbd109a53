//! A process that is watched: its output is gathered, it ends within a bounded time, and not later than its owner.

use std::{
    io::Read,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// Whatever a test waits for has come by then, on a busy machine too: also that a peer is gone whose last words were lost,
/// which takes 30 s.
const PATIENCE: Duration = Duration::from_secs(120);

/// Looks until there is something, and fails after a generous time.
pub(crate) fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    until_within(PATIENCE, what, look)
}

/// As [`until`], with another time.
pub(crate) fn until_within<T>(patience: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < patience, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

type Text = Arc<Mutex<Vec<u8>>>;

/// A process under way, killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    out: Text,
    err: Text,
    readers: Vec<JoinHandle<()>>,
}

/// How a process ended, and what it printed.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::start_with(command, Stdio::null())
    }

    /// The same with something to read.
    pub(crate) fn start_with(command: &mut Command, input: Stdio) -> Self {
        let mut child = spawn(command.stdin(input).stdout(Stdio::piped()));
        let out = child.stdout.take().unwrap();
        Self::watch(child, out)
    }

    /// The same with a standard output of its own, whose other end is `out`.
    pub(crate) fn start_at(command: &mut Command, input: Stdio, out: impl Read + Send + 'static) -> Self {
        Self::watch(spawn(command.stdin(input)), out)
    }

    fn watch(mut child: Child, out: impl Read + Send + 'static) -> Self {
        let mut readers = Vec::new();
        let out = gather(out, &mut readers);
        let err = gather(child.stderr.take().unwrap(), &mut readers);
        Self { child, out, err, readers }
    }

    /// What it printed so far.
    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.out.lock().unwrap()).into_owned()
    }

    /// What it said on standard error so far.
    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.err.lock().unwrap()).into_owned()
    }

    pub(crate) fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begin.elapsed() < PATIENCE, "it does not end:\n{}{}", self.out(), self.err());
            thread::sleep(Duration::from_millis(2));
        };
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        let out = std::mem::take(&mut *self.out.lock().unwrap());
        Ended { code: status.code(), out, err: self.err() }
    }

    /// Kills it without a warning, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// It ended with this exit code.
    #[track_caller]
    pub(crate) fn with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.err);
        self
    }

    /// It ended well.
    #[track_caller]
    pub(crate) fn well(self) -> Self {
        self.with(0)
    }

    /// The last line on standard error is the program's only one that complains, and has this text in it.
    #[track_caller]
    pub(crate) fn saying(self, text: &str) -> Self {
        let last = self.err.lines().last().unwrap_or_default();
        assert!(last.starts_with("skep: ") && last.contains(text), "no \"{text}\" in: {}", self.err);
        assert_eq!(self.err.matches("skep: ").count(), 1, "{}", self.err);
        self
    }

    /// It printed nothing at all.
    #[track_caller]
    pub(crate) fn silently(self) -> Self {
        assert_eq!((self.out.as_slice(), self.err.as_str()), (b"".as_slice(), ""));
        self
    }
}

fn spawn(command: &mut Command) -> Child {
    let child = command.stderr(Stdio::piped()).spawn();
    let child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    // It holds what it gives to the process: nobody would see the end of a pipe.
    command.stdin(Stdio::null()).stdout(Stdio::null());
    child
}

fn gather(mut from: impl Read + Send + 'static, readers: &mut Vec<JoinHandle<()>>) -> Text {
    let text = Text::default();
    let to = Arc::clone(&text);
    readers.push(thread::spawn(move || {
        let mut piece = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from.read(&mut piece) {
            to.lock().unwrap().extend_from_slice(&piece[..count]);
        }
    }));
    text
}
