//! The handshake over TCP: HELLO and REPLY, then records.
//!
//! ```text
//!   client  Hail::start ── HELLO ──► greet  server
//!           Hail::finish ◄── REPLY ──
//!           Sealer, Opener           Sealer, Opener
//! ```

use super::{
    Initiator, KeyPair, Prologue, Provider, Public, Refused, Responder, Secret, Transport,
    initiation::{Call, MESSAGE_MAX},
    layer::{Access, Caller, Decision, SALT},
    record::{Opener, Sealer},
};
use crate::wire::seal::{Answer, Hello, Offer, Purpose, Reply, Suite, Suites};
use core::net::SocketAddr;

pub use super::initiation::{ACCOUNT_MAX, Host};

/// What both sides are set to.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Terms<'s> {
    /// The ciphers, the best first. ChaCha20-Poly1305 is always offered.
    pub suites: &'s [Suite],
    /// The largest record that this side takes, in bytes of ciphertext and tag, at least 256.
    pub largest: u16,
}

impl Terms<'_> {
    fn offered(&self) -> Suites {
        self.suites.iter().fold(Suites::CHACHA, |offered, &suite| offered.and(suite))
    }
}

/// Both directions of a stream.
pub type Directions<V> = (Sealer<V>, Opener<V>);

/// A client that waits for REPLY.
pub struct Hail<V> {
    initiator: Initiator<V>,
    offered: Suites,
    largest: u16,
}

impl<V: Provider> Hail<V> {
    /// Writes HELLO; how long it is. `ephemeral` is 32 fresh random bytes.
    ///
    /// # Errors
    /// [`Refused::Malformed`] when the purpose needs a pre-shared key that is not there, [`Refused::Key`] when the
    /// server's key is none, [`Refused::Length`] when `out` is too small.
    pub fn start(
        own: &KeyPair<V>,
        call: &Call,
        terms: &Terms<'_>,
        ephemeral: Secret,
        out: &mut [u8],
    ) -> Result<(Self, usize), Refused> {
        Self::start_with(own, call, terms, ephemeral, &[], out)
    }

    /// The same for [`Purpose::Salt`], which names an account of at most [`ACCOUNT_MAX`] bytes; ends with
    /// [`Hail::salt`]. Nothing follows on the stream.
    ///
    /// # Errors
    /// Those of [`Hail::start`].
    pub fn ask(
        own: &KeyPair<V>,
        server: &Public,
        account: &[u8],
        terms: &Terms<'_>,
        ephemeral: Secret,
        out: &mut [u8],
    ) -> Result<(Self, usize), Refused> {
        let call = Call { server: *server, purpose: Purpose::Salt, psk: None };
        Self::start_with(own, &call, terms, ephemeral, account, out)
    }

    fn start_with(
        own: &KeyPair<V>,
        call: &Call,
        terms: &Terms<'_>,
        ephemeral: Secret,
        body: &[u8],
        out: &mut [u8],
    ) -> Result<(Self, usize), Refused> {
        let offered = terms.offered();
        // Who enrols says which key is to be let in from now on.
        let body = if let Purpose::Enrol { .. } = call.purpose { own.public().as_bytes() } else { body };
        let offer = Offer { largest: terms.largest, body };
        let mut message = [0; MESSAGE_MAX];
        let (initiator, length) =
            call.start(own, (Transport::Records, offered), &offer, ephemeral, &mut message)?;
        let message = message.get(..length).ok_or(Refused::Length)?;
        let check = call.check::<V>();
        let hello = Hello { suites: offered, purpose: call.purpose, message };
        let length = hello.emit(|covered| check.stamp(covered), out).ok_or(Refused::Length)?;
        Ok((Self { initiator, offered, largest: terms.largest }, length))
    }

    /// Reads a whole REPLY to [`Hail::ask`].
    ///
    /// # Errors
    /// Those of [`Hail::finish`].
    pub fn salt(&mut self, reply: &[u8]) -> Result<[u8; SALT], Refused> {
        let reply = Reply::parse(reply).ok_or(Refused::Malformed)?;
        let mut payload = [0; MESSAGE_MAX];
        let (_, used) = self.initiator.finish(reply.message, &mut payload)?;
        let answer = payload.get(..used).and_then(Answer::parse).ok_or(Refused::Malformed)?;
        answer.body.try_into().map_err(|_| Refused::Malformed)
    }

