//! How much room a tracker has: fixed on a device, growing on a host.

use super::{Busy, Directory, File, Link, Place, Settings, Tracker, Transfer, User};
use crate::{
    Memory,
    index::Cell,
    table::{Named, Slot},
    texts::Chunk,
};
use core::fmt::Debug;

/// The memories of a tracker.
pub trait Profile: Sized + Debug {
    /// Streams: seats, the line, commands, and two for each relayed transfer. Stream numbers must be below its
    /// bound.
    type Links: Memory<Named<Link<Self>>> + Debug;
    /// Per stream: what it has while something is under way. Its bound is 1.
    type Busy: Memory<Busy> + Default + Debug;
    /// Users: those who are there, and those who are registered.
    type Users: Memory<Place<User>> + Debug;
    /// Their files.
    type Files: Memory<Place<File>> + Debug;
    /// The index of users by name, and that of files by name. Its bounds should be those of `Users` and `Files`.
    type Index: Memory<Cell> + Debug;
    /// Names, 12 bytes a chunk.
    type Texts: Memory<Chunk> + Debug;
    /// The last changes of the list, 4 bytes each. Who is further behind is told by a look at everything.
    type Changes: Memory<u32> + Debug;
    /// Transfers under way; at most 65,536 are used.
    type Transfers: Memory<Slot<Transfer>> + Debug;
}

/// Room for `LINKS` streams, `USERS` users and `FILES` files (not fewer files than users), with `CHUNKS` chunks for
/// their names, `CHANGES` changes and `TRANSFERS` transfers, without any allocation: what a device uses.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fixed<
    const LINKS: usize,
    const USERS: usize,
    const FILES: usize,
    const CHUNKS: usize,
    const CHANGES: usize,
    const TRANSFERS: usize,
>;

impl<
    const LINKS: usize,
    const USERS: usize,
    const FILES: usize,
    const CHUNKS: usize,
    const CHANGES: usize,
    const TRANSFERS: usize,
> Profile for Fixed<LINKS, USERS, FILES, CHUNKS, CHANGES, TRANSFERS>
{
    type Links = heapless::Vec<Named<Link<Self>>, LINKS>;
    type Busy = heapless::Vec<Busy, 1>;
    type Users = heapless::Vec<Place<User>, USERS>;
    type Files = heapless::Vec<Place<File>, FILES>;
    type Index = heapless::Vec<Cell, FILES>;
    type Texts = heapless::Vec<Chunk, CHUNKS>;
    type Changes = heapless::Vec<u32, CHANGES>;
    type Transfers = heapless::Vec<Slot<Transfer>, TRANSFERS>;
}

impl<
    const LINKS: usize,
    const USERS: usize,
    const FILES: usize,
    const CHUNKS: usize,
    const CHANGES: usize,
    const TRANSFERS: usize,
> Tracker<Fixed<LINKS, USERS, FILES, CHUNKS, CHANGES, TRANSFERS>>
{
    /// A tracker with these rules. `seed` must be random and secret, and another one at every start.
    #[must_use]
    pub const fn fixed(settings: Settings, seed: [u8; 32]) -> Self {
        const { assert!(USERS <= FILES, "the index of users takes as many as that of files") };
        let directory = Directory::new(
            seed,
            heapless::Vec::new(),
            heapless::Vec::new(),
            heapless::Vec::new(),
            heapless::Vec::new(),
            heapless::Vec::new(),
            heapless::Vec::new(),
        );
        Self::new(settings, directory, heapless::Vec::new(), heapless::Vec::new())
    }
}
