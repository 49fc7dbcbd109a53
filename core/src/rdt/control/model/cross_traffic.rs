//! Whether others use the path: by a queue that stays.

/// After so many rounds with a queue, half of them since it was let go, somebody else makes it; that is so until there
/// was none for so many.
const PRESENT: u8 = 6;
const PRESENT_FOR: u8 = 48;

/// What speaks for others: rounds with a queue that is not ours, and from `PRESENT` on how many without one are still to
/// come.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct CrossTraffic(u8);

impl CrossTraffic {
    /// Whether there are others.
    pub(super) const fn is_there(self) -> bool {
        self.0 >= PRESENT
    }

    /// There are.
    pub(super) const fn meet(&mut self) {
        self.0 = PRESENT + PRESENT_FOR;
    }

    /// What spoke for them was of a path that has changed.
    pub(super) const fn forget(&mut self) {
        self.0 = 0;
    }

    /// A round alone, in which nothing was tried, is over. Whether a queue has stayed for so long that it is to be let go,
    /// as it may be our own.
    pub(super) const fn watch(&mut self, is_queued: bool) -> bool {
        self.0 = if is_queued { self.0.saturating_add(1) } else { 0 };
        self.0 == PRESENT / 2
    }

    /// A round next to others is over.
    pub(super) const fn stay(&mut self, is_queued: bool) {
        match self.0 {
            _ if is_queued => self.meet(),
            ..=PRESENT => self.forget(),
            left => self.0 = left.wrapping_sub(1),
        }
    }
}
