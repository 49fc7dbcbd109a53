//! Clients of files, as most tests want them.

use skep_core::{
    files::{Client, Dialect},
    wire::Name,
};
use std::time::Duration;

/// Longer than any transport takes to give up.
const PATIENCE: Duration = Duration::from_secs(900);

/// Fetches a file of whatever length.
pub fn download(name: &str) -> Client {
    Client::download(Name::new(name.as_bytes()).unwrap(), Dialect::Files, u64::MAX - 1, PATIENCE)
}

/// Sends a file.
pub fn upload(name: &str) -> Client {
    Client::upload(Name::new(name.as_bytes()).unwrap(), PATIENCE)
}
