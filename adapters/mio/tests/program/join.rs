//! `skep join`, `ls`, `find`, and `get` from a tracker: processes that exchange files.

mod deaths;
mod entry;
mod exchange;
pub(crate) mod hub;
mod lists;
mod plain;
mod prompt;
mod relays;
mod watched;
