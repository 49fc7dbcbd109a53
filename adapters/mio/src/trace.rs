//! Traces of transfers, in files: qlog as JSON text sequences (RFC 7464), one record an event.
//!
//! The schema is that of QUIC's qlog, of which an RDT connection needs a small part: `transport:packet_sent` and
//! `packet_received`, `recovery:packet_lost`, `metrics_updated` and some more; what only RDT has is in events that begin
//! with `rdt:`. A transmission's number is the packet number. The place of a segment is the offset in stream 0, as if all
//! segments were full. Times are milliseconds since the trace began, which is told in milliseconds since 1970.

mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use reader::{Event, Happened, Metrics, Space, Trace, read};
pub use writer::{Start, Writer};
