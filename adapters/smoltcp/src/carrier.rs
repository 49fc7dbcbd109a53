//! What carries streams: RDT on a UDP socket, TCP, or both side by side.
//!
//! ```text
//!             take, give ──► Happening          what became of streams, one thing at a time
//!   driver ◄──────────────────────────── carrier ◄──► stack, storage
//!             write, send, receive, finish, abort     what the machine asks for
//! ```

mod borrowed;
mod both;

pub use both::{Both, Either};

use crate::{Stack, Storage};
use core::net::SocketAddr;
#[cfg(feature = "seal")]
use skep_core::seal::layer::Caller;
use skep_core::{
    Instant,
    stream::{Closed, Fault, FileId},
};
use smoltcp::phy::Device;

/// A range of a file that goes onto a stream.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sending {
    /// The file.
    pub file: FileId,
    /// The first byte.
    pub offset: u64,
    /// How many bytes.
    pub length: u64,
}

/// Where the next bytes of a stream go.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Receiving {
    /// The file.
    pub file: FileId,
    /// Where in the file.
    pub offset: u64,
    /// How many bytes; `None` for all until the peer finishes.
    pub length: Option<u64>,
}

/// Who is at the other end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Origin {
    /// Where it called from.
    pub address: SocketAddr,
    /// Who it is, when the carrier is sealed.
    #[cfg(feature = "seal")]
    pub caller: Option<Caller>,
    /// It began in the clear where others are sealed: one end of a relayed transfer, and nothing else
    /// (docs/protocol.md section 5).
    pub is_attaching: bool,
}

impl Origin {
    /// Somebody at this address, of whom nothing else is known.
    pub const fn at(address: SocketAddr) -> Self {
        Self {
            address,
            #[cfg(feature = "seal")]
            caller: None,
            is_attaching: false,
        }
    }

    /// Somebody whom the sealed transport knows.
    #[cfg(feature = "seal")]
    pub const fn of(address: SocketAddr, caller: Caller) -> Self {
        Self { address, caller: Some(caller), is_attaching: false }
    }

    /// Its public key, if the carrier has proven one.
    pub fn key(&self) -> Option<[u8; 32]> {
        #[cfg(feature = "seal")]
        return Some(*self.caller?.key?.as_bytes());
        #[cfg(not(feature = "seal"))]
        None
    }
}

/// What became of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Happening<L> {
    /// Somebody has called.
    Accepted(L, Origin),
    /// Somebody who was called has answered.
    Connected(L),
    /// Bytes have come: [`Carrier::offered`], then [`Carrier::taken`].
    Offered(L),
    /// Content was moved, or could not be.
    Moved(L, Result<(), Fault>),
    /// What was written has left, and there is room for the next message.
    Flushed(L),
    /// The peer is at another address now, and has proven it.
    Relocated(L, SocketAddr),
    /// The peer finished its direction, and everything before that was offered.
    Finished(L),
    /// It is gone. The last that is heard of it.
    Closed(L, Closed),
}

/// Carries the streams of one driver.
pub trait Carrier {
    /// Its name for a stream. None is used twice.
    type Link: Copy + Eq + core::fmt::Debug;

    /// Takes what has come to the sockets, up to the first thing that the driver has to know. `None`: there is no
    /// more.
    fn take<D: Device, F: Storage>(
        &mut self,
        now: Instant,
        stack: &mut Stack<'_, D>,
        storage: &mut F,
    ) -> Option<Happening<Self::Link>>;

    /// Sends what there is to send, up to the first thing that the driver has to know. `None`: there is no more to
    /// be sent, or no room for it.
    fn give<D: Device, F: Storage>(
        &mut self,
        now: Instant,
        stack: &mut Stack<'_, D>,
        storage: &mut F,
    ) -> Option<Happening<Self::Link>>;

    /// When [`Carrier::give`] is to be called again, if nothing comes before; good after it gave `None`.
    fn deadline(&self) -> Option<Instant>;

    /// Until then turns should follow after the last transfer: a peer may have to be told again that all arrived. A turn
    /// that waits for nothing else names this moment.
    fn linger_until(&self) -> Instant {
        Instant::ZERO
    }

    /// After so many frames what they brought is to be answered, before more are taken: so a sender whose window is small
    /// goes on sending while the rest of it is taken.
    fn answers_after(&self) -> usize;

    /// The bytes of [`Happening::Offered`].
    fn offered(&self, link: Self::Link) -> &[u8];

    /// The machine took so many of them.
    fn taken(&mut self, link: Self::Link, count: usize);

    /// Writes a message. `false`: there is no room for it.
    #[must_use]
    fn write(&mut self, link: Self::Link, bytes: &[u8]) -> bool;

    /// Writes as many of these bytes as there is room for; [`Happening::Flushed`] follows when there is more.
    fn pour(&mut self, link: Self::Link, bytes: &[u8]) -> usize;

    /// Offers again what was not taken, when more of it may be.
    fn resume(&mut self, link: Self::Link);

    /// Whether something was offered that was not taken.
    fn has_untaken(&self, link: Self::Link) -> bool;

    /// Puts a range of a file onto a stream; [`Happening::Moved`] follows. `false`: that cannot be done now.
    #[must_use]
    fn send(&mut self, link: Self::Link, range: Sending) -> bool;

    /// Has the next bytes go into a file; [`Happening::Moved`] follows.
    fn receive(&mut self, link: Self::Link, content: Receiving);

    /// A number that differs whenever content of a stream was moved, as far as the peer has said.
    fn position(&self, link: Self::Link) -> u64;

    /// Ends our direction after everything that was asked for.
    fn finish(&mut self, link: Self::Link);

    /// Ends a stream at once. Nothing more is heard of it.
    fn abort(&mut self, link: Self::Link);
}
