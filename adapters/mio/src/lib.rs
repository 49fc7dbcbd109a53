//! The host side of skep: the sockets, the storage and the command line of the program `skep`.
//!
//! The protocols themselves are in `skep-core`, as machines without any input or output. What is here moves bytes
//! for them, and talks with the user.

pub mod args;
pub mod commands;
mod conceal;
pub mod console;
mod descriptors;
pub mod driver;
pub mod escape;
pub mod exit;
pub mod gate;
pub mod host;
pub mod identity;
#[cfg(unix)]
mod ignored;
mod log_ins;
pub mod log_writer;
pub mod member;
pub mod memory;
mod net;
pub mod on_demand_controller;
pub mod progress;
pub mod provider;
pub mod shared_directory;
pub mod storage;
pub mod trace;
pub mod tracker;
mod trim;
mod turned_away;
pub mod url;
mod visits;
