//! A handshake that is under way.
//!
//! ```text
//!   connect ──► Calling ──────────── INIT2 ───────────► over: the session has its keys
//!   INIT1   ──► Answering ──ACCEPT──► Answered ──DATA──► over
//! ```

use super::call::{Calling, OPEN_MAX, accept_without_padding};
use crate::{
    guard::Slot,
    seal::{Protection, Provider, Public, Random, Responder},
    wire::seal::{Answer, ConnectionId, Init2, Purpose, Suite},
};
use heapless::Vec;

/// The longest INIT2 that is sent: its header, message 2.
const INIT2_MAX: usize = Init2::MESSAGE_START + 48 + ANSWER_MAX;

/// The longest payload of message 2: the id of this side and an ACCEPT.
pub(super) const ANSWER_MAX: usize = 3 + 8 + OPEN_MAX;

/// What a layer keeps for a handshake. Public only as a type, so that the room for it can be named.
pub struct Opening<V: Provider> {
    /// What for, and the key of who is at the other end.
    pub(super) purpose: Purpose,
    pub(super) key: Option<Public>,
    /// Where the guard keeps it, if it is a caller's.
    pub(super) slot: Option<Slot>,
    pub(super) step: Step<V>,
}

#[allow(clippy::large_enum_variant, reason = "handshakes are few, and one goes from step to step")]
pub(super) enum Step<V: Provider> {
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
    /// Between two steps.
    Nothing,
}

impl<V: Provider> Opening<V> {
    /// The OPEN that a caller came with.
    pub(super) fn open_again(&self) -> Option<Vec<u8, OPEN_MAX>> {
        match &self.step {
            Step::Answering { open, .. } | Step::Answered { open, .. } => Some(open.clone()),
            _ => None,
        }
    }

    /// INIT2, for the endpoint's ACCEPT in `plain`; the same one each time. Other packets have to wait until the peer
    /// is confirmed.
    pub(super) fn answer(
        &mut self,
        id: ConnectionId,
        plain: &[u8],
        largest: u16,
        random: &mut Random<V>,
    ) -> Option<&[u8]> {
        let accept = accept_without_padding(plain)?;
        if let Step::Answering { .. } = self.step {
            let Step::Answering { suite, client, responder, open } =
                core::mem::replace(&mut self.step, Step::Nothing)
            else {
                return None;
            };
            let mut body = Vec::<u8, { 8 + OPEN_MAX }>::from_slice(&id).ok()?;
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
            self.step = Step::Answered { protection, init2, open };
        }
        match &self.step {
            Step::Answered { init2, .. } => Some(init2),
            _ => None,
        }
    }
}

impl<V: Provider> core::fmt::Debug for Opening<V> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Opening").field("slot", &self.slot).finish_non_exhaustive()
    }
}
