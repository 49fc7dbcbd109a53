//! What is done when nothing comes back.
//!
//! ```text
//!   a time-out ──► two probes ──► as long again ──► two probes ──► doubled ──► ... ──► all is lost, the least window ──► given up
//!                    what is acknowledged of them tells what became of the rest (RFC 9002 section 6.2)
//! ```

use super::Sender;
use crate::{
    Instant,
    rdt::{
        Settings,
        control::Controller,
        flight::Fate,
        profile::Profile,
        record::Record,
        trace::{Cause, Happened},
    },
};

/// Segments that are sent again when nothing comes back.
const PROBES: u32 = 2;
/// Time-outs in a row after which it is tried whether the path carries parts of segments only.
const DOUBTS: u8 = 2;
/// Time-outs in a row after which all that is under way counts as lost (RFC 9002 section 7.6: three).
const SILENCES: u8 = 3;

/// What a deadline asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expired {
    /// Nothing besides the next batch.
    Nothing,
    /// Ask the peer whether it has room now.
    AskForRoom,
}

impl<P: Profile> Sender<P> {
    /// A deadline has come. `Err`: the peer was given up. `is_numbered`: the peer acknowledges transmissions, not segments.
    pub(crate) fn expire(
        &mut self,
        now: Instant,
        is_numbered: bool,
        settings: &Settings,
        record: &mut Record<P::Trace>,
    ) -> Result<Expired, ()> {
        if self.losses.at <= now {
            self.find_lost(now, (0, 0), settings, record);
        }
        if self.timeout > now {
            return Ok(Expired::Nothing);
        }
        self.timeout = Instant::FAR;
        if self.tries >= settings.tries {
            return Err(());
        }
        // Below the number of tries.
        self.tries = self.tries.wrapping_add(1);
        self.rtt.back_off();
        record.timeouts.add(1);
        log!(trace, "rdt: time-out {} of {}", self.tries, settings.tries);
        record.note(now, Happened::TimedOut { tries: self.tries });
        if self.asks_for_room {
            self.wait(now, settings);
            return Ok(Expired::AskForRoom);
        }
        // A known peer never says that a copy came: with few under way that would hold up the rest. With a window as small as
        // that, so it is here too.
        let many = if is_numbered { self.controller.window() } else { self.flight.count };
        if !self.is_small() && many > PROBES && self.tries < SILENCES {
            self.probes.begin(PROBES as u8, self.flight.first);
            self.wait(now, settings);
        } else {
            self.give_up_flight(now, record);
        }
        if P::SEARCHES && self.tries >= DOUBTS && self.path_mtu.doubt() {
            // Perhaps the path carries less than it did: one segment both ways tells.
            self.probes.begin(1, self.flight.first);
        }
        // What is repeated starts the time-out again; if the peer has no room for it, asking does.
        Ok(Expired::Nothing)
    }

    fn give_up_flight(&mut self, now: Instant, record: &mut Record<P::Trace>) {
        self.losses.at = Instant::FAR;
        let mut number = self.flight.oldest;
        while number != self.flight.newest.wrapping_add(1) {
            if let Some(segment) = self.flight.lose(number, Fate::Expired) {
                record.lost.add(1);
                record.note(now, Happened::Lost { transmission: number, segment, cause: Cause::Silence });
            }
            number = number.wrapping_add(1);
        }
        self.flight.advance();
        self.controller.timed_out(now);
        record.note(now, Happened::Controlled(self.controller.state(self.flight.count)));
    }
}
