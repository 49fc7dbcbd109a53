//! Which transmissions count as lost because later ones were acknowledged.

use super::{Flight, ReorderingThreshold};
use crate::{
    Instant,
    rdt::{
        Settings,
        flight::{Fate, Transmission},
        path_mtu::{Form, PathMtu},
        profile::Profile,
        record::Record,
        ring::{is_before, later},
        rtt::Rtt,
        trace::{Cause, Happened},
    },
};

/// What tells loss from delay.
#[derive(Debug)]
pub(super) struct Losses {
    /// The largest number that was acknowledged.
    pub(super) top: u32,
    pub(super) threshold: ReorderingThreshold,
    /// When an older transmission counts as lost, because a later one was acknowledged; else `FAR`.
    pub(super) at: Instant,
}

/// What was found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    pub(super) lost: u32,
    /// Of these, what was lost for its size.
    pub(super) too_long: u32,
}

impl Losses {
    /// After such a largest number that was acknowledged.
    pub(super) const fn after(top: u32, threshold: ReorderingThreshold) -> Self {
        Self { top, threshold, at: Instant::FAR }
    }

    /// A transmission was acknowledged.
    pub(super) fn heard(&mut self, number: u32) {
        self.top = later(self.top, number);
    }

    /// One that counted as lost was late: from now on the network is given that much more room.
    pub(super) fn was_late(&mut self, number: u32) {
        self.threshold.widen(self.top.wrapping_sub(number));
    }

    /// Declares lost what later transmissions have overtaken by too much; sets the moment of the next.
    pub(super) fn find<P: Profile>(
        &mut self,
        now: Instant,
        flight: &mut Flight<P>,
        (rtt, path_mtu): (&Rtt, &PathMtu),
        settings: &Settings,
        record: &mut Record<P::Trace>,
    ) -> Found {
        let mut found = Found::default();
        self.at = Instant::FAR;
        let wait = self.threshold.wait(rtt, settings);
        let mut number = flight.oldest;
        while is_before(number, self.top) {
            if let Some(&mut Transmission { sent, fate: Fate::InFlight, form, .. }) =
                flight.transmission(number)
            {
                // Whatever is whole does not get through a narrow path.
                let is_too_long = P::SEARCHES && form != Form::Parts && path_mtu.is_narrow();
                let overtaken = is_too_long || self.threshold.is_over(self.top.wrapping_sub(number));
                let late = sent.plus_micros(wait.into());
                if !overtaken && late > now {
                    self.at = self.at.min(late);
                } else if let Some(segment) = flight.lose(number, Fate::Lost) {
                    found.lost = found.lost.wrapping_add(1);
                    found.too_long = found.too_long.wrapping_add(u32::from(is_too_long));
                    let cause = if overtaken { Cause::Overtaken } else { Cause::Late };
                    record.note(now, Happened::Lost { transmission: number, segment, cause });
                }
            }
            number = number.wrapping_add(1);
        }
        flight.advance();
        record.lost.add(found.lost);
        found
    }
}
