//! The side that calls: INIT2, and a cookie that is asked for.

use super::{
    Call, Layer, Opening, Session, Waiting,
    call::{Calling, OPEN_MAX},
    coarse::Coarse,
    opening::{ANSWER_MAX, Step},
};
use crate::{
    Instant, Memory,
    count::count,
    index::Cell,
    rdt::Peer,
    seal::{Protection, Provider, datagram::OVERHEAD},
    table::Slot,
    wire::{
        rdt::Own,
        seal::{Answer, Challenge, Init2, Proof},
    },
};
use core::net::SocketAddr;
use heapless::Vec;

impl<V, M, I, const SLOTS: usize, const BUCKETS: usize, H> Layer<V, M, I, SLOTS, BUCKETS, H>
where
    V: Provider,
    M: Memory<Slot<Session<V>>>,
    I: Memory<Cell>,
    H: Memory<Slot<Opening<V>>>,
{
    /// A session that calls: have the endpoint connect to the peer that this gives. `None`: there is no room. Nothing is
    /// said for a purpose that is for TCP only (salt, enrol), or lacks its pre-shared key.
    ///
    /// See to it that the endpoint has room before. If it refuses nevertheless, say [`Layer::ended`]: else the session
    /// keeps its place for a minute.
    pub fn connect(&mut self, now: Instant, to: SocketAddr, call: Call) -> Option<Peer> {
        let id = self.random.number();
        let (purpose, key) = (call.purpose, Some(call.server));
        let step = Step::Calling(Calling { call, attempt: None });
        self.sessions.enter(now, id, to, Opening { purpose, key, slot: None, step })?;
        Some(Peer::Session(id))
    }

    /// INIT2, in a datagram of so many bytes. One that is too short to carry what it grants answers a copy of the call that
    /// had less padding: the endpoint asks for a longer one, and the handshake waits for that.
    pub(super) fn answered(
        &mut self,
        now: Instant,
        from: SocketAddr,
        length: usize,
        init2: &Init2<'_>,
    ) -> Option<(Peer, Vec<u8, OPEN_MAX>)> {
        let number = self.sessions.known(&init2.client)?;
        let suites = self.offered();
        let (session, opening) = self.sessions.opening(number)?;
        let Step::Calling(Calling { attempt: Some(attempt), .. }) = &mut opening.step else { return None };
        if session.address != from.into() {
            return None;
        }
        let id = session.id;
        let mut payload = [0; ANSWER_MAX];
        let Ok((keys, used)) = attempt.initiator.read(init2.message, &mut payload) else {
            count(&mut self.counters.unopened);
            log!(debug, "seal: what {:?} sent does not open", from);
            return None;
        };
        let answer =
            payload.get(..used).and_then(Answer::parse).filter(|answer| suites.contains(answer.suite));
        let begun = answer.and_then(|answer| {
            let (server, accept) = answer.body.split_first_chunk()?;
            Some((Vec::from_slice(accept).ok()?, Protection::new(answer.suite, &keys, *server)?))
        });
        let Some((accept, protection)) = begun else {
            // The server itself said it: there is no use in waiting for another answer.
            self.forget(number);
            return None;
        };
        let carries = length.saturating_sub(OVERHEAD.saturating_add(Own::DATA_HEADER));
        if let Some(Some((_, Own::Accept { terms, .. }))) = Own::parse(&accept)
            && usize::from(terms.segment) > carries
        {
            return Some((Peer::Session(id), accept));
        }
        session.heard = Coarse::new(now);
        self.sessions.begin(number, protection);
        count(&mut self.counters.sessions);
        Some((Peer::Session(id), accept))
    }

    /// CHALLENGE: the call again, with the cookie.
    pub(super) fn challenged(&mut self, challenge: &Challenge, proof: &Proof<'_>, from: SocketAddr) {
        let number = self.sessions.known(&challenge.client);
        if let Some((session, opening)) = number.and_then(|number| self.sessions.opening(number))
            && let Step::Calling(calling) = &mut opening.step
            && session.address == from.into()
            && calling.challenged(challenge.cookie, proof)
        {
            let _ = self.waiting.push_back(Waiting::Call(session.id));
        }
    }
}
