//! Scenarios over a driver in memory: see `driver.rs`.

mod chaos;
mod client;
mod driver;
#[cfg(feature = "known-peers")]
mod get_file;
mod pair;
#[cfg(feature = "known-peers")]
mod path;
mod server;

use crate::{
    files::Dialect,
    limits::NAME_MAX,
    wire::{Name, file::Message},
};

/// Another way to ask for a file, where there is one.
#[cfg(feature = "known-peers")]
const OTHER: Dialect = Dialect::Path;
#[cfg(not(feature = "known-peers"))]
const OTHER: Dialect = Dialect::Files;

fn name(text: &str) -> Name<'_> {
    Name::new(text.as_bytes()).unwrap()
}

/// The bytes of a message.
fn bytes(message: Message<'_>) -> Vec<u8> {
    let mut out = vec![0; NAME_MAX + 16];
    let length = message.emit(&mut out).unwrap();
    out.truncate(length);
    out
}

fn request(text: &str) -> Vec<u8> {
    bytes(Message::Request { name: name(text) })
}

/// An upload, whole.
fn upload(text: &str, content: &[u8]) -> Vec<u8> {
    [bytes(Message::Upload { length: content.len() as u64, name: name(text) }), content.to_vec()].concat()
}

/// The answer to a download, whole.
fn download(content: &[u8]) -> Vec<u8> {
    [bytes(Message::Download { length: content.len() as u64 }), content.to_vec()].concat()
}

/// Numbers that look random, the same for the same seed.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.below(256) as u8).collect()
    }
}
