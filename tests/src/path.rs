//! What happens to datagrams on their way, in one direction.

use skep_core::Instant;
use std::{ops::Range, time::Duration};

/// The way from one side to the other. Chances are in thousandths.
#[derive(Clone, Debug, Default)]
pub struct Path {
    /// How long each datagram takes.
    pub delay: Duration,
    /// Up to so much longer. Datagrams overtake each other when it exceeds the time between them.
    pub jitter: Duration,
    /// How many are lost.
    pub loss: u32,
    /// How many arrive twice.
    pub duplication: u32,
    /// How many take up to four times as long, and so are overtaken.
    pub reordering: u32,
    /// How many are corrupted: UDP's checksum sees it, and they are dropped as if they were lost.
    pub corruption: u32,
    /// While one of these lasts, nothing gets through.
    pub cuts: Vec<Range<Instant>>,
    /// Datagrams longer than this do not get through; 0 for no limit.
    pub carries: usize,
    /// Bytes per second, with a queue before it that drops what does not fit; 0 for no limit.
    pub rate: u64,
    /// Bytes that this queue holds; 0 for 64 KiB.
    pub queue: u64,
    /// When the queue is empty again, in nanoseconds.
    pub(crate) busy_until: u64,
}
