//! Whom an endpoint speaks with, in which language, and what encloses it.

use super::numbers::Numbers;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// Whom an endpoint speaks with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Peer {
    /// Whoever is at this address; its datagrams are plain.
    Address(SocketAddr),
    /// The other end of this session of the sealed transport (`seal::Layer`), wherever it is.
    Session(u64),
}

impl Peer {
    /// The address of a plain peer.
    pub const fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Address(address) => Some(address),
            Self::Session(_) => None,
        }
    }
}

impl Peer {
    /// Goes along it.
    pub(super) fn parked(&mut self, numbers: &mut impl Numbers) {
        let (mut kind, mut parts) = match *self {
            Self::Session(session) => (1, [session, 0, 0, 0]),
            Self::Address(SocketAddr::V4(address)) => {
                (2, [address.ip().to_bits().into(), address.port().into(), 0, 0])
            }
            Self::Address(SocketAddr::V6(address)) => {
                let (ip, port) = (address.ip().to_bits(), address.port());
                let below = u64::from(address.flowinfo()) << 32 | u64::from(address.scope_id());
                (4, [ip as u64, port.into(), (ip >> 64) as u64, below])
            }
        };
        let mut is_session = kind == 1;
        numbers.flag(&mut is_session);
        if is_session {
            numbers.random(&mut parts[0]);
            kind = 1;
        } else {
            numbers.byte(&mut kind);
            parts.iter_mut().take(kind.into()).for_each(|part| numbers.long(part));
        }
        let [low, port, high, below] = parts;
        let port = port as u16;
        *self = match kind {
            1 => Self::Session(low),
            2 => SocketAddr::from((Ipv4Addr::from_bits(low as u32), port)).into(),
            _ => {
                let ip = Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low));
                SocketAddr::V6(SocketAddrV6::new(ip, port, (below >> 32) as u32, below as u32)).into()
            }
        };
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Self::Address(address)
    }
}

impl PartialEq<SocketAddr> for Peer {
    fn eq(&self, address: &SocketAddr) -> bool {
        self.address() == Some(*address)
    }
}

/// The room that an endpoint leaves around each datagram for what encloses it: see `seal::datagram`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Envelope {
    /// Bytes before it.
    pub front: u8,
    /// Bytes after it.
    pub back: u8,
}

impl Envelope {
    /// None: datagrams go out as they are.
    pub const NONE: Self = Self { front: 0, back: 0 };

    /// The bytes of both.
    pub const fn size(self) -> usize {
        self.front as usize + self.back as usize
    }
}

/// Which language a peer is called in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Language {
    /// skep's own, and when that is not answered also the known peers', unless that is left out.
    #[default]
    Any,
    /// Only skep's own.
    Own,
    /// Only the known peers' (docs/protocol.md section 2).
    #[cfg(feature = "known-peers")]
    Known,
}

impl Language {
    pub(super) const fn has_own(self) -> bool {
        matches!(self, Self::Any | Self::Own)
    }

    pub(super) const fn has_known(self) -> bool {
        cfg!(feature = "known-peers") && !matches!(self, Self::Own)
    }
}
