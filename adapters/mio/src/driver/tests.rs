//! Streams that are joined end to end, over every pair of carriers, between two drivers in one thread; and a socket that
//! takes nothing for a while.

mod blocked;
mod splice;
mod talker;
