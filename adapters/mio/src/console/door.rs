//! Where other consoles fetch what was published at this one.
//!
//! ```text
//!   a free port ──► one thread accepts ──► at most SEATS threads, each serves one GET_FILE
//! ```

use crate::storage::Source;
use mio::{Events, Interest, Poll, Token, Waker};
use skep_core::{
    stream::Fault,
    wire::{
        command::{ANSWER_MAX, GET_FILE_MAX, emit_answer, parse_get_file_path},
        file::{Code, Message, Unparsed},
    },
};
use std::{
    collections::BTreeSet,
    fs,
    io::{self, Read, Write},
    net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Who is served at the same time; others wait in the system's queue.
const SEATS: usize = 256;

/// How long a request may take, whole.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long somebody may take nothing of the content, or not close at its end.
const STALL_MAX: Duration = Duration::from_secs(15);

/// How long a piece of the content may take: who takes it byte by byte has no right to a seat.
const PIECE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a door that cannot accept (there are no more descriptors) leaves it.
const BREATHER: Duration = Duration::from_millis(100);

const PIECE: usize = 256 << 10;
const CALLERS: Token = Token(0);
const WAKE: Token = Token(1);

/// The paths that a user published, as they were typed. Clones are the same set.
#[derive(Clone, Debug, Default)]
pub(super) struct Published(Arc<Mutex<BTreeSet<String>>>);

impl Published {
    pub(super) fn insert(&self, path: &str) {
        self.with(|paths| paths.insert(path.to_owned()));
    }

    pub(super) fn remove(&self, path: &str) {
        self.with(|paths| paths.remove(path));
    }

    pub(super) fn clear(&self) {
        self.with(BTreeSet::clear);
    }

    fn contains(&self, path: &str) -> bool {
        self.with(|paths| paths.contains(path))
    }

    fn with<T>(&self, act: impl FnOnce(&mut BTreeSet<String>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A port that is open until this is dropped. Transfers that are under way then go on to their end.
#[derive(Debug)]
pub(super) struct Door {
    port: u16,
    closing: Arc<AtomicBool>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

impl Door {
    /// Opens a free port, of IPv4 and of IPv6 where there is such a thing.
    pub(super) fn open(published: Published) -> io::Result<Self> {
        let any = |address: SocketAddr| mio::net::TcpListener::bind(address);
        let mut listener =
            any((Ipv6Addr::UNSPECIFIED, 0).into()).or_else(|_| any((Ipv4Addr::UNSPECIFIED, 0).into()))?;
        let port = listener.local_addr()?.port();
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, CALLERS, Interest::READABLE)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let closing = Arc::new(AtomicBool::new(false));
        let attendant = Attendant {
            listener,
            poll,
            published,
            waker: Arc::clone(&waker),
            closing: Arc::clone(&closing),
            seated: Arc::default(),
        };
        let thread = thread::Builder::new().name("door".into()).spawn(move || attendant.attend())?;
        Ok(Self { port, closing, waker, thread: Some(thread) })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
        // Only with a wake-up can the thread be waited for.
        if self.waker.wake().is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

/// The thread that accepts.
struct Attendant {
    listener: mio::net::TcpListener,
    poll: Poll,
    published: Published,
    waker: Arc<Waker>,
    closing: Arc<AtomicBool>,
    seated: Arc<AtomicUsize>,
}

/// One who is served. The door is woken when the seat is free again.
struct Seat {
    seated: Arc<AtomicUsize>,
    waker: Arc<Waker>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seated.fetch_sub(1, Ordering::AcqRel);
        let _ = self.waker.wake();
    }
}

impl Attendant {
    fn attend(mut self) {
        let mut events = Events::with_capacity(2);
        while !self.closing.load(Ordering::Acquire) {
            let timeout = self.accept().err().map(|_| BREATHER);
            if let Err(error) = self.poll.poll(&mut events, timeout)
                && error.kind() != io::ErrorKind::Interrupted
            {
                return;
            }
        }
    }

    /// Accepts all who are waiting, while there are seats.
    fn accept(&self) -> io::Result<()> {
        while self.seated.load(Ordering::Acquire) < SEATS {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => TcpStream::from(stream),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            self.seated.fetch_add(1, Ordering::AcqRel);
            let seat = Seat { seated: Arc::clone(&self.seated), waker: Arc::clone(&self.waker) };
            let published = self.published.clone();
            thread::Builder::new().name("fetched from".into()).spawn(move || {
                // It is the other side's to notice.
                let _ = serve(stream, &published);
                drop(seat);
            })?;
        }
        Ok(())
    }
}

/// Answers one request.
fn serve(mut stream: TcpStream, published: &Published) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(STALL_MAX))?;
    let source = match request(&mut stream)? {
        Some(path) => open(published, path.as_deref()),
        // It stopped in the middle: it is let go.
        None => return Ok(()),
    };
    let message = match &source {
        Ok(source) => Message::Download { length: source.len() },
        Err(code) => Message::Error(*code),
    };
    let mut answer = [0; ANSWER_MAX];
    let length = emit_answer(&message, &mut answer).unwrap_or(0);
    stream.write_all(&answer[..length])?;
    if let Ok(source) = source {
        send(&mut stream, &source).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
    }
    stream.shutdown(Shutdown::Write)?;
    // A stream that is closed with unread bytes is reset, and what it was sent is lost.
    discard(&mut stream)
}

/// Waits until the other side closes, at most for [`STALL_MAX`], whatever it sends.
fn discard(stream: &mut TcpStream) -> io::Result<()> {
    let begin = Instant::now();
    let mut room = [0; 4_096];
    loop {
        let left = STALL_MAX.saturating_sub(begin.elapsed());
        if left.is_zero() {
            return Ok(());
        }
        stream.set_read_timeout(Some(left))?;
        if stream.read(&mut room)? == 0 {
            return Ok(());
        }
    }
}

/// Writes all of a piece, in time.
fn write_in_time(stream: &mut TcpStream, piece: &[u8]) -> io::Result<()> {
    let begin = Instant::now();
    let mut rest = piece;
    while !rest.is_empty() {
        let left = PIECE_TIMEOUT.saturating_sub(begin.elapsed());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_write_timeout(Some(left.min(STALL_MAX)))?;
        match stream.write(rest)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => rest = &rest[count..],
        }
    }
    Ok(())
}

/// The path that is asked for, or why there is no such path. `None`: the request is not whole.
fn request(stream: &mut TcpStream) -> io::Result<Option<Result<String, Code>>> {
    let begin = Instant::now();
    let mut bytes = [0; GET_FILE_MAX];
    let mut length = 0;
    loop {
        match parse_get_file_path(&bytes[..length]) {
            Ok((path, _)) => {
                let path = std::str::from_utf8(path).map_err(|_| Code::NotFound);
                return Ok(Some(path.map(ToOwned::to_owned)));
            }
            Err(Unparsed::Incomplete) => {}
            Err(Unparsed::BadName) => return Ok(Some(Err(Code::NotFound))),
            Err(_) => return Ok(Some(Err(Code::Unknown))),
        }
        let left = REQUEST_TIMEOUT.saturating_sub(begin.elapsed());
        if left.is_zero() {
            return Ok(None);
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut bytes[length..])? {
            0 => return Ok(None),
            count => length += count,
        }
    }
}

fn open(published: &Published, path: Result<&str, &Code>) -> Result<Source, Code> {
    let path = path.map_err(|code| *code)?;
    if !published.contains(path) {
        return Err(Code::NotFound);
    }
    if !fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        return Err(Code::NotFound);
    }
    Source::open(path).map_err(|_| Code::StorageFault)
}

/// Sends the content as it was when it was opened, or breaks off.
fn send(stream: &mut TcpStream, source: &Source) -> Result<(), Fault> {
    let mut piece = vec![0; PIECE];
    let mut offset = 0;
    while offset < source.len() {
        let count = usize::try_from(source.len() - offset).unwrap_or(PIECE).min(PIECE);
        source.read_at(&mut piece[..count], offset)?;
        source.unchanged()?;
        write_in_time(stream, &piece[..count]).map_err(|_| Fault::Failed)?;
        offset += count as u64;
    }
    Ok(())
}