    /// Reads a whole REPLY.
    ///
    /// # Errors
    /// [`Refused::Malformed`] when it is none, or chooses what was not offered; what the handshake refuses.
    pub fn finish(&mut self, reply: &[u8]) -> Result<Directions<V>, Refused> {
        let reply = Reply::parse(reply).ok_or(Refused::Malformed)?;
        let mut payload = [0; MESSAGE_MAX];
        let (keys, used) = self.initiator.finish(reply.message, &mut payload)?;
        let answer = payload.get(..used).and_then(Answer::parse).ok_or(Refused::Malformed)?;
        if !self.offered.contains(answer.suite) {
            return Err(Refused::Malformed);
        }
        let sealer = Sealer::new(answer.suite, &keys, answer.largest).ok_or(Refused::Malformed)?;
        let opener = Opener::new(answer.suite, &keys, self.largest).ok_or(Refused::Malformed)?;
        Ok((sealer, opener))
    }
}

impl<V> core::fmt::Debug for Hail<V> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("Hail(..)")
    }
}

/// Why a HELLO is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Declined {
    /// Close without a word.
    Refused,
    /// [`Decision::Later`]: nothing was done; give the same HELLO again, soon.
    Later,
}

/// Reads a whole HELLO and writes REPLY; how long that is, and who called.
///
/// # Errors
/// It is not to be answered, or not yet.
pub fn greet<V: Provider>(
    host: &Host<'_, V>,
    hello: &[u8],
    from: SocketAddr,
    terms: &Terms<'_>,
    ephemeral: Secret,
    access: &mut (impl Access + ?Sized),
    out: &mut [u8],
) -> Result<(Directions<V>, Caller, usize), Declined> {
    const REFUSED: Declined = Declined::Refused;
    let (hello, proof) = Hello::parse(hello).ok_or(REFUSED)?;
    let known = host.known(&hello.purpose, &proof, access).ok_or(REFUSED)?;
    let mut payload = [0; MESSAGE_MAX];
    let prologue = Prologue::new(Transport::Records, hello.suites, hello.purpose);
    let read = host.read(&known, &prologue, hello.message, &mut payload);
    let (responder, offer) = read.ok_or(REFUSED)?;
    let key = match hello.purpose {
        Purpose::Enrol { .. } => Some(Public(*offer.body.first_chunk().ok_or(REFUSED)?)),
        _ => responder.initiator().copied(),
    };
    let caller = Caller { address: from, purpose: hello.purpose, key };
    let suite = hello.suites.choose(terms.suites).ok_or(REFUSED)?;
    let salt = match hello.purpose {
        Purpose::Salt if offer.body.len() > ACCOUNT_MAX => return Err(REFUSED),
        Purpose::Salt => access.salt(offer.body).ok_or(REFUSED)?,
        _ => match access.decide(&caller, true) {
            Decision::Admit => [0; SALT],
            Decision::Later => return Err(Declined::Later),
            Decision::Refuse | Decision::Prove => return Err(REFUSED),
        },
    };
    let body = if hello.purpose == Purpose::Salt { &salt[..] } else { &[] };
    let answer = Answer { suite, largest: terms.largest, body };
    reply(responder, ephemeral, &answer, offer.largest, out)
        .map(|(directions, length)| (directions, caller, length))
        .ok_or(REFUSED)
}

