//! The bytes of every format, one file a format: parsed with nom, emitted from values that are always valid.

pub mod file;
mod name;
pub mod path;
pub mod rdt;

pub use name::{BadName, Name};
