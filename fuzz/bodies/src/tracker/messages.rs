//! What clients say: what they should, what they should not, and what is none of theirs.

use super::{Mirror, NAMES, streams::Stream};
use crate::Choices;
use skep_core::{
    tracker::Dialect,
    wire::{
        command::{self, Operation},
        session::{Code, FileInfo, Notice, Request, Side, VERSION, Way},
    },
};
use std::collections::BTreeMap;

const FILES: [&str; 6] = ["x", "y", "a/b", "/tmp/x", "..", "a file with a name of more than one chunk"];

/// Transfers that somebody was told of, and by which token. Anybody may use them.
#[derive(Default)]
pub(super) struct Hints(Vec<(u32, [u8; 16])>);

impl Hints {
    pub(super) fn hear(&mut self, notice: &Notice<'_>) {
        if let Notice::Ask { transfer, token, .. } | Notice::Go { transfer, token, .. } = *notice {
            self.0.retain(|hint| hint.0 != transfer);
            self.0.push((transfer, token));
        }
    }

    /// The latest most often.
    fn some(&self, choices: &mut Choices<'_>) -> (u32, [u8; 16]) {
        let back = choices.below(4);
        let hint = self.0.iter().rev().nth(back).or(self.0.last()).copied().unwrap_or_default();
        match choices.below(12) {
            0 => (hint.0 ^ 1 << 16, hint.1),
            1 => (hint.0, [1; 16]),
            _ => hint,
        }
    }
}

/// Bytes that a peer may send on a stream.
pub(super) fn some_bytes(
    choices: &mut Choices<'_>,
    stream: &mut Stream,
    hints: &Hints,
    known: &BTreeMap<String, Mirror>,
) -> Vec<u8> {
    let mut out = vec![0; 1_024];
    let length = match (choices.below(12), stream.dialect) {
        (0, _) => {
            let most = 1 + choices.below(32);
            return choices.bytes(most).to_vec();
        }
        (1, _) => return vec![choices.byte(); 1 + 9 * choices.below(128)],
        (_, Dialect::Command) => some_command(choices, &mut out),
        (_, Dialect::Session) if !stream.has_login && !choices.rarely(4) => {
            let request = login(choices, stream, known);
            request.emit(&mut out)
        }
        (_, Dialect::Session | Dialect::Relay) => some_request(choices, stream, hints, known).emit(&mut out),
    };
    out.truncate(length.unwrap_or(3));
    if choices.rarely(12) {
        out.truncate(choices.below(out.len() + 1));
    }
    if choices.rarely(12) && !out.is_empty() {
        let place = choices.below(out.len());
        out[place] = choices.byte();
    }
    out
}

fn login<'a>(
    choices: &mut Choices<'_>,
    stream: &mut Stream,
    known: &BTreeMap<String, Mirror>,
) -> Request<'a> {
    let name = NAMES[choices.below(NAMES.len())];
    let before = known.get(name);
    // A client that wanted no list knows none.
    let resumes = before.filter(|before| before.wants_list && before.number > 0 && !choices.rarely(4));
    stream.has_login = true;
    Request::Login {
        version: if choices.rarely(20) { 0 } else { VERSION },
        wants_list: !choices.rarely(8),
        epoch: resumes.map_or(0, |before| before.epoch),
        number: resumes.map_or(0, |before| before.number),
        resume: before.filter(|_| !choices.rarely(3)).map_or([0; 16], |before| before.resume),
        door: choices.byte().into(),
        name: name.as_bytes(),
    }
}

fn some_request<'a>(
    choices: &mut Choices<'_>,
    stream: &mut Stream,
    hints: &Hints,
    known: &BTreeMap<String, Mirror>,
) -> Request<'a> {
    let tag = choices.byte().into();
    let name = if choices.rarely(12) { b"\0".as_slice() } else { FILES[choices.below(6)].as_bytes() };
    let (transfer, token) = hints.some(choices);
    let code = Code::from(choices.byte() % 20);
    match choices.below(16) {
        0 => login(choices, stream, known),
        1 | 2 => Request::Attach { transfer, token, side: [Side::Requester, Side::Owner][choices.below(2)] },
        3..=5 => {
            let hash = choices.rarely(4).then_some([7; 32]);
            Request::Publish { tag, file: FileInfo { length: tag.into(), flags: 0, hash }, name }
        }
        6 => Request::Withdraw { tag, name },
        7..=9 => {
            let way = [Way::Relayed, Way::Direct, Way::Relayed, Way::Command][choices.below(4)];
            Request::Fetch { tag, way, owner: NAMES[choices.below(4)].as_bytes(), name }
        }
        10 | 11 => Request::Ready { transfer, tcp: choices.byte().into(), rdt: 0 },
        12 => Request::Refuse { transfer, code },
        13 => Request::End { transfer, code },
        14 if choices.rarely(4) => Request::Logout,
        14 => Request::Ping,
        _ => Request::Pong,
    }
}

fn some_command(choices: &mut Choices<'_>, out: &mut [u8]) -> Option<usize> {
    let operation = [
        Operation::Register,
        Operation::Connect,
        Operation::Publish,
        Operation::ListUsers,
        Operation::ListContent,
        Operation::Delete,
        Operation::Disconnect,
        Operation::Unregister,
        Operation::GetFile,
    ][choices.below(9)];
    let user = NAMES[choices.below(NAMES.len())].as_bytes();
    let other: &[u8] = match operation {
        Operation::Connect => [b"4000".as_slice(), b"0", b"x"][choices.below(3)],
        Operation::ListContent => NAMES[choices.below(NAMES.len())].as_bytes(),
        _ => FILES[choices.below(6)].as_bytes(),
    };
    let strings = [user, other, b"text"];
    let date = choices.rarely(4).then_some(b"31/12/2024 23:59:58");
    command::emit(operation, date, strings.get(..operation.strings().into())?, out)
}
