//! One session, as long as it lives: there are many, so of its handshake nothing stays here.

use super::{address::Address, coarse::Coarse, path::Control};
use crate::{
    Instant,
    seal::{Protection, Provider, TAG_LENGTH, datagram::FRONT},
};
use core::net::SocketAddr;

/// What a layer keeps for a peer, in every session. Public only as a type, so that the room for it can be named.
pub struct Session<V: Provider> {
    /// What the peer's datagrams carry, and the name of the session for the endpoint.
    pub(super) id: u64,
    /// Where the peer is, as far as that is proven.
    pub(super) address: Address,
    pub(super) state: State<V>,
    pub(super) heard: Coarse,
    /// Since when its datagrams are sealed with the same key, at most.
    pub(super) refreshed: Coarse,
    /// Its connection is over.
    pub(super) ending: bool,
}

pub(super) enum State<V: Provider> {
    /// The handshake is under way: its number among those.
    Opening(u32),
    Open(Protection<V>),
}

impl<V: Provider> Session<V> {
    pub(super) fn new(now: Instant, id: u64, address: SocketAddr, state: State<V>) -> Self {
        let now = Coarse::new(now);
        Self { id, address: Address::from(address), state, heard: now, refreshed: now, ending: false }
    }

    /// Seals a packet of the layer itself.
    pub(super) fn emit(&mut self, control: &Control, room: &mut [u8]) -> Option<usize> {
        let State::Open(protection) = &mut self.state else { return None };
        let length = control.emit(room.get_mut(FRONT..)?)?;
        let length = length.checked_add(FRONT + TAG_LENGTH)?;
        protection.seal(room.get_mut(..length)?).ok()?;
        Some(length)
    }
}

// A device keeps one for every session, idle ones too, and an entry of the index.
#[cfg(all(target_os = "none", target_pointer_width = "32", not(feature = "aes")))]
const _: () = assert!(
    size_of::<crate::table::Slot<Session<crate::seal::RustCrypto>>>() + size_of::<crate::Cell>() <= 212
);

impl<V: Provider> core::fmt::Debug for Session<V> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Session").field("address", &self.address).finish_non_exhaustive()
    }
}
