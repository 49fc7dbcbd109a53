//! The side that is called: INIT1, and what the guard and the application say to it.

use super::{
    Access, Caller, Decision, Layer, Opening, SESSION_LIFE, Session, Waiting,
    call::{OPEN_MAX, is_for_tcp},
    opening::Step,
};
use crate::{
    Instant, Memory,
    count::count,
    guard::{FirstPacket, Verdict},
    index::Cell,
    rdt::Peer,
    seal::{
        Prologue, Provider, Responder, Transport,
        initiation::{Host, Known},
    },
    table::Slot,
    wire::seal::{Challenge, ConnectionId, Init1, Proof},
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
    /// INIT1. Nothing is said to whoever is refused.
    pub(super) fn called(
        &mut self,
        now: Instant,
        from: SocketAddr,
        length: usize,
        init1: &Init1<'_>,
        proof: &Proof<'_>,
        access: &mut (impl Access + ?Sized),
    ) -> Option<(Peer, Vec<u8, OPEN_MAX>)> {
        let Some(known) = self.known(init1, proof, access) else {
            count(&mut self.counters.unchecked);
            log!(debug, "seal: a call of {:?} has no right check", from);
            return None;
        };
        // The ephemeral key: a client that calls with other words under the same id is not the same handshake.
        let attempt = *init1.message.first_chunk()?;
        let first =
            FirstPacket { from, client: init1.client, attempt, cookie: init1.cookie.as_ref(), length };
        let permit = match self.guard.first(now, &first) {
            Verdict::Proceed(permit) => permit,
            Verdict::Repeat(slot) => return self.repeated(now, slot.number()),
            other => {
                self.challenge(from, init1.client, &other);
                return None;
            }
        };
        let Some((responder, open)) = self.read(init1, &known) else {
            return self.refuse(from);
        };
        let (purpose, key) = (init1.purpose, responder.initiator().copied());
        let decision = access.decide(&Caller { address: from, purpose, key }, permit.is_proven());
        if decision == Decision::Prove && !permit.is_proven() {
            let verdict = self.guard.prove(&first);
            self.challenge(from, init1.client, &verdict);
            return None;
        }
        let suite = init1.suites.choose(self.settings.suites);
        let (Some(suite), Decision::Admit) = (suite, decision) else {
            return self.refuse(from);
        };
        let answered = self.guard.answered(now, permit)?;
        let slot = answered.slot;
        if answered.displaced {
            log!(debug, "seal: a handshake has given its place to {:?}", from);
            self.free_slot(slot.number());
        }
        let step = Step::Answering { suite, client: init1.client, responder, open: open.clone() };
        let id = self.random.number();
        let opening = Opening { purpose, key, slot: Some(slot), step };
        let Some(number) = self.sessions.enter(now, id, from, opening) else {
            self.guard.abandoned(slot);
            return None;
        };
        if let Some(entry) = self.slots.get_mut(slot.number()) {
            *entry = number;
        }
        count(&mut self.counters.sessions);
        log!(debug, "seal: a call of {:?} is answered", from);
        Some((Peer::Session(id), open))
    }

    /// Reads the message: who answers it, and the OPEN in it. `None`: it was not made for these keys.
    fn read(&self, init1: &Init1<'_>, known: &Known) -> Option<(Responder<V>, Vec<u8, OPEN_MAX>)> {
        let prologue = Prologue::new(Transport::Datagrams, init1.suites, init1.purpose);
        let mut payload = [0; OPEN_MAX + 2];
        let (responder, offer) = self.host().read(known, &prologue, init1.message, &mut payload)?;
        Some((responder, Vec::from_slice(offer.body).ok()?))
    }

    /// Nothing is said to whom is refused; it is counted.
    fn refuse<T>(&mut self, from: SocketAddr) -> Option<T> {
        count(&mut self.counters.refused);
        log!(debug, "seal: a call of {:?} is refused", from);
        None
    }

    /// Asks for a cookie, if that is the verdict.
    fn challenge(&mut self, to: SocketAddr, client: ConnectionId, verdict: &Verdict) {
        if let &Verdict::Challenge(cookie) = verdict {
            let _ = self.waiting.push_back(Waiting::Challenge(to, Challenge { client, cookie }));
        }
    }

    /// The keys that the purpose of an INIT1 names, when it is one for UDP and its check is right.
    fn known(
        &self,
        init1: &Init1<'_>,
        proof: &Proof<'_>,
        access: &mut (impl Access + ?Sized),
    ) -> Option<Known> {
        if is_for_tcp(&init1.purpose) {
            return None;
        }
        self.host().known(&init1.purpose, proof, access)
    }

    const fn host(&self) -> Host<'_, V> {
        Host { own: &self.own, check: &self.check }
    }

    /// A first packet came again: the endpoint answers its call again, and [`Layer::seal`] finds the same answer. If the
    /// application has ended that connection meanwhile, this is another one: it is to have its time.
    fn repeated(&mut self, now: Instant, slot: usize) -> Option<(Peer, Vec<u8, OPEN_MAX>)> {
        let number = *self.slots.get(slot)?;
        let (session, opening) = self.sessions.opening(number)?;
        session.ending = false;
        let again = (Peer::Session(session.id), opening.open_again()?);
        self.sessions.set_deadline(number, now.plus_micros(SESSION_LIFE));
        Some(again)
    }
}
