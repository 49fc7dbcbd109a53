//! All scenarios are one program, so that what they share is compiled once. `cargo test -p skep-tests goodput::` plays those
//! of one file.

mod attacks;
mod backlog;
mod bad_networks;
mod cable;
mod cable_attacks;
mod cable_tracker;
mod capacity;
mod early;
mod endings;
mod garbage;
mod goodput;
mod hub;
mod known;
mod links;
mod narrow;
mod parking;
mod path_size;
mod patterns;
mod pressure;
mod relay;
mod restart;
mod rush;
mod sealed;
mod seeds;
mod silence;
mod slots;
mod spoofed;
mod storage;
mod table;
mod transfers;
mod wrap;
