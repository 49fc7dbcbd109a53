//! A window that stays as it is: for devices, and for links that nobody else uses.

use super::{Controller, Start};

/// The window of one direction.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Constant {
    window: u32,
}

impl Controller for Constant {
    const IS_PACED: bool = false;

    fn new(start: &Start) -> Self {
        Self { window: start.window.max(1) }
    }

    fn window(&self) -> u32 {
        self.window
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Instant, rdt::control::Congestion};

    #[test]
    fn nothing_changes_it() {
        let start = Start {
            now: Instant::ZERO,
            window: 4,
            datagram: 1_000,
            round_trip: 0,
            expected: 0,
            congestion: Congestion::Constant,
            rate: 0,
            first_flight: 1,
        };
        let mut controller = Constant::new(&start);
        controller.timed_out(Instant::ZERO);
        assert_eq!((controller.window(), controller.allowance(Instant::ZERO)), (4, u32::MAX));
        assert_eq!(Constant::new(&Start { window: 0, ..start }).window(), 1);
    }
}
