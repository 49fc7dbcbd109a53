//! What happens, as a line for people or as a line of JSON for programs.

use crate::{commands::words::of_code, escape::escape, member::Event};
use indicatif::HumanBytes;
use serde_json::{Value, json};
use skep_core::{files::Outcome, wire::session::FileInfo};

/// How a file's length is shown.
pub(in crate::commands) fn length(info: &FileInfo) -> String {
    if info.flags & FileInfo::UNKNOWN_LENGTH == 0 {
        HumanBytes(info.length).to_string()
    } else {
        "length unknown".to_owned()
    }
}

/// The hash of a file, as other programs print it.
pub(in crate::commands) fn hash(info: &FileInfo) -> Option<String> {
    info.hash.map(|hash| hash.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A line for people. Downloads are told with their names by whoever asked for them.
pub(super) fn line(event: &Event) -> Option<String> {
    Some(match event {
        Event::Waiting { place } => format!("no seat is free; waiting in line, place {place}"),
        Event::Came { user, by_command: false } => format!("{} is here", escape(user)),
        Event::Came { user, by_command: true } => {
            format!("{} is here (by the plain commands)", escape(user))
        }
        Event::Left { user } => format!("{} left", escape(user)),
        Event::Shared { user, name, info } => {
            format!("{} shares {} ({})", escape(user), escape(name), length(info))
        }
        Event::Unshared { user, name } => format!("{} no longer shares {}", escape(user), escape(name)),
        Event::NotPublished { name, code } => {
            format!("{} is not shared: {}", escape(name), of_code(*code))
        }
        Event::Serving { user, name, length, .. } => {
            format!("{} fetches {} ({})", escape(user), escape(name), HumanBytes(*length))
        }
        Event::Served { user, name, outcome, .. } => {
            let how = match outcome {
                Some(Outcome::Done) => "has fetched",
                Some(Outcome::Broken) => "broke off fetching",
                Some(Outcome::Failed(_)) => "could not be given",
                None => "did not come for",
            };
            format!("{} {how} {}", escape(user), escape(name))
        }
        _ => return None,
    })
}

/// A line of JSON. Names are as they are: JSON escapes what has to be.
pub(super) fn json(event: &Event) -> Option<Value> {
    Some(match event {
        Event::Waiting { place } => json!({"event": "waiting", "place": place}),
        Event::Offline { code } => json!({"event": "offline", "why": code.to_string()}),
        Event::Over { code } => json!({"event": "over", "why": code.to_string()}),
        Event::Cleared => json!({"event": "cleared"}),
        Event::Listed => json!({"event": "listed"}),
        Event::Came { user, by_command } => json!({"event": "came", "user": user, "plain": by_command}),
        Event::Left { user } => json!({"event": "left", "user": user}),
        Event::Shared { user, name, info } => {
            let mut line = file(name, info);
            line["event"] = "shared".into();
            line["user"] = (&**user).into();
            line
        }
        Event::Unshared { user, name } => json!({"event": "unshared", "user": user, "name": name}),
        Event::NotPublished { name, code } => {
            json!({"event": "not-published", "name": name, "why": code.to_string()})
        }
        Event::Serving { user, name, length, .. } => {
            json!({"event": "serving", "user": user, "name": name, "bytes": length})
        }
        Event::Served { user, name, outcome, .. } => {
            let is_done = *outcome == Some(Outcome::Done);
            json!({"event": "served", "user": user, "name": name, "done": is_done})
        }
        // What needs the prompt, and what is told by whoever knows more.
        Event::Asked { .. }
        | Event::Online
        | Event::Connect
        | Event::Call(..)
        | Event::Getting { .. }
        | Event::Got { .. } => return None,
    })
}

/// A file as JSON: its name, its length where that is known, its BLAKE3 hash where that is known.
pub(in crate::commands) fn file(name: &str, info: &FileInfo) -> Value {
    let bytes = (info.flags & FileInfo::UNKNOWN_LENGTH == 0).then_some(info.length);
    json!({"name": name, "bytes": bytes, "blake3": hash(info)})
}
