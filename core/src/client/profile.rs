//! How much room a client has: fixed on a device, growing on a host.

use super::{Fetch, File, Share, Upload, User};
use crate::{Memory, index::Cell, table::Slot, texts::Chunk};
use core::fmt::Debug;

/// The memories of a client. Of a list that is longer than the mirror has room for, a part is kept.
pub trait Profile: Sized {
    /// The others.
    type Users: Memory<Slot<User>> + Debug;
    /// Their files.
    type Files: Memory<Slot<File>> + Debug;
    /// The indices of users and of files, by number and by name, and of shares. Its bounds should be those of `Users`,
    /// `Files` and `Shares`.
    type Index: Memory<Cell> + Debug;
    /// Names, 12 bytes a chunk.
    type Texts: Memory<Chunk> + Debug;
    /// The files that the client shares.
    type Shares: Memory<Slot<Share>> + Debug;
    /// The downloads that it asks for at once.
    type Fetches: Memory<Slot<Fetch>> + Debug;
    /// The requests for its files at once.
    type Uploads: Memory<Slot<Upload>> + Debug;
}

/// Room for `USERS` others with `FILES` files (not fewer than users), `SHARES` files of its own, `TRANSFERS`
/// downloads and as many uploads, and `CHUNKS` chunks for all names: what a device uses.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fixed<
    const USERS: usize,
    const FILES: usize,
    const SHARES: usize,
    const TRANSFERS: usize,
    const CHUNKS: usize,
>;

impl<const USERS: usize, const FILES: usize, const SHARES: usize, const TRANSFERS: usize, const CHUNKS: usize>
    Profile for Fixed<USERS, FILES, SHARES, TRANSFERS, CHUNKS>
{
    type Users = heapless::Vec<Slot<User>, USERS>;
    type Files = heapless::Vec<Slot<File>, FILES>;
    type Index = heapless::Vec<Cell, FILES>;
    type Texts = heapless::Vec<Chunk, CHUNKS>;
    type Shares = heapless::Vec<Slot<Share>, SHARES>;
    type Fetches = heapless::Vec<Slot<Fetch>, TRANSFERS>;
    type Uploads = heapless::Vec<Slot<Upload>, TRANSFERS>;
}
