//! `skep tracker`: sessions, commands and relayed transfers with a tracker that runs, by peers that speak the formats and
//! no more.

mod accounts;
mod admin;
pub(crate) mod commands;
mod consoles;
mod crowd;
mod durable;
#[cfg(target_os = "linux")]
mod log;
pub(crate) mod member;
pub(crate) mod numbers;
mod relays;
mod seats;
mod sessions;
mod wire;
