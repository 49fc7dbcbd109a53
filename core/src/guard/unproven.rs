//! How much an address may be sent before it is proven.

/// Bytes that came from an address and bytes that went there, while anyone may have written that address.
///
/// ```text
///   received ├──────────────────────────┤
///   sent     ├──────────────┤ may send  ┆      never past what was received (RFC 9000, section 8.1, allows 3 ×)
/// ```
///
/// Counts stop at 2^32 - 1, on the side of silence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Unproven {
    received: u32,
    sent: u32,
}

impl Unproven {
    /// An address from which a datagram of so many bytes came.
    pub const fn new(received: usize) -> Self {
        Self { received: clamp(received), sent: 0 }
    }

    /// So many more bytes came from it.
    pub const fn received(&mut self, bytes: usize) {
        self.received = self.received.saturating_add(clamp(bytes));
    }

    /// So many more bytes went there.
    pub const fn sent(&mut self, bytes: usize) {
        self.sent = self.sent.saturating_add(clamp(bytes));
    }

    /// Whether so many bytes may go there now.
    pub const fn may_send(&self, bytes: usize) -> bool {
        bytes <= self.received.saturating_sub(self.sent) as usize
    }
}

const fn clamp(bytes: usize) -> u32 {
    if bytes > u32::MAX as usize { u32::MAX } else { bytes as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_much_may_be_sent_as_was_received() {
        let mut address = Unproven::new(100);
        assert!(address.may_send(100) && !address.may_send(101));
        address.sent(60);
        assert!(address.may_send(40) && !address.may_send(41));
        address.received(10);
        assert!(address.may_send(50) && !address.may_send(51));
    }

    #[test]
    fn counts_that_stop_stop_the_sending() {
        let mut address = Unproven::new(usize::MAX);
        address.sent(usize::MAX);
        address.received(usize::MAX);
        assert!(address.may_send(0) && !address.may_send(1));
    }
}
