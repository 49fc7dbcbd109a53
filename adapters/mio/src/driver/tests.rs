//! Streams that are joined end to end, over every pair of carriers, between two drivers in one thread; and a socket that
//! takes nothing for a while; and a machine that has much to say; and a flight of which one datagram is lost;
//! and a transfer on which nothing moves; and who calls again in his session.

mod blocked;
mod flight;
mod much_to_say;
mod second_connection;
mod splice;
mod stalled;
mod talker;
