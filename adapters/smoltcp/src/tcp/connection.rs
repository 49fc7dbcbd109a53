//! One socket, and the stream on it.

use super::{
    HANDSHAKE,
    boxes::{Inbox, Outbox},
};
use crate::{Receiving, Sending};
use core::net::SocketAddr;
use heapless::Vec;
use skep_core::{Instant, limits::MESSAGE_MAX, stream::Fault};
use smoltcp::iface::SocketHandle;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing is done with the socket.
    Idle,
    /// It listens, or somebody is about to come in.
    Listening,
    /// It calls.
    Calling,
    /// It is connected, and who it is is being found out. `true`: we called.
    Greeting(bool),
    /// The machine has it.
    Open,
    /// It is to be ended at once.
    Aborting,
    /// The machine has let go; the socket delivers what is left.
    Closing,
}

#[derive(Debug)]
pub(super) struct Connection<R, const SIZE: usize> {
    pub(super) socket: SocketHandle,
    pub(super) generation: u16,
    pub(super) stage: Stage,
    /// When the stage is over at the latest.
    pub(super) until: Option<Instant>,
    pub(super) peer: SocketAddr,
    pub(super) records: Option<R>,
    pub(super) inbox: Inbox<SIZE>,
    /// Messages that are not in the outbox yet.
    pub(super) message: Vec<u8, MESSAGE_MAX>,
    pub(super) outbox: Outbox<SIZE>,
    pub(super) sending: Option<Sending>,
    pub(super) receiving: Option<Receiving>,
    /// The machine took nothing of what it was offered: more has to come, or it has to act.
    pub(super) is_refused: bool,
    pub(super) owes_moved: Option<Result<(), Fault>>,
    pub(super) owes_flushed: bool,
    /// Our direction is to be finished; whether it was.
    pub(super) finished: Option<bool>,
    /// The machine knows that the peer has finished.
    pub(super) told_end: bool,
}

impl<R, const SIZE: usize> Connection<R, SIZE> {
    pub(super) const fn new(socket: SocketHandle) -> Self {
        Self {
            socket,
            generation: 0,
            stage: Stage::Idle,
            until: None,
            peer: SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED), 0),
            records: None,
            inbox: Inbox::new(),
            message: Vec::new(),
            outbox: Outbox::new(),
            sending: None,
            receiving: None,
            is_refused: false,
            owes_moved: None,
            owes_flushed: false,
            finished: None,
            told_end: false,
        }
    }

    /// Another stream begins.
    pub(super) fn begin(&mut self, now: Instant, stage: Stage, peer: SocketAddr, records: R) {
        self.generation = self.generation.wrapping_add(1);
        self.stage = stage;
        self.until = Some(now + HANDSHAKE);
        self.peer = peer;
        self.records = Some(records);
        self.inbox.clear();
        self.message.clear();
        self.outbox.clear();
        self.sending = None;
        self.receiving = None;
        self.is_refused = false;
        self.owes_moved = None;
        self.owes_flushed = false;
        self.finished = None;
        self.told_end = false;
    }

    /// Whether somebody who calls finds this socket.
    pub(super) fn is_vacant(&self) -> bool {
        match self.stage {
            Stage::Idle => true,
            Stage::Listening => self.until.is_none(),
            _ => false,
        }
    }

    /// Whether somebody has called, and it is not known yet who.
    pub(super) fn is_opening(&self) -> bool {
        matches!(self.stage, Stage::Listening | Stage::Greeting(false)) && self.until.is_some()
    }

    /// Whether the driver may ask something of it.
    pub(super) fn is_there(&self) -> bool {
        matches!(self.stage, Stage::Calling | Stage::Greeting(_) | Stage::Open)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> bool {
        self.is_refused = false;
        self.owes_flushed = true;
        self.sending.is_none() && self.message.extend_from_slice(bytes).is_ok()
    }

    pub(super) fn pour(&mut self, bytes: &[u8]) -> usize {
        self.owes_flushed = true;
        let room = self.message.capacity() - self.message.len();
        let count = if self.sending.is_some() { 0 } else { bytes.len().min(room) };
        // There is room for so many.
        let _ = self.message.extend_from_slice(&bytes[..count]);
        count
    }

    /// Where content has got to.
    pub(super) fn position(&self) -> u64 {
        let sent = self.sending.map_or(0, |range| range.offset);
        sent.wrapping_add(self.receiving.map_or(0, |content| content.offset))
    }

    pub(super) fn send(&mut self, range: Sending) -> bool {
        self.is_refused = false;
        if self.sending.is_some() {
            return false;
        }
        if range.length == 0 {
            self.owes_moved = Some(Ok(()));
        } else {
            self.sending = Some(range);
        }
        true
    }

    pub(super) fn receive(&mut self, content: Receiving) {
        self.is_refused = false;
        if content.length == Some(0) {
            self.owes_moved = Some(Ok(()));
        } else if self.told_end {
            self.owes_moved = Some(ended(&content));
        } else {
            self.receiving = Some(content);
        }
    }

    pub(super) fn finish(&mut self) {
        self.is_refused = false;
        self.finished.get_or_insert(false);
    }

    /// Whether both directions are over.
    pub(super) fn is_over(&self) -> bool {
        self.told_end && self.finished == Some(true) && self.receiving.is_none() && self.owes_moved.is_none()
    }
}

/// What becomes of content when the peer has finished.
pub(super) fn ended(content: &Receiving) -> Result<(), Fault> {
    if content.length.is_none() { Ok(()) } else { Err(Fault::Ended) }
}
