//! What a server tells of its transfers.

use super::because;
use crate::{driver::Told, escape::escape, exit::describe, log_writer::say, net::canonical};
use skep_core::{
    files::{Direction, Event, Outcome},
    stream::{Fault, FileId},
};
use std::{collections::HashMap, net::SocketAddr, time::Instant as Clock};

/// Says what happens, a line for each transfer.
pub(super) struct Log {
    started: HashMap<FileId, Started>,
    verbose: bool,
}

struct Started {
    peer: Option<SocketAddr>,
    name: Box<str>,
    length: u64,
    at: Clock,
}

impl Log {
    pub(super) fn new(verbose: bool) -> Self {
        Self { started: HashMap::new(), verbose }
    }

    pub(super) fn tell(&mut self, told: &Told<Event>) {
        if !self.verbose {
            return;
        }
        match told.event {
            Event::Started { file, length, .. } => {
                let name = told.name.clone().unwrap_or_default();
                self.started.insert(file, Started { peer: told.peer, name, length, at: Clock::now() });
            }
            Event::Ended { file, direction, outcome, .. } => {
                let Some(started) = self.started.remove(&file) else { return };
                let what = match direction {
                    Direction::Download => "get",
                    Direction::Upload => "put",
                };
                let how = match outcome {
                    Outcome::Done => {
                        format!("{} bytes in {:.3} s", started.length, started.at.elapsed().as_secs_f64())
                    }
                    Outcome::Broken => format!("broken off, of {} bytes", started.length),
                    Outcome::Failed(fault) => format!("failed: {}", describe(fault)),
                };
                say(&format_args!("{} {what} {}: {how}", shown(started.peer), escape(&started.name)));
            }
            Event::Refused { code, fault, .. } => {
                // The client is told only that we are busy.
                let why = fault.filter(|fault| *fault == Fault::Busy);
                let why = why.map_or_else(|| because(code), |fault| describe(fault).to_owned());
                let name = told.name.as_deref().map_or(String::new(), |name| format!(" {}", escape(name)));
                say(&format_args!("{} refused{name}: {why}", shown(told.peer)));
            }
        }
    }
}

fn shown(peer: Option<SocketAddr>) -> String {
    peer.map_or_else(|| "(gone)".to_owned(), |peer| canonical(peer).to_string())
}
