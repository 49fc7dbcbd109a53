//! splice(2) through a pipe: the pages of one socket become those of the other.

use crate::descriptors;
use mio::net::TcpStream;
use rustix::{
    io::Errno,
    pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice},
};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

/// What a pipe is asked to hold; the system gives less when many are open.
const ROOM: usize = 1 << 20;

/// A pipe between two sockets.
#[derive(Debug)]
pub(crate) struct Pipe {
    read: OwnedFd,
    write: OwnedFd,
    held: usize,
}

impl Pipe {
    /// `None`: the system has none to give, or only the last ones.
    pub(crate) fn new() -> Option<Self> {
        let (read, write) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC).ok()?;
        if descriptors::is_reserved(&write) {
            return None;
        }
        // A smaller one only means more calls.
        let _ = fcntl_setpipe_size(&write, ROOM);
        Some(Self { read, write, held: 0 })
    }

    /// How many bytes are in it.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Takes what a socket has, into a pipe that is empty: `None` when it has nothing now, 0 at its end.
    pub(crate) fn fill(&mut self, from: &TcpStream) -> io::Result<Option<usize>> {
        let count = moved(from.as_fd(), self.write.as_fd(), ROOM)?;
        self.held += count.unwrap_or(0);
        Ok(count)
    }

    /// Gives a socket what it takes: `None` when it takes nothing now.
    pub(crate) fn drain(&mut self, to: &TcpStream) -> io::Result<Option<usize>> {
        let count = moved(self.read.as_fd(), to.as_fd(), self.held)?;
        self.held -= count.unwrap_or(0).min(self.held);
        Ok(count)
    }
}

fn moved(from: BorrowedFd<'_>, to: BorrowedFd<'_>, most: usize) -> io::Result<Option<usize>> {
    loop {
        match splice(from, None, to, None, most, SpliceFlags::NONBLOCK | SpliceFlags::MOVE) {
            Ok(count) => return Ok(Some(count)),
            Err(Errno::AGAIN) => return Ok(None),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
