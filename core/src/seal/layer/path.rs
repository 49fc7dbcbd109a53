//! A peer that has moved: its new address is asked before it is believed.
//!
//! ```text
//!   peer at a new address        us
//!        │ DATA ────────────────► │   opens: it is the peer, but is it there?
//!        │ ◄─── question, token ── │   to the new address, sealed
//!        │ answer, token ───────► │   from the new address: from now on we send there
//! ```

use super::{Layer, Waiting, bump};
use crate::{
    Memory,
    guard::Unproven,
    index::Cell,
    seal::{Provider, datagram::OVERHEAD},
    table::Slot,
};
use core::net::SocketAddr;

use super::Session;

/// Random bytes that only who receives at an address can give back.
const TOKEN: usize = 16;

/// What begins a packet of the layer itself; the endpoint's begin with `SKEP`.
const MAGIC: &[u8] = b"PATH";

/// A packet of the layer itself: magic, 1 for a question and 2 for an answer, token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    Question([u8; TOKEN]),
    Answer([u8; TOKEN]),
}

impl Control {
    const LENGTH: usize = MAGIC.len() + 1 + TOKEN;

    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (kind, token) = text.strip_prefix(MAGIC)?.split_first()?;
        let token = token.first_chunk().copied().filter(|_| token.len() == TOKEN)?;
        match kind {
            1 => Some(Self::Question(token)),
            2 => Some(Self::Answer(token)),
            _ => None,
        }
    }

    pub(super) fn emit(&self, out: &mut [u8]) -> Option<usize> {
        let (kind, token) = match self {
            Self::Question(token) => (1, token),
            Self::Answer(token) => (2, token),
        };
        let bytes = MAGIC.iter().chain(core::iter::once(&kind)).chain(token);
        let out = out.get_mut(..Self::LENGTH)?;
        out.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        Some(Self::LENGTH)
    }
}

/// An address that a peer may have moved to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    address: SocketAddr,
    token: [u8; TOKEN],
    unproven: Unproven,
}

impl<V, M, I, const SLOTS: usize, const BUCKETS: usize> Layer<V, M, I, SLOTS, BUCKETS>
where
    V: Provider,
    M: Memory<Slot<Session<V>>>,
    I: Memory<Cell>,
{
    /// A datagram of `length` bytes opened that came from another address than the session's.
    pub(super) fn question(&mut self, number: u32, from: SocketAddr, length: usize) {
        let fresh = self.random.next();
        let Some(session) = self.sessions.get_mut(number) else { return };
        let candidate = match &mut session.candidate {
            Some(candidate) if candidate.address == from => {
                candidate.unproven.received(length);
                candidate
            }
            other => {
                let Some(token) = fresh.expose().first_chunk().copied() else { return };
                other.insert(Candidate { address: from, token, unproven: Unproven::new(length) })
            }
        };
        let size = Control::LENGTH + OVERHEAD;
        if candidate.unproven.may_send(size) {
            candidate.unproven.sent(size);
            let _ = self.waiting.push_back(Waiting::Control(
                session.id,
                from,
                Control::Question(candidate.token),
            ));
        }
    }

    /// A packet of the layer itself opened.
    pub(super) fn control(&mut self, number: u32, from: SocketAddr, control: Control) {
        let Some(session) = self.sessions.get_mut(number) else { return };
        match control {
            // It is as long as the question was, and goes where that came from: nobody gets more than he sent.
            Control::Question(token) => {
                let _ = self.waiting.push_back(Waiting::Control(session.id, from, Control::Answer(token)));
            }
            Control::Answer(token) => {
                if session
                    .candidate
                    .is_some_and(|candidate| candidate.address == from && candidate.token == token)
                {
                    session.address = from;
                    session.candidate = None;
                    bump(&mut self.counters.moved);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_and_answers_have_these_bytes() {
        for (control, kind) in [(Control::Question([7; 16]), 1), (Control::Answer([7; 16]), 2)] {
            let mut out = [0; 32];
            let length = control.emit(&mut out).unwrap();
            assert_eq!(out[..length], [&b"PATH"[..], &[kind], &[7; 16]].concat());
            assert_eq!(Control::parse(&out[..length]), Some(control));
            assert_eq!(Control::parse(&out[..length - 1]), None);
            assert_eq!(Control::parse(&out[..length + 1]), None);
        }
    }
}
