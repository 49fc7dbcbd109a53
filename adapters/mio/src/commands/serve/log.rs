//! What a server tells of its transfers.

use super::because;
use crate::{
    driver::EventRecord, escape::escape, exit::describe, identity::Label, log_writer::say, net::canonical,
};
use skep_core::{
    files::{Direction, Event, Outcome},
    stream::{Fault, FileId},
};
use std::{collections::HashMap, net::SocketAddr, time::Instant as Clock};

/// Says what happens, a line for each transfer; or only where the storage failed, which is for who runs the server.
pub(super) struct Log {
    started: HashMap<FileId, Started>,
    verbose: bool,
}

struct Started {
    who: String,
    name: Box<str>,
    length: u64,
    at: Clock,
}

impl Log {
    pub(super) fn new(verbose: bool) -> Self {
        Self { started: HashMap::new(), verbose }
    }

    /// Says what happens to somebody, whose key may be called something.
    pub(super) fn tell(&mut self, told: &EventRecord<Event>, called: Option<&Label>) {
        match told.event {
            Event::Started { file, length, .. } => {
                let name = told.name.clone().unwrap_or_default();
                let who = shown(told.peer, called);
                self.started.insert(file, Started { who, name, length, at: Clock::now() });
            }
            Event::Ended { file, direction, outcome, .. } => {
                let Some(started) = self.started.remove(&file) else { return };
                if !self.verbose && !matches!(outcome, Outcome::Failed(fault) if is_ours(fault)) {
                    return;
                }
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
                say(&format_args!("{} {what} {}: {how}", started.who, escape(&started.name)));
            }
            Event::Refused { code, fault, .. } => {
                if !self.verbose && !fault.is_some_and(is_ours) {
                    return;
                }
                // The client is told only that we are busy, or have no space, and not of what.
                let why = fault.filter(|fault| matches!(fault, Fault::Busy | Fault::NoSpace));
                let why = why.map_or_else(|| because(code), |fault| describe(fault).to_owned());
                let name = told.name.as_deref().map_or(String::new(), |name| format!(" {}", escape(name)));
                say(&format_args!("{} refused{name}: {why}", shown(told.peer, called)));
            }
        }
    }
}

/// Whether a fault is one of our own storage, and nothing that a client can be told alone.
const fn is_ours(fault: Fault) -> bool {
    matches!(fault, Fault::NoSpace | Fault::Busy | Fault::Failed)
}

/// Where somebody is, and what his key is called.
fn shown(peer: Option<SocketAddr>, called: Option<&Label>) -> String {
    let peer = peer.map_or_else(|| "(gone)".to_owned(), |peer| canonical(peer).to_string());
    called.map(|called| format!("{peer} ({called})")).unwrap_or(peer)
}
