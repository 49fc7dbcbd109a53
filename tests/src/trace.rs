//! What the last datagrams were: kept as bytes, and read only when a test fails.

use skep_core::{
    Instant,
    wire::rdt::{Known, Magic, Own},
};
use std::{collections::VecDeque, fmt::Write as _};

use crate::Seat;

/// So many of the first ones, and as many of the last.
const KEPT: usize = 30;
/// Enough for the headers of every packet.
const HEAD: usize = 64;

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fate {
    Sent,
    Lost,
    Twice,
    Damaged,
}

struct Line {
    at: Instant,
    from: Seat,
    to: Seat,
    fate: Fate,
    length: usize,
    head: [u8; HEAD],
}

/// The last datagrams, and a hash of all of them.
#[derive(Default)]
pub(crate) struct Trace {
    lines: VecDeque<Line>,
    pub(crate) hash: u64,
    pub(crate) count: u64,
}

impl Trace {
    pub(crate) fn note(&mut self, at: Instant, from: Seat, to: Seat, fate: Fate, datagram: &[u8]) {
        self.count += 1;
        self.mix(at.as_micros() ^ (from.0 as u64) << 48 ^ (to.0 as u64) << 56);
        self.mix(datagram.len() as u64 ^ (fate as u64) << 32);
        for chunk in datagram.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
        if self.lines.len() == 2 * KEPT {
            self.lines.remove(KEPT);
        }
        let mut head = [0; HEAD];
        let kept = datagram.len().min(HEAD);
        head[..kept].copy_from_slice(&datagram[..kept]);
        self.lines.push_back(Line { at, from, to, fate, length: datagram.len(), head });
    }

    /// The last datagrams, a line each.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            let Line { at, from, to, fate, length, head } = line;
            let at = at.as_micros() as f64 / 1e3;
            let head = &head[..(*length).min(HEAD)];
            let packet = packet(head, *length);
            let _ = writeln!(text, "{at:12.3} ms  {} -> {}  {fate:?}  {length:5}  {packet}", from.0, to.0);
        }
        text
    }

    fn mix(&mut self, word: u64) {
        self.hash = (self.hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    }
}

fn packet(head: &[u8], length: usize) -> String {
    if let Some(own) = Own::parse(head) {
        return match own {
            Some((number, Own::Data { transmission, segment, .. })) => {
                format!("{number:08x} Data transmission {transmission} segment {segment}")
            }
            Some((number, Own::Ack { top, next, limit, map, .. })) => {
                format!("{number:08x} Ack top {top} next {next} limit {limit} map {:x}", map.0[0])
            }
            Some((number, packet)) => format!("{number:08x} {packet:?}"),
            None => format!("malformed {head:02x?}"),
        };
    }
    match Known::parse(&Magic::ROSTOV, head) {
        Some(Some((kind, Known::Info { number, body }))) => {
            format!("{kind:?} Info {number}, {} bytes", body.len())
        }
        Some(Some((kind, packet))) => format!("{kind:?} {packet:?}"),
        // An INFO whose body was cut off for the trace.
        _ if head.len() > 13 && head[6] & 0x0f == 2 => {
            format!(
                "Info {}, {} bytes",
                u32::from_be_bytes([head[9], head[10], head[11], head[12]]),
                length - 13
            )
        }
        _ => format!("{head:02x?}"),
    }
}
