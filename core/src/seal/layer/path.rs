//! A peer that has moved: its new address is asked before it is believed.
//!
//! ```text
//!   peer at a new address        us
//!        │ DATA ────────────────► │   opens: it is the peer, but is it there?
//!        │ ◄─── question, token ── │   to the new address, sealed
//!        │ answer, token ───────► │   from the new address: from now on we send there
//! ```

use super::{Address, Layer, Opening, Session, Waiting};
use crate::{Instant, Memory, count::count, index::Cell, rdt::Peer, seal::Provider, table::Slot};
use core::net::SocketAddr;

/// Bytes that only who receives at an address can give back.
const TOKEN: usize = 8;

/// A packet of the layer itself: 1 for a question and 2 for an answer, token. The endpoint's begin with `SKEP`, and none
/// is shorter than this one: each can be followed by a question that is no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    Question([u8; TOKEN]),
    Answer([u8; TOKEN]),
}

impl Control {
    pub(super) const LENGTH: usize = 1 + TOKEN;

    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let &[kind, ref token @ ..] =
            text.first_chunk::<{ Self::LENGTH }>().filter(|_| text.len() == Self::LENGTH)?;
        match kind {
            1 => Some(Self::Question(*token)),
            2 => Some(Self::Answer(*token)),
            _ => None,
        }
    }

    pub(super) fn emit(&self, out: &mut [u8]) -> Option<usize> {
        let (kind, token) = match self {
            Self::Question(token) => (1, token),
            Self::Answer(token) => (2, token),
        };
        let [first, rest @ ..] = out.first_chunk_mut::<{ Self::LENGTH }>()?;
        *first = kind;
        *rest = *token;
        Some(Self::LENGTH)
    }
}

impl<V, M, I, const SLOTS: usize, const BUCKETS: usize, H> Layer<V, M, I, SLOTS, BUCKETS, H>
where
    V: Provider,
    M: Memory<Slot<Session<V>>>,
    I: Memory<Cell>,
    H: Memory<Slot<Opening<V>>>,
{
    /// A datagram at least as long as the question opened, and came from another address than the session's.
    pub(super) fn question(&mut self, now: Instant, id: u64, from: SocketAddr) {
        let token = self.guard.proof(now, from, id.to_be_bytes());
        let _ = self.waiting.push_back(Waiting::Control(id, from, Control::Question(token)));
    }

    /// A packet of the layer itself opened.
    pub(super) fn control(&mut self, now: Instant, number: u32, from: SocketAddr, control: Control) {
        let Some(session) = self.sessions.get_mut(number) else { return };
        match control {
            // It is as long as the question was, and goes where that came from: nobody gets more than he sent.
            Control::Question(token) => {
                let _ = self.waiting.push_back(Waiting::Control(session.id, from, Control::Answer(token)));
            }
            Control::Answer(token) => {
                let is_there = self.guard.is_proof(now, from, session.id.to_be_bytes(), &token);
                let from = Address::from(from);
                if is_there && session.address != from {
                    session.address = from;
                    self.moved = Some(Peer::Session(session.id));
                    count(&mut self.counters.moved);
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
        for (control, kind) in [(Control::Question([7; 8]), 1), (Control::Answer([7; 8]), 2)] {
            let mut out = [0; 32];
            let length = control.emit(&mut out).unwrap();
            assert_eq!(out[..length], [&[kind][..], &[7; 8]].concat());
            assert_eq!(Control::parse(&out[..length]), Some(control));
            assert_eq!(Control::parse(&out[..length - 1]), None);
            assert_eq!(Control::parse(&out[..length + 1]), None);
        }
    }
}
