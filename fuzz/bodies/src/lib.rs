//! What the fuzz targets do. A body takes bytes, makes of them whatever it tests, and panics when it finds a fault.
//!
//! ```text
//!   cargo +nightly fuzz run rdt         bytes of the fuzzer's ──┐
//!                                                               ├──► body ──► a panic is a fault
//!   cargo test -p skep-fuzz-bodies      fuzz/corpus/rdt/* ──────┘
//! ```
//!
//! An input that found a fault goes into the corpus with the repair, under a name that says what it was.

mod choices;
mod client;
mod datagrams;
mod files;
mod guard;
mod handshake;
mod mischief;
mod packet;
mod rdt;
mod records;
mod session;
mod tracker;

pub use choices::Choices;
pub use client::client;
pub use datagrams::datagrams;
pub use files::files;
pub use guard::guard;
pub use handshake::handshake;
use mischief::mischief;
pub use packet::packet;
pub use rdt::{layer, rdt};
pub use records::records;
pub use session::session;
pub use tracker::tracker;
