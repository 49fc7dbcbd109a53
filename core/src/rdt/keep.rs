//! Where an endpoint keeps a connection: whole, or parked while nothing happens on it.
//!
//! ```text
//!   Awake ──── its turn came, and nothing is to be done or under way ────► Parked
//!     ▲                                                                     │
//!     └──────── a packet, a deadline, something that is asked of it ────────┘
//! ```

use super::{
    connection::{Connection, Parked},
    profile::Profile,
};
use crate::Instant;
use core::{fmt::Debug, ops::DerefMut};

/// The place of one connection. A connection itself is one, in which it is never parked: a device has the room for it
/// anyhow. [`Parkable`] is one that is smaller while it is parked.
pub trait Keep<P: Profile>: From<Connection<P>> + Debug {
    /// Whether it is ever parked.
    const PARKS: bool;

    /// The connection, or what is left of it.
    fn kept(&self) -> Result<&Connection<P>, &Parked>;

    /// The connection, which is awake from now on, in this place of its table. `None`: never.
    fn wake(&mut self, place: u32) -> Option<&mut Connection<P>>;

    /// Parks the connection if nothing happens on it.
    fn park(&mut self, now: Instant);
}

impl<P: Profile> Keep<P> for Connection<P> {
    const PARKS: bool = false;

    fn kept(&self) -> Result<&Connection<P>, &Parked> {
        Ok(self)
    }

    fn wake(&mut self, _: u32) -> Option<&mut Self> {
        Some(self)
    }

    fn park(&mut self, _: Instant) {}
}

/// A connection in a room `B` of its own, a box on a host, which it has only while it is awake.
#[derive(Debug)]
pub enum Parkable<B> {
    /// All of it.
    Awake(B),
    /// What is left of it.
    Parked(Parked),
}

impl<P: Profile, B: From<Connection<P>>> From<Connection<P>> for Parkable<B> {
    fn from(connection: Connection<P>) -> Self {
        Self::Awake(connection.into())
    }
}

impl<P: Profile, B: From<Connection<P>> + DerefMut<Target = Connection<P>> + Debug> Keep<P> for Parkable<B> {
    const PARKS: bool = true;

    fn kept(&self) -> Result<&Connection<P>, &Parked> {
        match self {
            Self::Awake(connection) => Ok(connection),
            Self::Parked(parked) => Err(parked),
        }
    }

    fn wake(&mut self, place: u32) -> Option<&mut Connection<P>> {
        if let Self::Parked(parked) = self {
            *self = Connection::wake(parked, place).into();
        }
        match self {
            Self::Awake(connection) => Some(connection),
            Self::Parked(_) => None,
        }
    }

    fn park(&mut self, now: Instant) {
        if let Self::Awake(connection) = self
            && let Some(parked) = connection.park(now)
        {
            *self = Self::Parked(parked);
        }
    }
}
