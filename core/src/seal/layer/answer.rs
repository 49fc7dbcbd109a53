//! The side that is called: INIT1, and what the guard and the application say to it.

use super::{
    Access, Caller, Decision, Layer, Opening, SESSION_LIFE, Session, Waiting, call::OPEN_MAX, opening::Step,
};
use crate::{
    Instant, Memory,
    count::count,
    guard::{FirstPacket, Verdict},
    index::Cell,
    rdt::Peer,
    seal::{CheckKey, Prologue, Provider, Psk, Public, Responder, ResponderKeys, Transport},
    table::Slot,
    wire::seal::{Challenge, ConnectionId, Init1, Offer, Proof, Purpose},
};
use core::net::SocketAddr;
use heapless::Vec;

/// What a first message said.
struct Heard<V: Provider> {
    responder: Responder<V>,
    caller: Caller,
    /// The OPEN in it, if there is one.
    open: Option<Vec<u8, OPEN_MAX>>,
}

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
        let Some((key, psk)) = self.checked(init1, proof, access) else {
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
        let Some(heard) = self.read(from, init1, key.as_ref(), psk.as_ref()) else {
            return self.refuse(from);
        };
        let decision = access.decide(&heard.caller, permit.is_proven());
        if decision == Decision::Prove && !permit.is_proven() {
            let verdict = self.guard.prove(&first);
            self.challenge(from, init1.client, &verdict);
            return None;
        }
        let suite = init1.suites.choose(self.settings.suites);
        let (Some(open), Some(suite), Decision::Admit) = (heard.open, suite, decision) else {
            return self.refuse(from);
        };
        let answered = self.guard.answered(now, permit)?;
        let slot = answered.slot;
        if answered.displaced {
            log!(debug, "seal: a handshake has given its place to {:?}", from);
            self.free_slot(slot.number());
        }
        let step =
            Step::Answering { suite, client: init1.client, responder: heard.responder, open: open.clone() };
        let Caller { purpose, key, .. } = heard.caller;
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

    /// Reads the message, by the keys of its purpose. `None`: it was not made for them.
    fn read(
        &self,
        from: SocketAddr,
        init1: &Init1<'_>,
        key: Option<&Public>,
        psk: Option<&Psk>,
    ) -> Option<Heard<V>> {
        let keys = match (&init1.purpose, key, psk) {
            (Purpose::Member, ..) => ResponderKeys::Ik { own: &self.own },
            (Purpose::Guest, ..) => ResponderKeys::Nk { own: &self.own },
            (Purpose::Peer { .. }, Some(peer), Some(psk)) => {
                ResponderKeys::KkPsk0 { own: &self.own, peer, psk }
            }
            _ => return None,
        };
        let prologue = Prologue {
            transport: Transport::Datagrams,
            suites: init1.suites,
            purpose: init1.purpose,
            context: [0; 32],
        };
        let mut payload = [0; OPEN_MAX + 2];
        let (responder, used) = Responder::read(&keys, &prologue, init1.message, &mut payload).ok()?;
        let key = responder.initiator().copied();
        let offer = payload.get(..used).and_then(Offer::parse);
        let open = offer.and_then(|offer| Vec::from_slice(offer.body).ok());
        Some(Heard { responder, caller: Caller { address: from, purpose: init1.purpose, key }, open })
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
    fn checked(
        &self,
        init1: &Init1<'_>,
        proof: &Proof<'_>,
        access: &mut (impl Access + ?Sized),
    ) -> Option<(Option<Public>, Option<Psk>)> {
        let (key, psk) = match init1.purpose {
            Purpose::Member | Purpose::Guest => (None, None),
            // What they have to say stands where the OPEN is: they are for TCP.
            Purpose::Salt | Purpose::Enrol { .. } => return None,
            Purpose::Peer { introduction } => {
                let (key, psk) = access.introduction(&introduction)?;
                (Some(key), Some(psk))
            }
        };
        let is_right = match &psk {
            None => self.check.verify(proof),
            Some(psk) => CheckKey::<V>::new(self.own.public(), Some(psk)).verify(proof),
        };
        is_right.then_some((key, psk))
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
