//! `skep tracker`: sessions, commands and relayed transfers with a tracker that runs, by peers that speak the formats and
//! no more.

mod commands;
mod member;
mod relays;
mod sessions;
mod wire;