/// Writes REPLY; how long it is. `largest`: the longest record that the client takes.
fn reply<V: Provider>(
    responder: Responder<V>,
    ephemeral: Secret,
    answer: &Answer<'_>,
    largest: u16,
    out: &mut [u8],
) -> Option<(Directions<V>, usize)> {
    let mut text = [0; 3 + SALT];
    let used = answer.emit(&mut text)?;
    let mut message = [0; MESSAGE_MAX];
    let (keys, length) = responder.answer(ephemeral, text.get(..used)?, &mut message).ok()?;
    let length = Reply { message: message.get(..length)? }.emit(out)?;
    let sealer = Sealer::new(answer.suite, &keys, largest)?;
    let opener = Opener::new(answer.suite, &keys, answer.largest)?;
    Some(((sealer, opener), length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::{CheckKey, InitiatorKeys, Psk, Tested, record::Opened};

    struct Everybody(bool);

    impl Access for Everybody {
        fn decide(&mut self, _: &Caller, _: bool) -> Decision {
            Decision::admit_if(self.0)
        }

        fn salt(&mut self, name: &[u8]) -> Option<[u8; SALT]> {
            (self.0 && name == b"anna").then_some([b'a'; SALT])
        }

        fn invite(&mut self, _: &[u8; 8]) -> Option<Psk> {
            Some(Psk::new(Secret::new([5; 32])))
        }

        fn introduction(&mut self, _: &[u8; 16]) -> Option<(Public, Psk)> {
            Some((*pair(2).public(), Psk::new(Secret::new([6; 32]))))
        }
    }

    /// Has a salt for every name, and counts how often it was asked.
    struct Names(usize);

    impl Access for Names {
        fn decide(&mut self, _: &Caller, _: bool) -> Decision {
            Decision::Refuse
        }

        fn salt(&mut self, _: &[u8]) -> Option<[u8; SALT]> {
            self.0 += 1;
            Some([b'a'; SALT])
        }
    }

    const TERMS: Terms<'_> = Terms { suites: &[Suite::ChaCha], largest: 1_040 };

    fn pair(seed: u8) -> KeyPair<Tested> {
        KeyPair::new(Secret::new([seed; 32]))
    }

    fn meet(
        purpose: Purpose,
        psk: Option<u8>,
        open: bool,
    ) -> Option<(Directions<Tested>, Directions<Tested>, Caller)> {
        let (server, client) = (pair(1), pair(2));
        let call = Call {
            server: *server.public(),
            purpose,
            psk: psk.map(|byte| Psk::new(Secret::new([byte; 32]))),
        };
        let mut wire = [0; 1_024];
        let (mut hail, length) =
            Hail::start(&client, &call, &TERMS, Secret::new([3; 32]), &mut wire).unwrap();
        assert_eq!(Hello::needed(&wire[..10]), Some(length));
        let check = CheckKey::new(server.public(), None);
        let host = Host { own: &server, check: &check };
        let from = SocketAddr::from(([10, 0, 0, 2], 7));
        let mut reply = [0; 1_024];
        let (theirs, caller, used) = greet(
            &host,
            &wire[..length],
            from,
            &TERMS,
            Secret::new([4; 32]),
            &mut Everybody(open),
            &mut reply,
        )
        .ok()?;
        let ours = hail.finish(&reply[..used]).unwrap();
        assert_eq!(hail.finish(&reply[..used]).err(), Some(Refused::Closed));
        Some((ours, theirs, caller))
    }

    #[test]
    fn every_purpose_opens_a_stream_both_ways_and_names_who_has_a_key() {
        let client = *pair(2).public();
        for (purpose, psk, key) in [
            (Purpose::Member, None, Some(client)),
            (Purpose::Guest, None, None),
            (Purpose::Enrol { invite: [1; 8] }, Some(5), Some(client)),
            (Purpose::Peer { introduction: [1; 16] }, Some(6), Some(client)),
        ] {
            let (mut ours, mut theirs, caller) = meet(purpose, psk, true).unwrap();
            assert_eq!(caller.key, key, "{purpose:?}");
            for (from, to) in [(&mut ours.0, &mut theirs.1), (&mut theirs.0, &mut ours.1)] {
                let mut record = *b"..hello................";
                from.seal(&mut record).unwrap();
                assert!(matches!(to.open(&mut record).unwrap(), Opened::Text(text) if text == b"hello"));
                assert_eq!(to.open(&mut from.end().unwrap()).unwrap(), Opened::End);
            }
        }
    }

    #[test]
    fn who_asks_for_a_salt_gets_it_and_no_stream_that_could_do_anything_else() {
        let (server, nobody) = (pair(1), pair(9));
        let mut wire = [0; 1_024];
        let (mut hail, length) =
            Hail::ask(&nobody, server.public(), b"anna", &TERMS, Secret::new([3; 32]), &mut wire).unwrap();
        let check = CheckKey::new(server.public(), None);
        let host = Host { own: &server, check: &check };
        let from = SocketAddr::from(([10, 0, 0, 2], 7));
        let mut reply = [0; 1_024];
        let hello = &wire[..length];
        let (_, caller, used) =
            greet(&host, hello, from, &TERMS, Secret::new([4; 32]), &mut Everybody(true), &mut reply)
                .unwrap();
        assert_eq!((caller.purpose, caller.key), (Purpose::Salt, None));
        assert_eq!(hail.salt(&reply[..used]), Ok([b'a'; SALT]));
        assert!(
            greet(&host, hello, from, &TERMS, Secret::new([4; 32]), &mut Everybody(false), &mut reply)
                .is_err()
        );
    }

    #[test]
    fn nobody_is_asked_for_the_salt_of_a_name_that_is_too_long_for_an_account() {
        let server = pair(1);
        let call = Call { server: *server.public(), purpose: Purpose::Salt, psk: None };
        for length in [ACCOUNT_MAX, ACCOUNT_MAX + 1] {
            // What a client says who is bound by nothing.
            let mut payload = [0; 256];
            let offer = Offer { largest: 1_040, body: &[b'a'; 256][..length] };
            let used = offer.emit(&mut payload).unwrap();
            let keys: InitiatorKeys<'_, Tested> = InitiatorKeys::Nk { peer: &call.server };
            let prologue = Prologue::new(Transport::Records, TERMS.offered(), call.purpose);
            let mut message = [0; 512];
            let started =
                Initiator::start(&keys, &prologue, Secret::new([3; 32]), &payload[..used], &mut message);
            let (_, used) = started.unwrap();
            let check = CheckKey::<Tested>::new(server.public(), None);
            let hello = Hello { suites: TERMS.offered(), purpose: call.purpose, message: &message[..used] };
            let mut wire = [0; 1_024];
            let used = hello.emit(|covered| check.stamp(covered), &mut wire).unwrap();
            let (host, from) = (Host { own: &server, check: &check }, SocketAddr::from(([10, 0, 0, 2], 7)));
            let (mut access, mut reply) = (Names(0), [0; 1_024]);
            let outcome =
                greet(&host, &wire[..used], from, &TERMS, Secret::new([4; 32]), &mut access, &mut reply);
            let is_short = length == ACCOUNT_MAX;
            assert_eq!((outcome.is_ok(), access.0), (is_short, usize::from(is_short)), "{length} bytes");
        }
    }

    #[test]
    fn who_may_not_come_in_or_does_not_know_the_code_gets_no_word() {
        assert!(meet(Purpose::Member, None, false).is_none());
        assert!(meet(Purpose::Enrol { invite: [1; 8] }, Some(9), true).is_none());
        assert!(meet(Purpose::Peer { introduction: [1; 16] }, Some(9), true).is_none());
    }

    #[test]
    fn a_caller_about_whom_nothing_is_decided_yet_is_looked_at_again() {
        /// Decides at the third look.
        struct Slow(u8);

        impl Access for Slow {
            fn decide(&mut self, _: &Caller, is_proven: bool) -> Decision {
                assert!(is_proven);
                self.0 += 1;
                if self.0 < 3 { Decision::Later } else { Decision::Admit }
            }
        }

        let (server, client) = (pair(1), pair(2));
        let call = Call { server: *server.public(), purpose: Purpose::Member, psk: None };
        let (mut wire, mut reply) = ([0; 1_024], [0; 1_024]);
        let (mut hail, length) =
            Hail::start(&client, &call, &TERMS, Secret::new([3; 32]), &mut wire).unwrap();
        let check = CheckKey::new(server.public(), None);
        let host = Host { own: &server, check: &check };
        let from = SocketAddr::from(([10, 0, 0, 2], 7));
        let mut access = Slow(0);
        let mut greet =
            || greet(&host, &wire[..length], from, &TERMS, Secret::new([4; 32]), &mut access, &mut reply);
        assert_eq!(greet().err(), Some(Declined::Later));
        assert_eq!(greet().err(), Some(Declined::Later));
        let (_, _, used) = greet().unwrap();
        assert!(hail.finish(&reply[..used]).is_ok());
    }
}
