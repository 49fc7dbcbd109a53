//! A congestion controller for as long as there is something to control.

use crate::host::WINDOW_MAX;
use skep_core::{
    Instant,
    rdt::{
        self,
        control::{Chosen, Congestion, Controlled, Controller, News, Start},
    },
};
use std::time::Duration;

/// So few datagrams without a rest between them tell nothing of a rate.
const LITTLE: u32 = 256;

/// What more of them told is good for so long.
const STALE: Duration = Duration::from_secs(10);

/// Microseconds.
const STEP: u32 = 16;

/// A congestion controller in a memory that it has only while it knows something: most connections of a tracker say a
/// few words, and are idle for minutes.
#[derive(Debug)]
pub struct OnDemandController {
    /// What it was started with: the window of at most [`WINDOW_MAX`], what is expected of the round trip in steps of
    /// [`STEP`].
    window: u16,
    expected: u16,
    datagram: u32,
    busy: Option<Box<Busy>>,
}

#[derive(Debug)]
struct Busy {
    controller: Chosen,
    /// How many were sent since there was nothing to send, and when the last.
    sent: u32,
    used: Instant,
    /// When it has learnt of a rate.
    learnt: Option<Instant>,
}

impl Controller for OnDemandController {
    fn new(start: &Start) -> Self {
        let window = start.window.min(WINDOW_MAX as u32) as u16;
        let expected = start.expected.div_ceil(STEP).min(u16::MAX.into()) as u16;
        Self { window, expected, datagram: start.datagram, busy: None }
    }

    fn wake(&mut self, now: Instant, round_trip: u32, settings: &rdt::Settings) {
        match &mut self.busy {
            Some(busy) if now.since(busy.used) <= STALE => busy.sent = 0,
            _ => {
                let controller = Chosen::new(&Start {
                    now,
                    window: self.window.into(),
                    datagram: self.datagram,
                    round_trip,
                    expected: u32::from(self.expected) * STEP,
                    congestion: settings.congestion,
                    rate: settings.rate,
                    first_flight: settings.first_flight.into(),
                });
                self.busy = Some(Box::new(Busy { controller, sent: 0, used: now, learnt: None }));
            }
        }
    }

    fn sleep(&mut self) {
        self.busy.take_if(|busy| {
            if busy.sent > LITTLE {
                busy.learnt = Some(busy.used);
            }
            busy.learnt.is_none_or(|learnt| busy.used.since(learnt) > STALE)
        });
    }

    fn rest(&mut self, now: Instant) -> Option<Start> {
        self.busy.take_if(|busy| now.since(busy.used) > STALE);
        self.busy.is_none().then_some(Start {
            now,
            window: self.window.into(),
            datagram: self.datagram,
            round_trip: 0,
            expected: u32::from(self.expected) * STEP,
            congestion: Congestion::Constant,
            rate: 0,
            first_flight: 1,
        })
    }

    fn window(&self) -> u32 {
        self.busy.as_ref().map_or(self.window.into(), |busy| busy.controller.window())
    }

    fn allowance(&self, now: Instant) -> u32 {
        self.busy.as_ref().map_or(u32::MAX, |busy| busy.controller.allowance(now))
    }

    fn resumes(&mut self) -> Instant {
        self.busy.as_mut().map_or(Instant::FAR, |busy| busy.controller.resumes())
    }

    fn sent(&mut self, now: Instant, count: u32, newest: u32, in_flight: u32) {
        if let Some(busy) = &mut self.busy {
            busy.sent = busy.sent.saturating_add(count);
            busy.used = now;
            busy.controller.sent(now, count, newest, in_flight);
        }
    }

    fn starved(&mut self, newest: u32) {
        if let Some(busy) = &mut self.busy {
            busy.controller.starved(newest);
        }
    }

    fn acknowledged(&mut self, now: Instant, news: &News) {
        if let Some(busy) = &mut self.busy {
            busy.controller.acknowledged(now, news);
        }
    }

    fn timed_out(&mut self, now: Instant) {
        if let Some(busy) = &mut self.busy {
            busy.controller.timed_out(now);
        }
    }

    fn undo(&mut self) {
        if let Some(busy) = &mut self.busy {
            busy.controller.undo();
        }
    }

    fn state(&self, in_flight: u32) -> Controlled {
        match &self.busy {
            Some(busy) => busy.controller.state(in_flight),
            None => Controlled { window: self.window.into(), in_flight, ..Controlled::default() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    /// Sends so many at that moment, one flight, and all are acknowledged. Whether it keeps a controller then.
    fn keeps(controller: &mut OnDemandController, seconds: u64, count: u32) -> bool {
        controller.wake(at(seconds), 20_000, &rdt::Settings::HOST);
        assert!(controller.window() <= 8_192 && controller.allowance(at(seconds)) > 0);
        controller.sent(at(seconds), count, count, count);
        controller.sleep();
        controller.busy.is_some()
    }

    #[test]
    fn a_controller_is_kept_only_while_it_knows_something() {
        let mut controller = OnDemandController::new(&Start {
            now: at(0),
            window: 8_192,
            datagram: 1_472,
            round_trip: 20_000,
            expected: 0,
            congestion: Congestion::Model,
            rate: 0,
            first_flight: 768,
        });
        assert!(controller.busy.is_none());
        // A few words, again and again.
        assert!((0..500).all(|second| !keeps(&mut controller, second, 3)));
        assert!(keeps(&mut controller, 500, 300), "that was a file");
        assert!((501..510).all(|second| keeps(&mut controller, second, 3)), "it may be asked for another");
        assert!(!keeps(&mut controller, 511, 3), "that is too long ago");
        assert!(keeps(&mut controller, 512, 300) && !keeps(&mut controller, 600, 3));
    }
}
