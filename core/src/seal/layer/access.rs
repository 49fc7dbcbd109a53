//! Who may come in.

use crate::{
    seal::{Psk, Public},
    wire::seal::Purpose,
};
use core::net::SocketAddr;

/// Who is at the other end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Caller {
    /// Where it called from. It may have moved since.
    pub address: SocketAddr,
    /// What it wants.
    pub purpose: Purpose,
    /// Its key, where the purpose has one: proven by the first packet that came after the handshake.
    pub key: Option<Public>,
}

/// An application's decisions about who comes in. All are asked while a datagram is handled: they must not take long.
pub trait Access {
    /// Whether this caller may come in. Its key is not proven yet: nothing may be done in its name.
    fn permits(&mut self, caller: &Caller) -> bool;

    /// The pre-shared key of an invitation that has not been used up or expired.
    fn invite(&mut self, id: &[u8; 8]) -> Option<Psk>;

    /// The peer's key and the pre-shared key of an introduction.
    fn introduction(&mut self, id: &[u8; 16]) -> Option<(Public, Psk)>;
}
