//! The program itself, run as users run it: processes, signals, sockets, and what is in the directories afterwards.

#![cfg(unix)]

mod absent;
mod addresses;
mod attacks;
mod changes;
mod codes;
mod console;
mod crowd;
mod early;
mod full;
mod interrupted;
mod join;
mod json;
mod limits;
mod names;
mod output;
mod passwords;
mod peers;
mod sealed;
mod storage;
mod support;
mod tracing;
mod tracker;
mod transfers;
mod usage;
mod visits;
