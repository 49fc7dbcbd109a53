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
    /// Where it called from.
    pub address: SocketAddr,
    /// What it wants.
    pub purpose: Purpose,
    /// Its key, where the purpose has one. A member's and a peer's is proven by the first packet that comes after the
    /// handshake; who enrols only says which key it is.
    pub key: Option<Public>,
}

/// The bytes of the answer to [`Purpose::Salt`]: a salt of 16 bytes, and the memory in KiB, the passes and the lanes
/// that Argon2id is to take (RFC 9106), 4 bytes each, big-endian.
pub const SALT: usize = 16 + 12;

/// What becomes of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Decision {
    /// It may come in.
    Admit,
    /// It may not: silence.
    Refuse,
    /// It is to show first that it receives where it says that it is. Over TCP it has shown that.
    Prove,
    /// It is not known yet: its first message is to be looked at again soon. Over UDP it sends that again by itself.
    Later,
}

impl Decision {
    /// [`Decision::Admit`], or [`Decision::Refuse`].
    pub const fn admit_if(may: bool) -> Self {
        if may { Self::Admit } else { Self::Refuse }
    }
}

/// An application's decisions about who comes in. All are asked while a datagram is handled: they must not take long.
pub trait Access {
    /// Whether this caller may come in. Its key is not proven yet: nothing may be done in its name. `is_proven`: it receives
    /// at its address.
    fn decide(&mut self, caller: &Caller, is_proven: bool) -> Decision;

    /// The pre-shared key of an invitation that has not been used up or expired. `None`: there is no such invitation.
    fn invite(&mut self, _id: &[u8; 8]) -> Option<Psk> {
        None
    }

    /// What the owner of a password has to know to make his key of it, when an account of this name is asked about:
    /// made up, and always the same, for a name that there is not. `None`: there are no such accounts here.
    fn salt(&mut self, _name: &[u8]) -> Option<[u8; SALT]> {
        None
    }

    /// The peer's key and the pre-shared key of an introduction. `None`: there is no such introduction.
    fn introduction(&mut self, _id: &[u8; 16]) -> Option<(Public, Psk)> {
        None
    }
}
