//! A network card in memory.

use smoltcp::{
    phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken},
    time::Instant,
};
use std::collections::VecDeque;

/// Frames that have come, and frames that are to leave.
#[derive(Debug, Default)]
pub struct Card {
    came: VecDeque<Vec<u8>>,
    leaves: VecDeque<Vec<u8>>,
    /// How many bytes of frames it holds; more that come at once are lost. 0 for no limit.
    holds: usize,
    held: usize,
    /// Frames that were lost so.
    pub overrun: u64,
    /// The most frames that it held.
    pub peak: usize,
}

impl Card {
    /// A card that holds so many bytes.
    pub fn holding(bytes: usize) -> Self {
        Self { holds: bytes, ..Self::default() }
    }

    /// A frame has come.
    pub fn arrive(&mut self, frame: &[u8]) {
        if self.holds > 0 && self.held + frame.len() > self.holds {
            self.overrun += 1;
            return;
        }
        self.held += frame.len();
        self.came.push_back(frame.to_vec());
        self.peak = self.peak.max(self.came.len());
    }

    /// The next frame that leaves.
    pub fn leave(&mut self) -> Option<Vec<u8>> {
        self.leaves.pop_front()
    }
}

/// A frame that has come.
#[derive(Debug)]
pub struct Came(Vec<u8>);

/// The way out.
#[derive(Debug)]
pub struct Way<'c>(&'c mut VecDeque<Vec<u8>>);

impl RxToken for Came {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

impl TxToken for Way<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut frame = vec![0; length];
        let written = write(&mut frame);
        self.0.push_back(frame);
        written
    }
}

impl Device for Card {
    type RxToken<'c> = Came;
    type TxToken<'c> = Way<'c>;

    fn receive(&mut self, _: Instant) -> Option<(Came, Way<'_>)> {
        let frame = self.came.pop_front()?;
        self.held -= frame.len();
        Some((Came(frame), Way(&mut self.leaves)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Way<'_>> {
        Some(Way(&mut self.leaves))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1_514;
        capabilities.max_burst_size = (self.holds > 0).then_some(self.holds / 1_514);
        capabilities
    }
}
