//! The controller that the settings ask for: what a host uses.

use super::{Congestion, Constant, Controlled, Controller, FixedRate, Model, News, Start, Tcp};
use crate::Instant;

/// No more than this under way is no load to any network, and leaves a controller nothing to control: RFC 6928 has
/// ten segments before anything is known.
const SMALL: u32 = 16;

/// One of them.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Chosen {
    /// [`Congestion::Constant`], and windows of up to 16.
    Constant(Constant),
    /// The rate is known.
    FixedRate(FixedRate),
    /// [`Congestion::Cubic`], [`Congestion::Reno`].
    Tcp(Tcp),
    /// [`Congestion::Model`].
    Model(Model),
}

/// The same call to whichever it is.
macro_rules! each {
    ($self:ident, $it:ident => $call:expr) => {
        match $self {
            Self::Constant($it) => $call,
            Self::FixedRate($it) => $call,
            Self::Tcp($it) => $call,
            Self::Model($it) => $call,
        }
    };
}

impl Controller for Chosen {
    fn new(start: &Start) -> Self {
        match start.congestion {
            _ if start.rate > 0 => Self::FixedRate(FixedRate::new(start)),
            _ if start.window <= SMALL => Self::Constant(Constant::new(start)),
            Congestion::Constant => Self::Constant(Constant::new(start)),
            Congestion::Cubic | Congestion::Reno => Self::Tcp(Tcp::new(start)),
            Congestion::Model => Self::Model(Model::new(start)),
        }
    }

    fn window(&self) -> u32 {
        each!(self, it => it.window())
    }

    fn allowance(&self, now: Instant) -> u32 {
        each!(self, it => it.allowance(now))
    }

    fn resumes(&mut self) -> Instant {
        each!(self, it => it.resumes())
    }

    fn sent(&mut self, now: Instant, count: u32, newest: u32, in_flight: u32) {
        each!(self, it => it.sent(now, count, newest, in_flight));
    }

    fn starved(&mut self, newest: u32) {
        each!(self, it => it.starved(newest));
    }

    fn acknowledged(&mut self, now: Instant, news: &News) {
        each!(self, it => it.acknowledged(now, news));
    }

    fn timed_out(&mut self, now: Instant) {
        each!(self, it => it.timed_out(now));
    }

    fn undo(&mut self) {
        each!(self, it => it.undo());
    }

    fn state(&self, in_flight: u32) -> Controlled {
        each!(self, it => it.state(in_flight))
    }
}
