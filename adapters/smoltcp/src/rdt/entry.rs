//! What is kept of a connection besides what the endpoint knows of it.

use crate::{Happening, Receiving, Storage};
use core::net::SocketAddr;
use skep_core::{rdt::ConnectionId, stream::Fault, wire::rdt::Own};

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) connection: ConnectionId,
    pub(super) address: SocketAddr,
    /// We called.
    pub(super) is_call: bool,
    /// Something came of it that only a peer can send who is where it says.
    pub(super) is_heard: bool,
    receiving: Option<Receiving>,
    /// Where the next byte of content goes in a store that takes them in order.
    next: u64,
    /// The peer has finished; whether that is still to be told.
    finished: Option<bool>,
    owes_moved: Option<Result<(), Fault>>,
    owes_flushed: bool,
    /// The address is another one than the driver knows of.
    has_moved: bool,
}

impl Entry {
    pub(super) const fn new(connection: ConnectionId, address: SocketAddr, is_call: bool) -> Self {
        Self {
            connection,
            address,
            is_call,
            is_heard: false,
            receiving: None,
            next: 0,
            finished: None,
            owes_moved: None,
            owes_flushed: false,
            has_moved: false,
        }
    }

    pub(super) fn owed(&mut self) -> Option<Happening<ConnectionId>> {
        if let Some(outcome) = self.owes_moved.take() {
            return Some(Happening::Moved(self.connection, outcome));
        }
        if core::mem::take(&mut self.has_moved) {
            return Some(Happening::Relocated(self.connection, self.address));
        }
        if self.finished == Some(true) {
            self.finished = Some(false);
            return Some(Happening::Finished(self.connection));
        }
        None
    }

    pub(super) const fn relocate(&mut self, address: SocketAddr) {
        self.address = address;
        self.has_moved = true;
    }

    /// Content is to be received. `false`: the peer has finished already, and nothing comes.
    pub(super) fn receive(&mut self, content: Receiving) -> bool {
        self.next = content.offset;
        if self.finished == Some(false) && content.length != Some(0) {
            self.owes_moved = Some(ended(&content));
            return false;
        }
        self.receiving = Some(content);
        true
    }

    /// The content that was to be received is complete, or comes to nothing. `None`: none was.
    pub(super) fn received(&mut self, outcome: Result<(), Fault>) -> Option<Happening<ConnectionId>> {
        self.receiving.take()?;
        Some(Happening::Moved(self.connection, outcome))
    }

    /// The peer has finished. Whether content was to be received of which there is no more.
    pub(super) fn finish(&mut self) -> bool {
        self.finished = Some(true);
        let receiving = self.receiving.take();
        self.owes_moved = receiving.as_ref().map(ended);
        receiving.is_some()
    }

    /// Whether a store that takes content in order may be given this.
    pub(super) const fn is_next(&self, offset: u64) -> bool {
        self.next == offset
    }

    pub(super) const fn stored(&mut self, end: u64) {
        self.next = end;
    }

    pub(super) const fn wrote(&mut self) {
        self.owes_flushed = true;
    }

    pub(super) const fn owes_flushed(&self) -> bool {
        self.owes_flushed
    }

    pub(super) fn flushed(&mut self) -> Option<Happening<ConnectionId>> {
        core::mem::take(&mut self.owes_flushed).then_some(Happening::Flushed(self.connection))
    }
}

fn ended(content: &Receiving) -> Result<(), Fault> {
    if content.length.is_none() { Ok(()) } else { Err(Fault::Ended) }
}

/// The largest segment that fits into a datagram of `size` bytes in its envelope, is not longer than `hoped`, and ends
/// where a write unit of the store does.
pub(super) fn segment<F: Storage>(hoped: u16, size: usize, envelope: usize) -> u16 {
    let fits = size.saturating_sub(Own::DATA_HEADER).saturating_sub(envelope);
    let fits = u16::try_from(fits).unwrap_or(u16::MAX).min(hoped);
    let unit = u16::try_from(F::WRITE_UNIT).unwrap_or(1).max(1);
    let whole = fits - fits % unit;
    if whole == 0 { fits.max(1) } else { whole }
}
