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
mod files;
mod packet;
mod rdt;

pub use choices::Choices;
pub use files::files;
pub use packet::packet;
pub use rdt::rdt;
