//! The bytes of every format, one file a format: parsed with nom, emitted from values that are always valid.

mod name;

pub use name::{BadName, Name};
