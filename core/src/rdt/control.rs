//! How much may be under way, and how fast.
//!
//! ```text
//!   Sender ── sent, acknowledged, starved, timed_out, undo ──► Controller
//!          ◄─ window: transmissions that may be under way
//!          ◄─ allowance, resumes: how many of them now, and when the next
//! ```
//!
//! A [`Profile`](super::Profile) names the controller of its connections. [`Constant`] is for devices and closed
//! links, and next to nothing is left of it in an image; [`Chosen`] is what a host's settings say.

mod chosen;
mod constant;
mod fixed_rate;
mod model;
mod pacer;
mod round;
mod tcp;

pub use super::trace::{Controlled, Phase};
pub use chosen::Chosen;
pub use constant::Constant;
pub use fixed_rate::FixedRate;
pub use model::Model;
pub use tcp::Tcp;

use super::Settings;
use crate::Instant;
use core::fmt::Debug;

/// What the hosts themselves hold back, in transmissions: their batches.
const BATCHES: u32 = 128;
/// The smallest window of who paces, in transmissions.
const WINDOW_LEAST: u32 = 4;

/// What decides how much is sent, and when. It counts in transmissions; all datagrams count as full ones.
pub trait Controller: Debug {
    /// Whether there is ever a moment to wait for.
    const IS_PACED: bool = true;

    /// A controller for a path of which no more is known than this.
    fn new(start: &Start) -> Self;

    /// Transmissions that may be under way, at least 1 and at most what it was started with.
    fn window(&self) -> u32;

    /// Transmissions that may be sent at this moment, should the window allow as many; 0 until
    /// [`Controller::resumes`].
    fn allowance(&self, now: Instant) -> u32 {
        let _ = now;
        u32::MAX
    }

    /// When the allowance is not 0 any more, rounded up to a microsecond. Asked only when it is.
    fn resumes(&mut self) -> Instant {
        Instant::FAR
    }

    /// So many were sent; the last of them has this number, and so many are under way now.
    fn sent(&mut self, now: Instant, count: u32, newest: u32, in_flight: u32) {
        let _ = (now, count, newest, in_flight);
    }

    /// Something is to be sent, and nothing is under way: everything before was acknowledged. The round-trip time in
    /// microseconds; 0 when nothing was measured yet. Comes before the first question about this flight.
    fn wake(&mut self, now: Instant, round_trip: u32, settings: &Settings) {
        let _ = (now, round_trip, settings);
    }

    /// All was acknowledged, and there is nothing to send.
    fn sleep(&mut self) {}

    /// What it was started with, if it knows no more than that: another one that is started so would do as well. `None`: it
    /// knows more. Asked when nothing is under way.
    fn rest(&mut self, now: Instant) -> Option<Start> {
        let _ = now;
        None
    }

    /// There is nothing more to send at present, or the peer takes nothing: what is measured until all up to
    /// `newest` is acknowledged says little about the path.
    fn starved(&mut self, newest: u32) {
        let _ = newest;
    }

    /// What an acknowledgement, or waiting for one, has told.
    fn acknowledged(&mut self, now: Instant, news: &News) {
        let _ = (now, news);
    }

    /// Nothing was acknowledged in several time-outs: all that was under way counts as lost.
    fn timed_out(&mut self, now: Instant) {
        let _ = now;
    }

    /// What it was told was lost arrived after all.
    fn undo(&mut self) {}

    /// Its state, for a trace.
    fn state(&self, in_flight: u32) -> Controlled {
        Controlled { window: self.window(), in_flight, ..Controlled::default() }
    }
}

/// What a controller begins with.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Start {
    /// When.
    pub now: Instant,
    /// The most transmissions that can be under way.
    pub window: u32,
    /// Bytes that a full datagram takes of a link, with the headers of UDP and IPv4.
    pub datagram: u32,
    /// The round-trip time in microseconds; 0 when nothing was measured yet.
    pub round_trip: u32,
    /// What it is expected to be until it is measured; 0 for nothing expected.
    pub expected: u32,
    /// Which controller, where there is a choice.
    pub congestion: Congestion,
    /// Bytes per second that the path is said to carry; 0 for nothing said.
    pub rate: u64,
    /// The most transmissions in the first round trip.
    pub first_flight: u32,
}

impl Start {
    /// For a connection that is not open yet.
    pub(crate) const NOTHING: Self = Self {
        now: Instant::ZERO,
        window: 1,
        datagram: 1,
        round_trip: 0,
        expected: 0,
        congestion: Congestion::Constant,
        rate: 0,
        first_flight: 1,
    };
}

/// What a controller learns from an acknowledgement.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct News {
    /// Transmissions that are known to have arrived now, and were not before.
    pub acknowledged: u32,
    /// Transmissions that are taken for lost now.
    pub lost: u32,
    /// What is under way now.
    pub in_flight: u32,
    /// The highest transmission that was acknowledged.
    pub top: u32,
    /// The number of the next transmission.
    pub next: u32,
    /// A sample of the round-trip time in microseconds; 0 when there is none.
    pub round_trip: u32,
}

/// Which controller a host uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Congestion {
    /// A model of the path: its rate and its shortest round-trip time, in the manner of BBR. Loss that comes without
    /// a queue is taken for noise.
    #[default]
    Model,
    /// CUBIC (RFC 9438): gives way to other traffic as TCP does, and to random loss too.
    Cubic,
    /// NewReno (RFC 9002 section 7): the same, more cautious on long paths.
    Reno,
    /// A window that stays as it is: for links that nobody else uses.
    Constant,
}
