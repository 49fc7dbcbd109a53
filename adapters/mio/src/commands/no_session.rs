//! Why there is no session with a tracker.

use super::{node::Node, words::of_code};
use crate::{exit::Failure, member::Event, url::Host};
use skep_core::wire::session::Code;
use std::time::Duration;

/// Whether an event says that there is no session.
pub(super) fn cannot_log_in(node: &Node, host: &Host, event: &Event) -> Result<(), Failure> {
    match event {
        Event::Offline { code } if node.was_online() => {
            Err(Failure::network(format!("lost the tracker {host}: {}", of_code(*code))))
        }
        Event::Offline { code: Code::Unreachable } => Err(unreachable(node, host)),
        Event::Offline { code: code @ (Code::Gone | Code::Silent | Code::Malformed) } => {
            Err(Failure::network(format!(
                "{host}: {}; is it a tracker, and not a server of files?",
                of_code(*code)
            )))
        }
        Event::Offline { code: Code::NotAllowed } | Event::Over { code: Code::NotAllowed } => {
            Err(Failure::refused(format!(
                "{host} does not let you log in by that name: it belongs to another key, your key to another name, or \
                 you are banned"
            )))
        }
        Event::Offline { code } | Event::Over { code } => {
            Err(Failure::refused(format!("{host}: {}", of_code(*code))))
        }
        _ => Ok(()),
    }
}

/// Nobody answered in the time that the user gives them.
pub(super) fn no_answer(node: &Node, host: &Host, patience: Duration) -> Failure {
    let hint = node.attempts().hint("tracker", node.proof());
    Failure::network(format!("cannot connect to {host}: no answer in {} s{hint}", patience.as_secs_f64()))
}

/// Nobody answered, or nobody who has the key.
fn unreachable(node: &Node, host: &Host) -> Failure {
    Failure::network(format!("cannot connect to {host}: {}", why_unreachable(node)))
}

/// What became of the calls, and what may be the matter.
pub(super) fn why_unreachable(node: &Node) -> String {
    let attempts = node.attempts();
    format!("{attempts}{}", attempts.hint("tracker", node.proof()))
}
