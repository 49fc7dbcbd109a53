//! Streams that are joined end to end, over every pair of carriers, between two drivers in one thread.

mod splice;
mod talker;
