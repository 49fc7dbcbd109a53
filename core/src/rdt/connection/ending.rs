//! How a connection ends: each direction by itself, or everything at once.

use super::{Connection, Due, Finish, Mode, Phase};
use crate::{
    Instant,
    rdt::{Error, Settings, profile::Profile},
};

/// So often FIN is sent to one of skep's own peers that has finished too: it need not stay to answer.
const FAREWELLS: u8 = 5;

impl<P: Profile> Connection<P> {
    /// Our direction ends after its content.
    pub(crate) fn finish(&mut self) {
        if self.finish == Finish::No {
            self.finish = Finish::Asked;
        }
    }

    /// Everything ends now. The peer is told as well as its language allows.
    pub(crate) fn abort(&mut self) {
        if self.phase == Phase::Over || self.abandoned {
            return;
        }
        self.sender.stop();
        self.due = Due::default();
        match (self.mode, self.phase) {
            (Mode::Own, Phase::Open) => {
                self.due.reset = true;
                self.fail(Error::Aborted);
            }
            (Mode::Known(_), Phase::Open) if self.finish != Finish::Done => {
                // There is no other word for it: the stream ends too early, and the peer sees that it does.
                self.finish();
                self.abandoned = true;
                self.due.closed = Some(Err(Error::Aborted));
            }
            _ => self.fail(Error::Aborted),
        }
    }

    #[inline(never)] // for size: core/panic-check/run shows it
    pub(crate) fn fail(&mut self, error: Error) {
        if self.phase != Phase::Over {
            log!(debug, "rdt: {:?} with {:?} failed: {:?}", self.name, self.peer, error);
            // Of one that was never accepted nobody knows.
            if !self.abandoned && self.phase != Phase::Waiting {
                self.due.closed = Some(Err(error));
            }
            self.phase = Phase::Over;
            // Who is given up may live: it should not keep what is left of this one.
            let is_given_up = matches!(error, Error::TimedOut { .. } | Error::Deceived { .. });
            self.due.reset |= is_given_up && self.mode == Mode::Own;
        }
    }

    /// Forgets what was not said yet to its peer, which is somebody else now.
    pub(crate) fn replaced(&mut self) {
        self.due = Due { closed: self.due.closed, ..Due::default() };
        self.fail(Error::Restarted);
    }

    /// FIN: whether it is to be answered. One that came too early is not.
    pub(crate) fn peer_finished(&mut self, segments: Option<u32>) -> bool {
        if segments.is_some_and(|segments| segments != self.receiver.next()) {
            return false;
        }
        if !self.peer_finished {
            self.peer_finished = true;
            self.due.finished = true;
            self.check_end();
        }
        self.due.fin_ack = true;
        true
    }

    /// Says once more that all came and all was said. `false`: not all was said yet, or the peer must have answers.
    pub(crate) fn take_leave(&mut self) -> bool {
        let Finish::Sent { tries, .. } = self.finish else { return false };
        self.receiver.owes = true;
        self.finish = Finish::Sent { tries, again: Instant::ZERO };
        self.mode == Mode::Own
    }

    /// FINACK.
    pub(crate) fn finish_acknowledged(&mut self) {
        if matches!(self.finish, Finish::Sent { .. }) {
            self.finish = Finish::Done;
            self.check_end();
        }
    }

    /// The peer has no such connection any more.
    pub(crate) fn reset(&mut self) {
        if self.is_calling() && self.is_early() {
            // What was said early has overtaken the call, or that is lost: it is said again.
            return;
        }
        let has_said_all = matches!(self.finish, Finish::Sent { .. });
        if has_said_all && self.peer_finished {
            // It has all, has said all, and has gone: only its FINACK was lost.
            self.finish = Finish::Done;
            self.check_end();
        } else if self.challenged {
            self.fail(Error::Restarted);
        } else {
            self.fail(Error::Reset { delivered: self.sender.bytes_acknowledged });
        }
    }

    /// FIN is to be sent again, or there is no more use in it.
    pub(super) fn finish_again(&mut self, tries: u8, settings: &Settings) {
        if self.mode == Mode::Own && self.peer_finished && tries >= FAREWELLS {
            // It has all, has said all, and has heard that we know: it has gone, and only its FINACK was lost.
            self.finish = Finish::Done;
            self.check_end();
        } else if tries >= settings.tries {
            self.fail(Error::TimedOut { delivered: self.sender.bytes_acknowledged });
        } else {
            self.sender.rtt.back_off();
            // It is sent by the next poll.
            self.finish = Finish::Sent { tries, again: Instant::ZERO };
        }
    }

    #[inline(never)] // for size: core/panic-check/run shows it
    fn check_end(&mut self) {
        if self.finish == Finish::Done && (self.peer_finished || self.abandoned) && self.phase == Phase::Open
        {
            if !self.abandoned {
                self.due.closed = Some(Ok(()));
            }
            self.phase = Phase::Over;
        }
    }

    pub(super) fn fin_is_due(&self) -> bool {
        self.phase == Phase::Open
            && match self.finish {
                Finish::Asked => self.sender.is_done(),
                Finish::Sent { again, .. } => again == Instant::ZERO,
                Finish::No | Finish::Done => false,
            }
    }

    pub(super) fn fin_is_sent(&mut self, now: Instant, settings: &Settings) {
        let tries = if let Finish::Sent { tries, .. } = self.finish { tries } else { 0 };
        let again = now.plus_micros(self.sender.rtt.timeout(settings).max(1).into());
        self.finish = Finish::Sent { tries: tries.saturating_add(1), again };
    }
}
