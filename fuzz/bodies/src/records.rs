//! A stream of records that is cut into any pieces, and perhaps changed, on its way.
//!
//! ```text
//!   text ─► Sealer ─► bytes ─► changed? ─► pieces of any size ─► Opener ─► the same text, or its beginning and an error
//! ```

use crate::{Choices, mischief};
use skep_core::{
    seal::{
        Keys, Refused, Secret,
        record::{FRONT, OVERHEAD, Opened, Opener, Sealer},
    },
    wire::seal::Suite,
};

/// Sends one stream.
pub fn records(data: &[u8]) {
    let mut choices = Choices::new(data);
    let suite = Suite::ALL[choices.below(2)];
    let largest = [1_040, 256, 17, 300][choices.below(4)];
    let keys =
        Keys { send: Secret::new(choices.key(1)), receive: Secret::new(choices.key(1)), binding: [0; 32] };
    let mut sealer = Sealer::new(suite, &keys, largest).unwrap();
    let mut opener = Opener::new(suite, &keys, largest).unwrap();
    let (text, stream, ends) = sealed(&mut sealer, &mut choices);
    let changed = mischief(&stream, &mut choices).or_else(|| exchanged(&stream, &ends, &mut choices));
    let is_true = changed.is_none();
    let stream = changed.unwrap_or(stream);
    let (received, end) = opened(&mut opener, &stream, &mut choices);
    assert!(text.starts_with(&received), "what arrived is not what was sent");
    match end {
        Ok(true) => assert_eq!(received, text, "it ended before its end"),
        Ok(false) => assert!(!is_true, "its end did not arrive"),
        Err(_) => {
            assert!(!is_true, "what nobody changed is refused");
            assert_eq!(opener.needed(&[]), Err(Refused::Closed));
        }
    }
}

/// Texts, the bytes of their records with the end, and where each record ends.
fn sealed(sealer: &mut Sealer, choices: &mut Choices<'_>) -> (Vec<u8>, Vec<u8>, Vec<usize>) {
    let (mut text, mut stream, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..choices.below(6) {
        let length = usize::from(choices.byte()) * 5 % (sealer.text_max() + 2);
        let mut record = vec![0; length + OVERHEAD];
        record[FRONT..FRONT + length].fill(choices.byte());
        let sent = record[FRONT..FRONT + length].to_vec();
        if sealer.seal(&mut record).is_ok() {
            text.extend(sent);
            stream.extend(record);
            ends.push(stream.len());
        } else {
            assert!(length == 0 || length > sealer.text_max());
        }
    }
    stream.extend(sealer.end().unwrap());
    ends.push(stream.len());
    (text, stream, ends)
}

/// Two records that follow each other, in the other order; one left out; or one twice.
fn exchanged(stream: &[u8], ends: &[usize], choices: &mut Choices<'_>) -> Option<Vec<u8>> {
    let which = choices.below(8);
    if which >= 3 || ends.len() < 2 {
        return None;
    }
    let first = choices.below(ends.len() - 1);
    let begin = if first == 0 { 0 } else { ends[first - 1] };
    let (before, rest) = stream.split_at(begin);
    let (one, rest) = rest.split_at(ends[first] - begin);
    let (two, rest) = rest.split_at(ends[first + 1] - ends[first]);
    Some(match which {
        0 => [before, two, one, rest].concat(),
        1 => [before, two, rest].concat(),
        _ => [before, one, one, two, rest].concat(),
    })
}

/// What comes of a stream, and whether its end came.
fn opened(opener: &mut Opener, stream: &[u8], choices: &mut Choices<'_>) -> (Vec<u8>, Result<bool, Refused>) {
    let (mut text, mut buffer, mut stream) = (Vec::new(), Vec::new(), stream);
    loop {
        let needed = match opener.needed(&buffer) {
            Ok(needed) => needed,
            Err(refused) => return (text, Err(refused)),
        };
        assert!(needed <= opener.room() && needed >= FRONT);
        if needed > buffer.len() {
            if stream.is_empty() {
                return (text, Ok(false));
            }
            let piece = (1 + usize::from(choices.byte()) * 3).min(stream.len());
            let (arrived, rest) = stream.split_at(piece);
            buffer.extend_from_slice(arrived);
            stream = rest;
            continue;
        }
        let rest = buffer.split_off(needed);
        match opener.open(&mut buffer) {
            Ok(Opened::Text(more)) => {
                assert!(!more.is_empty());
                text.extend_from_slice(more);
            }
            Ok(Opened::End) => return (text, Ok(true)),
            Err(refused) => return (text, Err(refused)),
        }
        buffer = rest;
    }
}
