//! What happens, a line each: for people, or as JSON for machines.

use std::{fmt::Display, net::SocketAddr};

use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use skep_core::wire::session::Way;

use super::{Report, because::Because, numbers::VERSION};
use crate::{
    escape::escape,
    log_writer::{self, left_out},
    net::canonical,
};

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// An object of JSON each.
    Json,
    /// None, but of what fails.
    None,
}

/// Where lines go: standard error, as fast as somebody reads them there, and not more of them than the budget of
/// [`log_writer`] allows.
#[derive(Debug)]
pub struct Log {
    format: Format,
    is_quiet: bool,
}

impl Log {
    /// A log of this format, or none.
    pub fn new(format: Format, is_quiet: bool) -> Self {
        let lines = log_writer::standard_error();
        match format {
            Format::Text => lines.say_in(missing_in_words),
            Format::Json => {
                lines.say_in(missing_in_fields);
                log_writer::complain_in(complaint_in_fields);
            }
            Format::None => {}
        }
        Self { format, is_quiet }
    }

    /// Says what happened, and where from.
    pub fn tell(&self, report: &Report, peer: Option<SocketAddr>) {
        // What fails is for who runs the tracker, who may want to hear of nothing else.
        let is_failure = matches!(report, Report::Failed { .. });
        if self.is_quiet && !is_failure {
            return;
        }
        match self.format {
            Format::None if !is_failure => {}
            Format::Text | Format::None => {
                let Some(line) = in_words(report, peer) else { return };
                log_writer::standard_error().tell(&format_args!("{:.0} {line}", Timestamp::now()));
            }
            Format::Json => {
                let Some(fields) = in_fields(report, peer) else { return };
                log_writer::standard_error().tell(&Value::Object(fields));
            }
        }
    }
}

/// Says what is wrong, whatever the format: this is for who runs the tracker.
pub fn complain(what: &dyn Display) {
    log_writer::say(what);
}

fn missing_in_words(count: u64) -> String {
    format!("{:.0} {}", Timestamp::now(), left_out(count))
}

fn missing_in_fields(count: u64) -> String {
    json!({ "event": "left-out", "time": time(), "lines": count }).to_string()
}

fn complaint_in_fields(what: &str) -> String {
    json!({ "event": "failed", "time": time(), "what": what }).to_string()
}

/// Now, with as many digits as ever: sorted as texts, lines are in the order of their times.
fn time() -> String {
    format!("{:.6}", Timestamp::now())
}

/// A name as a word of a line. One in which there are others is quoted, so that none can pass for the rest of the line.
fn name(text: &str) -> String {
    match text.contains(|letter: char| letter.is_whitespace() || [':', '"', '\\'].contains(&letter)) {
        true => format!("\"{}\"", escape(&text.replace('\\', "\\\\").replace('"', "\\\""))),
        false => escape(text).to_string(),
    }
}

fn in_words(report: &Report, peer: Option<SocketAddr>) -> Option<String> {
    let from = || peer.map(|peer| format!(" from {}", canonical(peer))).unwrap_or_default();
    Some(match report {
        Report::Came { user, .. } => format!("{} came{}", name(user), from()),
        Report::Left { user, code } => format!("{} left: {code}", name(user)),
        Report::Waits { .. } => format!("somebody{} waits for a seat", from()),
        Report::Refused { user, code, because, key, .. } => {
            let of = if user.is_empty() { String::new() } else { format!(" of {}", name(user)) };
            let because = because.map(|because| format!(", {because}")).unwrap_or_default();
            format!("log-in{of}{} refused: {code}{because}{}", from(), with(key))
        }
        Report::TurnedAway { key: Some(key), from } => {
            format!("turned away {key}, from {}", canonical(*from))
        }
        Report::TurnedAway { key: None, from } => {
            format!("turned away somebody without a key, from {}", canonical(*from))
        }
        Report::Registered { user, .. } => format!("{} has an account now", name(user)),
        Report::Began { transfer, way, requester, owner } => {
            let way = if *way == Way::Relayed { "relayed" } else { "direct" };
            format!("transfer {transfer} ({way}): {} fetches from {}", name(requester), name(owner))
        }
        Report::Ended { transfer, code } => format!("transfer {transfer} is over: {code}"),
        Report::Ordered { what, by: None } => format!("admin: {}", escape(what)),
        Report::Ordered { what, by: Some(by) } => format!("admin {}: {}", name(by), escape(what)),
        Report::OrderRefused { what, by, key } => {
            let by = by.as_deref().map_or_else(|| "somebody".to_owned(), name);
            format!("order of {by} refused: {}{}", escape(what), with(key))
        }
        Report::Failed { what } => format!("failed: {}", escape(what)),
        // What is told to people besides, or not at all.
        Report::MadeKey { .. } | Report::Started { .. } | Report::Stopped | Report::Nothing => return None,
    })
}

