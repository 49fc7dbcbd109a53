//! What becomes of bytes on the way.

use crate::Choices;

/// Other bytes than these, made of them or of anything; `None` when nobody interferes any more.
pub(crate) fn mischief(bytes: &[u8], choices: &mut Choices<'_>) -> Option<Vec<u8>> {
    let kind = choices.below(8);
    let mut changed = bytes.to_vec();
    match kind {
        1 | 2 if !bytes.is_empty() => {
            let place = place(bytes, choices);
            changed[place] ^= choices.byte().max(1);
        }
        3 => changed.truncate(place(bytes, choices)),
        4 => {
            let count = choices.below(20);
            changed.extend_from_slice(choices.bytes(count));
        }
        5 if !bytes.is_empty() => drop(changed.remove(place(bytes, choices))),
        6 => {
            let (kept, length) = (place(bytes, choices), choices.below(255));
            changed.truncate(kept);
            changed.extend_from_slice(choices.bytes(length));
        }
        7 => {
            changed.fill(choices.byte());
        }
        _ => return None,
    }
    (changed != bytes).then_some(changed)
}

fn place(bytes: &[u8], choices: &mut Choices<'_>) -> usize {
    (usize::from(choices.byte()) << 8 | usize::from(choices.byte())) % bytes.len().max(1)
}
