//! The bytes of every format, one file a format: parsed with nom, emitted from values that are always valid.

pub mod command;
mod field;
pub mod file;
mod name;
pub mod path;
mod put;
pub mod rdt;
#[cfg(feature = "seal")]
pub mod seal;
pub mod session;
mod text;

pub use name::{BadName, Name, is_hidden};
pub use text::{BadText, TEXT_MAX, Text};
