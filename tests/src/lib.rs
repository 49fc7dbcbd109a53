//! The harness: machines of the core on networks that can be played again to the byte.
//!
//! ```text
//!   World ── Node (endpoint + files server or client) ── Storage    files in RAM, with faults
//!     │  └── Streams (a machine that moves no content, over simulated TCP)
//!     │  └── Peer (a known peer, written from the document alone)
//!     │  └── Board (a machine on the driver for smoltcp, whose network card is a seat)
//!     │  └── Wired (a Node or a Peer beside boards on a cable)
//!     └───── Network: Simulated (virtual time, one seed) or Loopback (UDP sockets, real time)
//! ```
//!
//! A [`Scenario`] is the usual case, one server and one client that move one file; it checks by itself what
//! holds after every run. Scenarios that need more build a [`World`] of their own.

mod board;
mod cable;
mod client;
mod crowd;
/// What the machines of the host program are made of, which needs nothing else of it.
#[path = "../../adapters/mio/src/host.rs"]
pub mod host;
mod hostile;
mod link;
mod loopback;
#[path = "../../adapters/mio/src/memory.rs"]
pub mod memory;
mod network;
/// The ciphers that the tests seal with: the core's own, which need no other library.
mod provider {
    pub(crate) use skep_core::seal::RustCrypto as HostProvider;
}
mod node;
#[path = "../../adapters/mio/src/on_demand_controller.rs"]
pub mod on_demand_controller;
mod past;
mod path;
mod peer;
mod player;
mod random;
mod rogue;
mod scenario;
mod seal;
mod segment;
mod settings;
mod simulated;
mod speaker;
mod storage;
mod stream;
mod streams;
mod tcp;
mod trace;
mod wanderer;
mod wired;
mod world;

pub use board::{Board, BoardStorage, Card};
pub use cable::{
    CableReport, ClientBoard, Exchange, Forger, PlainRdt, PlainTcp, Relay, SealedRdt, SealedTcp, ServerBoard,
    Wiring, play_relayed,
};
pub use client::{download, upload};
pub use host::Host;
pub use hostile::{Hostile, Tap};
pub use link::Link;
pub use loopback::Loopback;
pub use memory::Growing;
pub use network::{Arrival, Network, Seat};
pub use node::{Checked, ClientNode, Habits, Node, ServerNode, Sessions};
pub use past::Past;
pub use path::Path;
pub use peer::Peer;
pub use player::{Boards, Cast, Crowd, Player, Programs};
pub use random::Random;
pub use rogue::Rogue;
pub use scenario::{Report, Scenario, Way};
pub use seal::{Doors, INTRODUCTION, INVITE, Seal, call, identity, sealed_settings};
pub use settings::{known_settings, own_settings};
pub use simulated::Simulated;
pub use speaker::Speaker;
pub use storage::{Faults, Storage};
pub use streams::Streams;
pub use wanderer::{List, Wanderer};
pub use wired::Wired;
pub use world::{Handle, Member, World};
