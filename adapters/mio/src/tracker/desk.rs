//! Where admins and those who measure are answered, beside the loop: a thread waits for each kind of them, and everybody
//! who comes has a thread of his own besides, which asks the loop: so who says nothing keeps nobody waiting.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Weak,
        mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel},
    },
    thread::{self, Builder},
    time::{Duration, Instant},
};

use mio::Waker;

use super::order::{Answer, ORDER_MAX, Order};

/// How long who asks may take to do so, and the loop to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest request for a page, in bytes.
const REQUEST_MAX: usize = 8 << 10;

/// Of each kind, those who are answered at the same time; when one more comes, the oldest goes.
const ASKING_MAX: usize = 64;

/// How long it is waited when the system has no file for somebody who comes.
const REST: Duration = Duration::from_millis(100);

/// What the loop is asked.
#[derive(Debug)]
pub enum Asked {
    /// To do something.
    Order(Order, SyncSender<Answer>),
    /// For the numbers of the moment, as Prometheus reads them.
    Numbers(SyncSender<String>),
    /// What is wrong, if anything is.
    Health(SyncSender<Option<String>>),
}

/// The way to the loop.
#[derive(Clone, Debug)]
pub struct Desk {
    asked: Sender<Asked>,
    waker: Arc<Waker>,
}

impl Desk {
    /// A desk, and where the loop finds what was asked.
    pub fn new(waker: Arc<Waker>) -> (Self, Receiver<Asked>) {
        let (asked, questions) = channel();
        (Self { asked, waker }, questions)
    }

    fn ask<T>(&self, asked: impl FnOnce(SyncSender<T>) -> Asked) -> Result<T, RecvTimeoutError> {
        let (answer, outcome) = sync_channel(1);
        let sent = self.asked.send(asked(answer));
        sent.map_err(|_| RecvTimeoutError::Disconnected)?;
        let _ = self.waker.wake();
        outcome.recv_timeout(PATIENCE)
    }

    /// Takes orders on a socket that only the owner of the tracker can open.
    ///
    /// # Errors
    /// The system has no thread to give.
    #[cfg(unix)]
    pub fn take_orders(self, listener: std::os::unix::net::UnixListener) -> io::Result<()> {
        Builder::new().name("skep-admin".into()).spawn(move || {
            let end = |stream: &std::os::unix::net::UnixStream| stream.shutdown(Shutdown::Both);
            self.serve(listener.incoming(), end, Self::take_order);
        })?;
        Ok(())
    }

    #[cfg(unix)]
    fn take_order(&self, stream: &std::os::unix::net::UnixStream) -> io::Result<()> {
        use std::io::{BufRead, BufReader};
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut line = String::new();
        BufReader::new(stream.take(ORDER_MAX as u64)).read_line(&mut line)?;
        let answer = match serde_json::from_str(&line) {
            Ok(order) => self
                .ask(|answer| Asked::Order(order, answer))
                .unwrap_or_else(|_| Answer::Failed("the tracker does not answer".into())),
            Err(error) => Answer::Failed(format!("this is no order: {error}")),
        };
        let mut answer = serde_json::to_string(&answer)?;
        answer.push('\n');
        let mut out = stream;
        out.write_all(answer.as_bytes())
    }

    /// Serves the numbers at `/metrics`, and whether the tracker is well at `/health`.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn serve_numbers(self, listener: TcpListener) -> io::Result<()> {
        Builder::new().name("skep-metrics".into()).spawn(move || {
            let end = |stream: &TcpStream| stream.shutdown(Shutdown::Both);
            self.serve(listener.incoming(), end, Self::serve_page);
        })?;
        Ok(())
    }

    /// Answers those who come by `answer`, each on a thread of his own; `end` breaks off.
    fn serve<T: Send + Sync + 'static>(
        &self,
        incoming: impl Iterator<Item = io::Result<T>>,
        end: impl Fn(&T) -> io::Result<()>,
        answer: impl Fn(&Self, &T) -> io::Result<()> + Copy + Send + 'static,
    ) {
        let mut asking: VecDeque<Weak<T>> = VecDeque::new();
        for stream in those_who_come(incoming) {
            asking.retain(|asking| asking.strong_count() > 0);
            if asking.len() >= ASKING_MAX
                && let Some(oldest) = asking.pop_front().and_then(|oldest| oldest.upgrade())
            {
                let _ = end(&oldest);
            }
            let stream = Arc::new(stream);
            asking.push_back(Arc::downgrade(&stream));
            let desk = self.clone();
            // Without a thread to give, nobody answers; and whoever breaks off wants no answer.
            let _ = Builder::new().name("skep-desk".into()).spawn(move || answer(&desk, &stream));
        }
    }

    fn serve_page(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_write_timeout(Some(PATIENCE))?;
        let request = request(stream)?;
        let mut words = request.split_ascii_whitespace();
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let (status, kind, body) = match (method, path) {
            ("GET" | "HEAD", "/metrics") => match self.ask(Asked::Numbers) {
                Ok(numbers) => ("200 OK", NUMBERS, numbers),
                Err(_) => ("503 Service Unavailable", TEXT, "the tracker does not answer\n".to_owned()),
            },
            // Well is who answers, and can store what happens.
            ("GET" | "HEAD", "/" | "/health" | "/healthz") => match self.ask(Asked::Health) {
                Ok(None) => ("200 OK", TEXT, "ok\n".to_owned()),
                Ok(Some(trouble)) => ("503 Service Unavailable", TEXT, format!("{trouble}\n")),
                Err(_) => ("503 Service Unavailable", TEXT, "the tracker does not answer\n".to_owned()),
            },
            ("GET" | "HEAD", _) => ("404 Not Found", TEXT, "there are /metrics and /health\n".to_owned()),
            _ => ("405 Method Not Allowed", TEXT, "only GET\n".to_owned()),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let mut out = stream;
        out.write_all(head.as_bytes())?;
        if method != "HEAD" {
            out.write_all(body.as_bytes())?;
        }
        Ok(())
    }
}

/// Those who come. Where the system has no file for one it is asked again after a rest, and not at once.
fn those_who_come<T>(incoming: impl Iterator<Item = io::Result<T>>) -> impl Iterator<Item = T> {
    incoming.filter_map(|came| came.inspect_err(|_| thread::sleep(REST)).ok())
}

/// What somebody asks for, all of it: closing would otherwise reset what is answered. However slowly it comes, it is
/// waited for no longer than that.
fn request(mut stream: &TcpStream) -> io::Result<String> {
    let until = Instant::now() + PATIENCE;
    let (mut request, mut room) = (Vec::new(), [0; 1_024]);
    let is_whole = |request: &[u8]| {
        request.windows(2).any(|end| end == b"\n\n") || request.windows(4).any(|end| end == b"\r\n\r\n")
    };
    while !is_whole(&request) && request.len() < REQUEST_MAX {
        let left = until.saturating_duration_since(Instant::now());
        stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        match stream.read(&mut room)? {
            0 => break,
            _ if left.is_zero() => return Err(io::ErrorKind::TimedOut.into()),
            count => request.extend_from_slice(&room[..count]),
        }
    }
    Ok(String::from_utf8_lossy(&request).into_owned())
}

const TEXT: &str = "text/plain; charset=utf-8";
const NUMBERS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
