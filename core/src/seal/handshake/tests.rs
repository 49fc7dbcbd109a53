//! Both roles against the published vectors, against snow, and against everything that is not a right
//! message.

mod refused;
mod snow;
mod vectors;

use super::*;
use crate::{
    miri::fewer,
    seal::{KeyPair, Keys, Provider, Psk, Refused, Secret, Tested},
    wire::seal::{Purpose, Suites},
};

const PATTERNS: [Pattern; 4] = [Pattern::Ik, Pattern::Nk, Pattern::NkPsk0, Pattern::KkPsk0];

/// Under Miri the first and the last.
fn patterns() -> impl Iterator<Item = Pattern> {
    PATTERNS.into_iter().step_by(fewer(1, PATTERNS.len() - 1))
}

fn pair<P: Provider>(byte: u8) -> KeyPair<P> {
    KeyPair::new(Secret::new([byte; 32]))
}

fn ephemeral(byte: u8) -> Secret {
    Secret::new([byte ^ 0x80; 32])
}

/// Both sides of a handshake, before it begins.
struct World<P = Tested> {
    pattern: Pattern,
    client: KeyPair<P>,
    server: KeyPair<P>,
    psk: Psk,
    prologue: Prologue,
}

impl World {
    fn new(pattern: Pattern) -> Self {
        Self::of(pattern)
    }
}

impl<P: Provider> World<P> {
    fn of(pattern: Pattern) -> Self {
        let purpose = match pattern {
            Pattern::Ik => Purpose::Member,
            Pattern::Nk => Purpose::Guest,
            Pattern::NkPsk0 => Purpose::Enrol { invite: [1; 8] },
            Pattern::KkPsk0 => Purpose::Peer { introduction: [2; 16] },
        };
        let prologue =
            Prologue { transport: Transport::Datagrams, suites: Suites::CHACHA, purpose, context: [9; 32] };
        Self { pattern, client: pair(1), server: pair(2), psk: Psk::new(Secret::new([3; 32])), prologue }
    }

    fn initiator_keys(&self) -> InitiatorKeys<'_, P> {
        let (own, peer, psk) = (&self.client, self.server.public(), &self.psk);
        match self.pattern {
            Pattern::Ik => InitiatorKeys::Ik { own, peer },
            Pattern::Nk => InitiatorKeys::Nk { peer },
            Pattern::NkPsk0 => InitiatorKeys::NkPsk0 { peer, psk },
            Pattern::KkPsk0 => InitiatorKeys::KkPsk0 { own, peer, psk },
        }
    }

    fn responder_keys(&self) -> ResponderKeys<'_, P> {
        let (own, peer, psk) = (&self.server, self.client.public(), &self.psk);
        match self.pattern {
            Pattern::Ik => ResponderKeys::Ik { own },
            Pattern::Nk => ResponderKeys::Nk { own },
            Pattern::NkPsk0 => ResponderKeys::NkPsk0 { own, psk },
            Pattern::KkPsk0 => ResponderKeys::KkPsk0 { own, peer, psk },
        }
    }

    /// Message 1.
    fn first(&self, payload: &[u8]) -> (Initiator<P>, Vec<u8>) {
        let mut out = vec![0; 600];
        let (initiator, length) =
            Initiator::start(&self.initiator_keys(), &self.prologue, ephemeral(1), payload, &mut out)
                .unwrap();
        out.truncate(length);
        (initiator, out)
    }

    fn read(&self, message: &[u8]) -> Result<(Responder<P>, Vec<u8>), Refused> {
        let mut payload = vec![0; 600];
        let (responder, length) =
            Responder::read(&self.responder_keys(), &self.prologue, message, &mut payload)?;
        payload.truncate(length);
        Ok((responder, payload))
    }

    /// Message 2 to this message 1.
    fn second(&self, message: &[u8], payload: &[u8]) -> (Keys, Vec<u8>) {
        let mut out = vec![0; 600];
        let (keys, length) = self.read(message).unwrap().0.answer(ephemeral(2), payload, &mut out).unwrap();
        out.truncate(length);
        (keys, out)
    }
}

fn finish<P: Provider>(initiator: &mut Initiator<P>, message: &[u8]) -> Result<(Keys, Vec<u8>), Refused> {
    let mut payload = vec![0; 600];
    let (keys, length) = initiator.finish(message, &mut payload)?;
    payload.truncate(length);
    Ok((keys, payload))
}

#[test]
fn both_sides_end_with_the_same_keys_and_each_other_s_payload() {
    for pattern in PATTERNS {
        let world = World::new(pattern);
        let (mut initiator, first) = world.first(b"hello");
        assert_eq!(first.len(), first_overhead(pattern) + 5);
        let (responder, payload) = world.read(&first).unwrap();
        assert_eq!(payload, b"hello");
        let known = matches!(pattern, Pattern::Ik | Pattern::KkPsk0).then_some(world.client.public());
        assert_eq!(responder.initiator(), known);
        let (theirs, second) = world.second(&first, b"welcome");
        assert_eq!(second.len(), SECOND_OVERHEAD + 7);
        let (ours, payload) = finish(&mut initiator, &second).unwrap();
        assert_eq!(payload, b"welcome");
        assert!(ours.send == theirs.receive && ours.receive == theirs.send && ours.binding == theirs.binding);
        assert!(ours.send != ours.receive);
    }
}

#[test]
fn the_same_message_1_answered_twice_gives_other_keys() {
    let world = World::new(Pattern::Ik);
    let (_, first) = world.first(b"");
    let answer = |byte| world.read(&first).unwrap().0.answer(ephemeral(byte), b"", &mut [0; 48]).unwrap().0;
    assert!(answer(2).send != answer(3).send);
    assert!(answer(2).binding != answer(3).binding);
}

#[test]
fn payloads_may_be_empty_and_messages_need_exactly_their_room() {
    for pattern in patterns() {
        let world = World::new(pattern);
        let overhead = first_overhead(pattern);
        let start = |room: usize, payload: &[u8]| {
            let mut out = [0; 128];
            let started = Initiator::start(
                &world.initiator_keys(),
                &world.prologue,
                ephemeral(1),
                payload,
                &mut out[..room],
            );
            started.map(|(_, length)| length)
        };
        assert_eq!(start(overhead, b""), Ok(overhead));
        assert_eq!(start(overhead + 3, b"abc"), Ok(overhead + 3));
        assert_eq!(start(overhead - 1, b""), Err(Refused::Length));
        assert_eq!(start(overhead + 2, b"abc"), Err(Refused::Length));
        let (_, first) = world.first(b"abc");
        let read = Responder::read(&world.responder_keys(), &world.prologue, &first, &mut [0; 2]);
        assert_eq!(read.err(), Some(Refused::Length));
        let (responder, _) = world.read(&first).unwrap();
        assert_eq!(responder.answer(ephemeral(2), b"abc", &mut [0; 50]).err(), Some(Refused::Length));
    }
}

#[test]
fn a_handshake_takes_at_most_300_bytes_and_shows_no_secret() {
    assert!(size_of::<Initiator>() <= 300 && size_of::<Responder>() <= 300);
    let world = World::new(Pattern::Ik);
    let (initiator, first) = world.first(b"");
    let (responder, _) = world.read(&first).unwrap();
    assert_eq!(format!("{initiator:?}"), "Initiator { over: false }");
    assert!(format!("{responder:?}").len() < 60);
}