fn with(key: &Option<Box<str>>) -> String {
    key.as_ref().map(|key| format!(", key {key}")).unwrap_or_default()
}

/// Texts of all addresses.
fn texts(addresses: &[SocketAddr]) -> Vec<String> {
    addresses.iter().map(ToString::to_string).collect()
}

fn in_fields(report: &Report, peer: Option<SocketAddr>) -> Option<Map<String, Value>> {
    let (event, fields) = match report {
        Report::MadeKey { file } => ("made-key", json!({ "file": file })),
        Report::Started { accounts, places } => {
            let sealed: Vec<_> = places.sealed.iter().map(|(address, _)| *address).collect();
            let fields = json!({
                "version": VERSION, "accounts": accounts.to_possible_value().map(|name| name.get_name().to_owned()),
                "link": places.link(), "sealed": texts(&sealed), "plain": texts(&places.plain),
                "commands": texts(&places.commands), "metrics": texts(&places.numbers),
            });
            ("started", fields)
        }
        Report::Came { user, key, .. } => ("came", json!({ "user": user, "key": key })),
        Report::Left { user, code } => ("left", json!({ "user": user, "why": code.to_string() })),
        Report::Waits { .. } => ("waits", json!({})),
        Report::Refused { user, code, because, key, .. } => {
            let (word, ban) = (because.map(Because::word), because.and_then(Because::ban));
            let why = code.to_string();
            ("refused", json!({ "user": user, "why": why, "because": word, "ban": ban, "key": key }))
        }
        Report::TurnedAway { key, from } => {
            ("turned-away", json!({ "key": key, "from": canonical(*from).to_string() }))
        }
        Report::Registered { user, key } => ("registered", json!({ "user": user, "key": key })),
        Report::Began { transfer, way, requester, owner } => {
            let is_relayed = *way == Way::Relayed;
            let fields = json!({
                "transfer": transfer, "relayed": is_relayed, "requester": requester, "owner": owner,
            });
            ("began", fields)
        }
        Report::Ended { transfer, code } => {
            ("ended", json!({ "transfer": transfer, "how": code.to_string() }))
        }
        Report::Ordered { what, by } => ("ordered", json!({ "what": what, "by": by })),
        Report::OrderRefused { what, by, key } => {
            ("order-refused", json!({ "what": what, "by": by, "key": key }))
        }
        Report::Failed { what } => ("failed", json!({ "what": what })),
        Report::Stopped => ("stopped", json!({})),
        Report::Nothing => return None,
    };
    let Value::Object(mut fields) = fields else { return None };
    fields.insert("time".into(), time().into());
    fields.insert("event".into(), event.into());
    if let Some(peer) = peer {
        fields.insert("from".into(), canonical(peer).to_string().into());
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use skep_core::{stream::StreamId, wire::session::Code};

    use super::*;

    #[test]
    fn a_name_passes_for_nothing_else() {
        let refused = |user: &str| Report::Refused {
            user: user.into(),
            stream: StreamId(0),
            code: Code::NotAllowed,
            because: Some(Because::Banned(7)),
            key: Some("KEY".into()),
        };
        let line = |user| in_words(&refused(user), None).unwrap();
        assert_eq!(line("größe"), "log-in of größe refused: not allowed, ban 7, key KEY");
        let forged = "ana from 9.9.9.9:99 refused: not allowed; \"x";
        assert!(
            line(forged)
                .starts_with(r#"log-in of "ana from 9.9.9.9:99 refused: not allowed; \"x" refused: "#)
        );
    }

    #[test]
    fn lines_that_are_missing_are_told_in_the_format_of_the_others() {
        let words = missing_in_words(1_234);
        assert_eq!(words.split_once(' ').unwrap().1, "1,234 lines left out");
        let fields: Value = serde_json::from_str(&missing_in_fields(1_234)).unwrap();
        assert_eq!((&fields["event"], &fields["lines"]), (&"left-out".into(), &1_234.into()));
        assert!(fields["time"].is_string());
    }

    #[test]
    fn a_name_cannot_forge_a_line() {
        let report = Report::Left { user: "a\nb\u{1b}[2J".into(), code: 9.into() };
        assert_eq!(in_words(&report, None).unwrap(), r#""a\u{a}b\u{1b}[2J" left: gone"#);
        for (user, shown) in [
            ("ana", "ana"),
            (r#"ana" left"#, r#""ana\" left""#),
            (r#"ana\" left"#, r#""ana\\\" left""#),
            ("ana\u{a0}left", "\"ana\u{a0}left\""),
        ] {
            assert_eq!(name(user), shown);
        }
        let fields = Value::Object(in_fields(&report, None).unwrap()).to_string();
        assert!(!fields.contains('\n') && !fields.contains('\u{1b}'), "{fields}");
        let back: Value = serde_json::from_str(&fields).unwrap();
        assert_eq!(back["user"], "a\nb\u{1b}[2J");
    }
}
