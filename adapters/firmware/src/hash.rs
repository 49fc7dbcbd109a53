//! Whether a file is the one that was announced.

use core::task::Poll;
use skep_core::{stream::FileId, wire::Name};
use skep_smoltcp::Storage;

/// No machine has a file of this number.
const FILE: FileId = FileId(u32::MAX);

/// The BLAKE3 hash of a file in a store that answers at once; `None` when it cannot be read. Nothing else is done
/// meanwhile: of a large file on a slow board some of it would be done in each turn.
pub fn of<F: Storage>(store: &mut F, name: &str) -> Option<[u8; 32]> {
    let name = Name::new(name.as_bytes()).ok()?;
    let hash = match store.open(FILE, name) {
        Poll::Ready(Ok(length)) => content(store, length),
        _ => None,
    };
    store.release(FILE);
    hash
}

fn content<F: Storage>(store: &mut F, length: u64) -> Option<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    let mut portion = [0; 512];
    let mut offset = 0;
    while offset < length {
        let count = usize::try_from(length - offset).unwrap_or(usize::MAX).min(portion.len());
        let Poll::Ready(Ok(())) = store.read(FILE, offset, &mut portion[..count]) else { return None };
        hasher.update(&portion[..count]);
        offset += count as u64;
    }
    Some(hasher.finalize().into())
}
