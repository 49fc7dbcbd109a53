//! Both sides of a handshake, in every pattern, and somebody between them who changes what they say.
//!
//! ```text
//!   Initiator::start ── message 1 ──► changed? ──► Responder::read      a changed one is refused
//!   Initiator::finish ◄── changed? ◄── message 2 ── Responder::answer    and changes nothing: the true one still does
//! ```
//!
//! Whatever is said, nobody panics; a side that knows other keys, or agrees on something else, gets no session; and
//! the two ends of a session have the same keys.

use crate::{Choices, mischief};
use skep_core::{
    seal::{
        CheckKey, Initiator, InitiatorKeys, KeyPair, Keys, Prologue, Psk, Public, Refused, Responder,
        ResponderKeys, RustCrypto, Secret, Transport,
        greeting::{self, Hail, Host, Terms},
        handshake::{SECOND_OVERHEAD, first_overhead},
        layer::{Access, Call, Caller, Decision, SALT},
    },
    wire::seal::{HELLO_MAX, Hello, MESSAGE_MAX, Pattern, Purpose, REPLY_MAX, Reply, Suite, Suites},
};
use std::net::SocketAddr;

/// What one side knows.
#[derive(Clone)]
struct Knowledge {
    initiator: KeyPair<RustCrypto>,
    responder: KeyPair<RustCrypto>,
    psk: Psk,
    prologue: Prologue,
}

/// Plays one handshake, bare or as it is over TCP, by the first byte.
pub fn handshake(data: &[u8]) {
    let mut choices = Choices::new(data);
    if choices.rarely(2) { streams(&mut choices) } else { bare(&mut choices) }
}

fn pair(secret: [u8; 32]) -> KeyPair<RustCrypto> {
    KeyPair::new(Secret::new(secret))
}

fn purpose(choices: &mut Choices<'_>) -> Purpose {
    match choices.below(5) {
        0 => Purpose::Member,
        1 => Purpose::Guest,
        2 => Purpose::Salt,
        3 => Purpose::Enrol { invite: [choices.byte(); 8] },
        _ => Purpose::Peer { introduction: [choices.byte(); 16] },
    }
}

fn knowledge(choices: &mut Choices<'_>) -> Knowledge {
    Knowledge {
        initiator: pair(choices.key(1)),
        responder: pair(choices.key(2)),
        psk: Psk::new(Secret::new(choices.key(3))),
        prologue: Prologue {
            transport: [Transport::Datagrams, Transport::Records][choices.below(2)],
            suites: Suites::from_byte(choices.byte()).unwrap_or(Suites::CHACHA),
            purpose: purpose(choices),
            context: [choices.byte(); 32],
        },
    }
}

/// The other side's knowledge, and whether it is the same as far as the pattern goes.
fn other(mine: &Knowledge, choices: &mut Choices<'_>) -> (Knowledge, bool) {
    let mut theirs = mine.clone();
    let pattern = mine.prologue.purpose.pattern();
    let matters = match choices.below(12) {
        0 => {
            theirs.responder = pair([choices.byte(); 32]);
            true
        }
        1 => {
            theirs.initiator = pair([choices.byte(); 32]);
            pattern == Pattern::KkPsk0
        }
        2 => {
            theirs.psk = Psk::new(Secret::new([choices.byte(); 32]));
            matches!(pattern, Pattern::NkPsk0 | Pattern::KkPsk0)
        }
        3 => {
            theirs.prologue.transport = Transport::Records;
            mine.prologue.transport != Transport::Records
        }
        4 => {
            theirs.prologue.context = [choices.byte(); 32];
            theirs.prologue.context != mine.prologue.context
        }
        5 => {
            theirs.prologue.purpose = purpose(choices);
            theirs.prologue.purpose != mine.prologue.purpose
        }
        6 => {
            theirs.prologue.suites = theirs.prologue.suites.and(Suite::Aes);
            theirs.prologue.suites != mine.prologue.suites
        }
        _ => false,
    };
    (theirs, !matters)
}

fn initiators(known: &Knowledge) -> InitiatorKeys<'_> {
    let (own, peer, psk) = (&known.initiator, known.responder.public(), &known.psk);
    match known.prologue.purpose.pattern() {
        Pattern::Ik => InitiatorKeys::Ik { own, peer },
        Pattern::Nk => InitiatorKeys::Nk { peer },
        Pattern::NkPsk0 => InitiatorKeys::NkPsk0 { peer, psk },
        Pattern::KkPsk0 => InitiatorKeys::KkPsk0 { own, peer, psk },
    }
}

fn responders(known: &Knowledge) -> ResponderKeys<'_> {
    let (own, peer, psk) = (&known.responder, known.initiator.public(), &known.psk);
    match known.prologue.purpose.pattern() {
        Pattern::Ik => ResponderKeys::Ik { own },
        Pattern::Nk => ResponderKeys::Nk { own },
        Pattern::NkPsk0 => ResponderKeys::NkPsk0 { own, psk },
        Pattern::KkPsk0 => ResponderKeys::KkPsk0 { own, peer, psk },
    }
}

