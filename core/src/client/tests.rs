//! Clients and a tracker in memory, byte by byte.

mod chaos;
mod net;
mod scenarios;

use super::{Accept, Client, Event, Fixed, Settings};
