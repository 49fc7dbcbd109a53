//! A server of the commands protocol that says what a test wants it to say, and remembers what it was asked.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use super::until;

/// What is answered to a request.
pub(crate) enum Answer {
    /// These bytes, and the end.
    Bytes(Vec<u8>),
    /// These bytes, and then nothing for as long as the other side waits.
    Stall(Vec<u8>),
}

/// A listener with a thread, which ends with the process.
pub(crate) struct Stub {
    at: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    /// Answers as `answer` says. Requests are told with `|` for each NUL.
    pub(crate) fn new(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (answer, heard) = (Arc::new(answer), Arc::clone(&asked));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (answer, heard) = (Arc::clone(&answer), Arc::clone(&heard));
                thread::spawn(move || serve(stream.unwrap(), &*answer, &heard));
            }
        });
        Self { at, asked }
    }

    /// Answers each request by one byte.
    pub(crate) fn with(result: u8) -> Self {
        Self::new(move |_| Answer::Bytes(vec![result]))
    }

    pub(crate) fn at(&self) -> SocketAddr {
        self.at
    }

    /// All requests so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Waits for a request that begins so; the last one that does.
    pub(crate) fn wait_for(&self, begin: &str) -> String {
        until(begin, || self.asked().into_iter().rev().find(|request| request.starts_with(begin)))
    }
}

/// A request comes in one write, so in one read: there is nobody on this machine who would cut it.
fn serve(mut stream: TcpStream, answer: &dyn Fn(&str) -> Answer, asked: &Mutex<Vec<String>>) {
    let mut bytes = [0; 1024];
    let Ok(count @ 1..) = stream.read(&mut bytes) else { return };
    let request = String::from_utf8_lossy(&bytes[..count]).replace('\0', "|");
    asked.lock().unwrap().push(request.clone());
    let (bytes, stalls) = match answer(&request) {
        Answer::Bytes(bytes) => (bytes, false),
        Answer::Stall(bytes) => (bytes, true),
    };
    let _ = stream.write_all(&bytes);
    if stalls {
        let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
        let ended = stream.read(&mut [0]);
        assert!(!ended.is_err_and(|error| error.kind() == ErrorKind::WouldBlock));
    }
}