fn bare(choices: &mut Choices<'_>) {
    let mine = knowledge(choices);
    let (theirs, is_same) = other(&mine, choices);
    let pattern = mine.prologue.purpose.pattern();
    let lengths = [usize::from(choices.byte()), usize::from(choices.byte())];
    let [offer, answer] = lengths.map(|length| choices.bytes(length));
    let ephemeral = [choices.key(4), choices.key(5)];
    let start = |out: &mut [u8]| {
        Initiator::start(&initiators(&mine), &mine.prologue, Secret::new(ephemeral[0]), offer, out)
    };
    let length = first_overhead(pattern) + offer.len();
    if choices.rarely(4) {
        assert_eq!(start(&mut vec![0; choices.below(length)]).err(), Some(Refused::Length));
    }
    let mut first = vec![0; length];
    let (mut initiator, used) = start(&mut first).unwrap();
    assert_eq!(used, length);

    let read = |message: &[u8], room: &mut [u8]| {
        Responder::read(&responders(&theirs), &theirs.prologue, message, room)
    };
    let mut room = vec![0; MESSAGE_MAX];
    while let Some(bad) = mischief(&first, choices) {
        assert!(read(&bad, &mut room).is_err(), "a message 1 that nobody sent is taken");
    }
    if !offer.is_empty() {
        assert!(read(&first, &mut vec![0; offer.len() - 1]).is_err(), "there was no room for the payload");
    }
    let outcome = read(&first, &mut room);
    assert_eq!(outcome.is_ok(), is_same, "{:?}", outcome.err());
    let Ok((responder, used)) = outcome else { return };
    assert_eq!(&room[..used], offer);
    let known = matches!(pattern, Pattern::Ik | Pattern::KkPsk0).then(|| mine.initiator.public());
    assert_eq!(responder.initiator(), known);

    let mut second = vec![0; SECOND_OVERHEAD + answer.len()];
    let (at_responder, used) = responder.answer(Secret::new(ephemeral[1]), answer, &mut second).unwrap();
    assert_eq!(used, second.len());
    while let Some(bad) = mischief(&second, choices) {
        assert!(initiator.finish(&bad, &mut room).is_err(), "a message 2 that nobody sent is taken");
    }
    // What was refused has changed nothing.
    let (at_initiator, used) = initiator.finish(&second, &mut room).unwrap();
    assert_eq!(&room[..used], answer);
    agree(&at_initiator, &at_responder);
    assert_eq!(initiator.finish(&second, &mut room).err(), Some(Refused::Closed));
}

fn agree(one: &Keys, other: &Keys) {
    assert!(one.send == other.receive && one.receive == other.send && one.binding == other.binding);
    assert!(one.send != one.receive, "both directions have one key");
}

/// Who calls is let in, with these secrets.
struct Known {
    client: Public,
    psk: Psk,
}

impl Access for Known {
    fn decide(&mut self, _: &Caller, _: bool) -> Decision {
        Decision::Admit
    }

    fn invite(&mut self, id: &[u8; 8]) -> Option<Psk> {
        (id[0] != 9).then(|| self.psk.clone())
    }

    fn salt(&mut self, account: &[u8]) -> Option<[u8; SALT]> {
        (account.first() != Some(&9)).then_some([8; SALT])
    }

    fn introduction(&mut self, id: &[u8; 16]) -> Option<(Public, Psk)> {
        (id[0] != 9).then(|| (self.client, self.psk.clone()))
    }
}

/// HELLO and REPLY.
fn streams(choices: &mut Choices<'_>) {
    let (client, server) = (pair(choices.key(1)), pair(choices.key(2)));
    let psk = Psk::new(Secret::new(choices.key(3)));
    let ephemeral = [choices.key(4), choices.key(5)];
    let check = CheckKey::new(server.public(), None);
    let host = Host { own: &server, check: &check };
    let terms = Terms { suites: &[Suite::ChaCha], largest: 256 + u16::from(choices.byte()) };
    let from = SocketAddr::from(([10, 0, 0, 1], 7));
    let greet = |hello: &[u8], out: &mut [u8]| {
        let mut known = Known { client: *client.public(), psk: psk.clone() };
        greeting::greet(&host, hello, from, &terms, Secret::new(ephemeral[1]), &mut known, out)
    };
    let mut reply = vec![0; REPLY_MAX];

    let purpose = purpose(choices);
    let account = choices.bytes(10);
    let named = if purpose == Purpose::Salt { account } else { purpose.id() };
    let is_known = named.first() != Some(&9);
    let shared = (!purpose.id().is_empty()).then(|| psk.clone());
    let call = Call { server: *server.public(), purpose, psk: shared };
    let mut hello = vec![0; HELLO_MAX];
    let (mut hail, length) = match purpose {
        Purpose::Salt => {
            Hail::ask(&client, &call.server, account, &terms, Secret::new(ephemeral[0]), &mut hello)
        }
        _ => Hail::start(&client, &call, &terms, Secret::new(ephemeral[0]), &mut hello),
    }
    .unwrap();
    let hello = &hello[..length];
    for prefix in 0..length {
        let needed = Hello::needed(&hello[..prefix]).unwrap();
        assert!(prefix < needed && needed <= length);
    }
    while let Some(bad) = mischief(hello, choices) {
        assert!(greet(&bad, &mut reply).is_err(), "a HELLO that nobody sent is answered");
    }
    assert!(greet(choices.bytes(32), &mut reply).is_err());
    let greeted = greet(hello, &mut reply);
    assert_eq!(greeted.is_ok(), is_known);
    let Ok((_, caller, length)) = greeted else { return };
    assert_eq!(caller.purpose, purpose);
    let reply = &reply[..length];
    for prefix in 0..length {
        let needed = Reply::needed(&reply[..prefix]).unwrap();
        assert!(prefix < needed && needed <= length);
    }
    while let Some(bad) = mischief(reply, choices) {
        assert!(hail.finish(&bad).is_err() && hail.salt(&bad).is_err(), "a REPLY that nobody sent is taken");
    }
    match purpose {
        Purpose::Salt => assert_eq!(hail.salt(reply), Ok([8; SALT])),
        _ => assert!(hail.finish(reply).is_ok()),
    }
}
