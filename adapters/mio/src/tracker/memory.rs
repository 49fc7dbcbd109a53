//! The memories of a tracker on a host: they grow with what is in them, up to bounds that nobody should meet.

use crate::{
    host::STREAMS_MAX,
    memory::{Growing, Whole},
};
use skep_core::{
    table::{Named, Slot},
    tracker::{Busy, Cell, Chunk, Directory, File, Link, Place, Profile, Settings, Tracker, Transfer, User},
};

/// Users, there or with an account.
const USERS_MAX: usize = 1 << 18;
/// Files of all of them.
const FILES_MAX: usize = 1 << 22;
/// Pieces of names, 12 bytes each.
const CHUNKS_MAX: usize = 1 << 24;
/// The last changes of the list: who is further behind is told by a look at everything.
const CHANGES: usize = 1 << 16;
/// Transfers at once.
const TRANSFERS_MAX: usize = 1 << 16;

/// Room for a tracker on a host.
#[derive(Debug)]
pub struct Wide;

impl Profile for Wide {
    type Links = Growing<Named<Link<Self>>, STREAMS_MAX>;
    type Busy = Whole<Busy, 1>;
    type Users = Growing<Place<User>, USERS_MAX>;
    type Files = Growing<Place<File>, FILES_MAX>;
    type Index = Growing<Cell, FILES_MAX>;
    type Texts = Growing<Chunk, CHUNKS_MAX>;
    type Changes = Growing<u32, CHANGES>;
    type Transfers = Growing<Slot<Transfer>, TRANSFERS_MAX>;
}

/// A tracker for a host. `seed` must be random and secret, and another one at every start.
pub fn tracker(settings: Settings, seed: [u8; 32]) -> Tracker<Wide> {
    let directory = Directory::new(
        seed,
        Growing::new(),
        Growing::new(),
        Growing::new(),
        Growing::new(),
        Growing::new(),
        Growing::new(),
    );
    Tracker::new(settings, directory, Growing::new(), Growing::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_to_whom_nothing_happens_takes_little() {
        assert!(size_of::<Named<Link<Wide>>>() <= 120);
    }
}
