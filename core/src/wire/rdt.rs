//! RDT packets: the known peers' (docs/protocol.md section 2) and skep's own (section 6).
//!
//! ```text
//! known    | magic ("ROSTOV") | type | INFO: length u16, number u32, body | ACK: number u32
//! skep     | "SKEP"           | type | connection u32 | ...
//! ```
//!
//! Numbers are big-endian. The two never meet: a peer that knows only the first drops the other's magic unread.

mod known;
mod magic;
mod map;
mod own;
mod terms;

pub use known::{Known, TypeKind};
pub use magic::Magic;
pub use map::Map;
pub use own::Own;
pub use terms::{Pass, Terms, VERSION};

/// What every packet of skep's own begins with.
const SKEP: &[u8] = b"SKEP";

/// Fills a datagram up with zeros to `size` bytes; its new length.
pub(crate) fn pad(datagram: &mut [u8], length: usize, size: usize) -> usize {
    match datagram.get_mut(length..size) {
        Some(padding) => {
            padding.fill(0);
            size
        }
        None => length,
    }
}
