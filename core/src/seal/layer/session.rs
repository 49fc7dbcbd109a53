//! One session: from the first packet to the last.
//!
//! ```text
//!   connect ──► Calling ──────────── INIT2 ───────────► Open
//!   INIT1   ──► Answering ──ACCEPT──► Answered ──DATA──► Open
//! ```

use super::{
    Caller,
    call::{Calling, OPEN_MAX, accept_without_padding},
    path::{Candidate, Control},
};
use crate::{
    Instant,
    guard::Slot,
    seal::{Protection, Provider, Random, Responder, TAG_LENGTH, datagram::FRONT},
    wire::seal::{Answer, ConnectionId, Init2, Suite, Suites},
};
use core::net::SocketAddr;
use heapless::Vec;

/// The longest INIT2 that is sent: its header, message 2.
const INIT2_MAX: usize = Init2::MESSAGE_START + 48 + ANSWER_MAX;

/// The longest payload of message 2: the id of this side and an ACCEPT.
pub(super) const ANSWER_MAX: usize = 3 + 8 + OPEN_MAX;

/// What a layer keeps for a peer. Public only as a type, so that the room for it can be named.
pub struct Session<V: Provider> {
    /// What the peer's datagrams carry, and the name of the session for the endpoint.
    pub(super) id: u64,
    pub(super) address: SocketAddr,
    pub(super) caller: Caller,
    pub(super) state: State<V>,
    pub(super) heard: Instant,
    /// Since when its datagrams are sealed with the same key, at most.
    pub(super) refreshed: Instant,
    pub(super) candidate: Option<Candidate>,
    /// Where the guard keeps it, while its peer is not confirmed.
    pub(super) slot: Option<Slot>,
    /// Its connection is over.
    pub(super) ending: bool,
}

pub(super) enum State<V: Provider> {
    Calling(Calling<V>),
    /// Message 1 was good; the endpoint is to accept.
    Answering {
        suite: Suite,
        client: ConnectionId,
        responder: Responder<V>,
        open: Vec<u8, OPEN_MAX>,
    },
    /// Message 2 was sent, and is sent again when it is asked for.
    Answered {
        protection: Protection<V>,
        init2: Vec<u8, INIT2_MAX>,
        open: Vec<u8, OPEN_MAX>,
    },
    Open(Protection<V>),
    /// Between two states.
    Nothing,
}

impl<V: Provider> Session<V> {
    pub(super) const fn new(id: u64, address: SocketAddr, caller: Caller, state: State<V>) -> Self {
        Self {
            id,
            address,
            caller,
            state,
            heard: Instant::ZERO,
            refreshed: Instant::ZERO,
            candidate: None,
            slot: None,
            ending: false,
        }
    }

    /// The OPEN that this session came with, while its peer is not confirmed.
    pub(super) fn open_again(&self) -> Option<Vec<u8, OPEN_MAX>> {
        match &self.state {
            State::Answering { open, .. } | State::Answered { open, .. } => Some(open.clone()),
            _ => None,
        }
    }

    /// INIT2, for the endpoint's ACCEPT in `plain`; the same one each time. Other packets have to wait until the peer
    /// is confirmed.
    pub(super) fn answer(&mut self, plain: &[u8], largest: u16, random: &mut Random<V>) -> Option<&[u8]> {
        let accept = accept_without_padding(plain)?;
        if let State::Answering { .. } = self.state {
            let State::Answering { suite, client, responder, open } =
                core::mem::replace(&mut self.state, State::Nothing)
            else {
                return None;
            };
            let mut body = Vec::<u8, { 8 + OPEN_MAX }>::from_slice(&self.id.to_be_bytes()).ok()?;
            body.extend_from_slice(&accept).ok()?;
            let mut text = [0; ANSWER_MAX];
            let used = Answer { suite, largest, body: &body }.emit(&mut text)?;
            let mut message = [0; INIT2_MAX];
            let (keys, written) = responder.answer(random.next(), text.get(..used)?, &mut message).ok()?;
            let protection = Protection::new(suite, &keys, client)?;
            let packet = Init2 { client, message: message.get(..written)? };
            let mut init2 = Vec::new();
            init2.resize(INIT2_MAX, 0).ok()?;
            let written = packet.emit(&mut init2)?;
            init2.truncate(written);
            self.state = State::Answered { protection, init2, open };
        }
        match &self.state {
            State::Answered { init2, .. } => Some(init2),
            _ => None,
        }
    }

    /// INIT1 again: where it goes and how long it is.
    pub(super) fn call(&mut self, suites: Suites, room: &mut [u8]) -> Option<(SocketAddr, usize)> {
        let State::Calling(calling) = &mut self.state else { return None };
        let length = calling.emit(self.id.to_be_bytes(), suites, room)?;
        Some((self.address, length))
    }

    /// The first datagram of the peer has opened.
    pub(super) fn confirm(&mut self) {
        self.state = match core::mem::replace(&mut self.state, State::Nothing) {
            State::Answered { protection, .. } => State::Open(protection),
            other => other,
        };
    }

    /// Seals a packet of the layer itself.
    pub(super) fn emit(&mut self, control: &Control, room: &mut [u8]) -> Option<usize> {
        let State::Open(protection) = &mut self.state else { return None };
        let length = control.emit(room.get_mut(FRONT..)?)?;
        let length = length.checked_add(FRONT + TAG_LENGTH)?;
        protection.seal(room.get_mut(..length)?).ok()?;
        Some(length)
    }
}

impl<V: Provider> core::fmt::Debug for Session<V> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Session").field("caller", &self.caller).finish_non_exhaustive()
    }
}
