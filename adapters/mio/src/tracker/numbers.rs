//! The numbers of a tracker, as Prometheus reads them.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, gauge::Gauge, info::Info},
    registry::Registry,
};

use super::Hub;
use crate::log_writer;

type Level = Gauge<i64>;
type Count = Counter<u64, AtomicU64>;

/// The version of skep.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// All of them, at this moment; `unaccepted` are those of the driver.
pub fn numbers(hub: &Hub, unaccepted: u64) -> String {
    let mut registry = Registry::with_prefix("skep_tracker");
    let tracker = hub.tracker();
    registry.register("build", "The version of skep", Info::new(vec![("version", VERSION)]));
    let mut level = |name: &str, help: &str, value: u64| {
        let gauge = Level::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        registry.register(name, help, gauge);
    };
    let began = u64::try_from(hub.began.as_second()).unwrap_or_default();
    level("start_time_seconds", "When the tracker was started, in seconds since 1970", began);
    level("users", "Users who are there, in sessions and by command", tracker.online().into());
    level("seats_taken", "Sessions that are logged in", tracker.seats_taken().into());
    level("waiting", "Sessions that wait for a seat", tracker.waiting().into());
    level("files", "Files, shared now or published by command", tracker.files() as u64);
    level("transfers", "Transfers under way", tracker.transfers() as u64);
    level("connections", "Connections of all kinds", tracker.links() as u64);
    let counters = tracker.counters();
    let mut count = |name: &str, help: &str, value: u64| {
        let counter = Count::default();
        counter.inc_by(value);
        registry.register(name, help, counter);
    };
    count("changes", "Changes of the list", tracker.newest());
    count("turned_away", "Connections that found no room", counters.turned_away);
    count(
        "unaccepted",
        "Connections that found no file descriptor, or too many of their network",
        unaccepted,
    );
    count("logins", "Log-ins that were granted", counters.logins);
    count("logins_refused", "Log-ins that were refused", counters.logins_refused);
    let (keys_refused, writes_failed) = hub.refused_and_failed();
    count("keys_refused", "Callers whom the door turned away, before any log-in", keys_refused);
    count("writes_failed", "Writes of the database that failed", writes_failed);
    count("died", "Sessions that died", counters.died);
    count("requests_refused", "Requests in sessions that were refused", counters.refused);
    count("malformed", "Messages that broke the format or came out of place", counters.malformed);
    count("unknown", "Messages that this version does not know", counters.unknown);
    count("strangers", "Answers for transfers of others, or that are over", counters.strangers);
    count("transfers_begun", "Transfers that were asked for and could begin", counters.transfers);
    count("transfers_failed", "Transfers that came to nothing", counters.transfers_failed);
    count("relayed", "Transfers whose content passed through the tracker", counters.relayed);
    count("commands", "Commands that were answered", counters.commands);
    count("commands_failed", "Commands that were answered by anything but 0", counters.commands_failed);
    count("commands_broken", "Commands that stopped in the middle", counters.commands_broken);
    let lost = counters.events_lost + log_writer::standard_error().left_out();
    count("events_lost", "Events that were not logged: too many, or the log was not read", lost);
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = encode(&mut text, &registry);
    text
}
