//! Loads a tracker that runs in a process of its own, and says what it cost that process.
//!
//! ```text
//! cargo build --release -p skep -p skep-benches
//! target/release/tracker-load fanout tcp 10000      one event to each of so many sessions, over and over
//! target/release/tracker-load burst tcp 1000 16     so many events at once
//! target/release/tracker-load join tcp 10000        so many come, and each learns of all
//! target/release/tracker-load idle rdt 10000        what an idle session takes in memory
//! target/release/tracker-load login 300             how long a sealed log-in takes
//! target/release/tracker-load relay 4               so many GiB through the tracker
//! target/release/tracker-load commands 20000        so many commands, a connection each
//! target/release/tracker-load floor 9900            what the system takes for a bare send to each of so many sockets
//! target/release/tracker-load floor udp 10000       the same from one UDP socket, and the acknowledgements
//! ```
//!
//! Ways: `tcp`, `rdt` and `rdt-sealed`. CPU-seconds are those of the tracker's process, as the scheduler counts
//! them; so they hold on a machine with other work, where the clock on the wall does not.

mod commands;
mod crowd;
mod floor;
mod login;
mod relay;
mod server;
mod sessions;

use std::{env, process::ExitCode};

use crowd::Way;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let number = |word: &str| word.parse::<usize>().expect("a number");
    match words[..] {
        ["fanout", way, sessions] => sessions::fan_out(Way::parse(way), number(sessions), 1, 20),
        ["burst", way, sessions, events] => {
            sessions::fan_out(Way::parse(way), number(sessions), number(events), 50);
        }
        ["join", way, sessions] => sessions::join(Way::parse(way), number(sessions)),
        ["idle", way, sessions] => sessions::idle(Way::parse(way), number(sessions)),
        ["login", times] => login::log_in(number(times)),
        ["relay", gibibytes] => relay::relay(number(gibibytes)),
        ["floor", "udp", receivers] => floor::floor_udp(number(receivers)),
        ["floor", sockets] => floor::floor(number(sockets)),
        ["commands", times] => commands::commands(number(times)),
        _ => {
            eprintln!("what is to be measured? see the top of benches/src/bin/tracker-load/main.rs");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
