//! Relayed transfers: two streams that are joined end to end.
//!
//! ```text
//!   requester ── Attach ──►                 ◄── Attach ── owner
//!   requester ◄── Attached ──  tracker  ── Attached ──► owner
//!   requester ◄═══════════════ Splice ═══════════════► owner
//! ```

use super::{
    Step, Tracker,
    link::{End, State},
    profile::Profile,
    transfer::Stage,
};
use crate::{
    constant_time::is_same,
    count::count,
    stream::Fault,
    texts::Stored,
    wire::session::{Code, Notice, Side, TOKEN_LENGTH, Way},
};

/// Steps 0 and 1 tell both sides, 2 and 3 join them.
const LAST_STEP: u8 = 3;

impl<P: Profile> Tracker<P> {
    /// A stream says that it is one end of a transfer. It must come from where the session is, or be the same
    /// account's.
    pub(super) fn attach(&mut self, number: u32, id: u32, token: &[u8; TOKEN_LENGTH], side: Side) {
        let place = id & 0xffff;
        self.take_for_ready(place, id, token, side);
        let is_good = self.transfers.get(place).is_some_and(|transfer| {
            let party = transfer.party(side);
            transfer.id(place) == id
                && transfer.state == Stage::Attaching
                && party.knows
                && party.relay == super::link::NONE
                && is_same(&self.directory.secrets.token(transfer.proof), token)
                && self.is_of_same_user(number, party.link, transfer.party(side.other()).link)
        });
        let Some(transfer) = self.transfers.get_mut(place).filter(|_| is_good) else {
            count(&mut self.counters.strangers);
            self.part(number, Code::UnknownTransfer);
            return;
        };
        transfer.party_mut(side).relay = number;
        let both = transfer.party(side.other()).relay != super::link::NONE;
        if let Some(link) = self.links.get_mut(number) {
            link.state = State::Attached { transfer: place, side };
        }
        self.links.set_deadline(number, None);
        if both && let Some(transfer) = self.transfers.get_mut(place) {
            transfer.state = Stage::Joining(0);
            self.transfers.set_deadline(place, None);
            self.transfers.give_turn(place);
        }
    }

    /// An owner's stream may overtake the message that it is ready.
    fn take_for_ready(&mut self, place: u32, id: u32, token: &[u8; TOKEN_LENGTH], side: Side) {
        let Some(transfer) = self.transfers.get(place) else { return };
        let session = transfer.owner.link;
        if side == Side::Owner
            && transfer.way == Way::Relayed
            && is_same(&self.directory.secrets.token(transfer.proof), token)
        {
            self.ready(session, id, 0, 0);
        }
    }

    /// Whether a stream may be an end of a session's transfer. One that is not sealed has shown the token, which went
    /// through the sealed session, and can show no account; so it must come from the session's address, and both
    /// sides must have keys: what they say to each other is sealed then.
    fn is_of_same_user(&self, relay: u32, session: u32, other: u32) -> bool {
        let is_near = self.address(relay) == self.address(session);
        let (Some(relay), Some(session)) = (self.links.get(relay), self.links.get(session)) else {
            return false;
        };
        if relay.state == State::ToAttach {
            let has_keys =
                session.key.is_some() && self.links.get(other).is_some_and(|other| other.key.is_some());
            return has_keys && is_near;
        }
        if session.key.is_some() && relay.key == session.key {
            return true;
        }
        let account = relay.work().map_or(Stored::EMPTY, |work| work.account);
        if !session.has_account {
            return account.is_empty() && is_near;
        }
        let Some(user) = self.directory.users.get(session.user) else { return false };
        let mut name = [0; crate::wire::TEXT_MAX];
        let texts = &self.directory.texts;
        texts.copy(user.name, &mut name).is_some_and(|name| texts.is(account, name))
    }

    /// The next step of joining two streams: first both are told, then their bytes are moved.
    pub(super) fn join(&mut self, place: u32, room: &mut [u8]) -> Option<Step> {
        let transfer = self.transfers.get_mut(place)?;
        let Stage::Joining(step) = transfer.state else { return None };
        transfer.state =
            if step < LAST_STEP { Stage::Joining(step.saturating_add(1)) } else { Stage::Relaying };
        if step == LAST_STEP {
            transfer.moved = self.now;
            self.transfers.set_deadline(place, Some(self.now + self.settings.stall_timeout));
        }
        let transfer = self.transfers.get(place)?;
        let side = if step.is_multiple_of(2) { Side::Requester } else { Side::Owner };
        let (number, other) = (transfer.party(side).relay, transfer.party(side.other()).relay);
        self.transfers.give_turn(place);
        let to = self.links.get(other)?.stream;
        let link = self.links.get_mut(number)?;
        let stream = link.stream;
        if step >= 2 {
            return Some(Step::Splice { from: stream, to });
        }
        if step == 1 {
            count(&mut self.counters.relayed);
        }
        link.state = State::Joined { transfer: place, side, end: End::Open };
        Some(Step::Write { stream, length: Notice::Attached.emit(room)? })
    }

    /// Whether a stream is still an end of the transfer in this place.
    fn is_end_of(&self, number: u32, place: u32, side: Side) -> bool {
        self.transfers.get(place).is_some_and(|transfer| transfer.party(side).relay == number)
    }

    /// All that one side sends has been moved to the other, or that failed.
    pub(super) fn spliced(&mut self, number: u32, place: u32, side: Side, outcome: Result<(), Fault>) {
        if !self.is_end_of(number, place, side) {
            return;
        }
        let Some(transfer) = self.transfers.get_mut(place) else { return };
        // One direction may be over before the other has begun.
        if outcome.is_err() || !matches!(transfer.state, Stage::Relaying | Stage::Joining(LAST_STEP)) {
            self.conclude(place, Code::Broken, None);
            return;
        }
        transfer.party_mut(side).is_drained = true;
        let to = transfer.party(side.other()).relay;
        let is_over = transfer.party(side.other()).is_drained;
        // What one side has finished is finished towards the other.
        if let Some(link) = self.links.get_mut(to)
            && let State::Joined { end: end @ End::Open, .. } = &mut link.state
        {
            *end = End::Owed;
        }
        self.links.give_turn(to);
        if is_over {
            self.conclude(place, Code::Done, None);
        }
    }

    /// The transfer of a stream is over: so is the stream.
    pub(super) fn part_relay(&mut self, number: u32, is_done: bool, code: Code) {
        let Some(link) = self.links.get_mut(number) else { return };
        match link.state {
            State::Joined { end: End::Told, .. } if is_done => {
                link.state = State::Closing;
                self.links.set_deadline(number, Some(self.now + self.settings.close_timeout));
            }
            State::Joined { .. } if is_done => link.state = State::Finish { is_relay: true },
            // It knows of nothing yet, and can be told why.
            State::Attached { .. } => {
                self.part(number, code);
                return;
            }
            _ => link.state = State::Abort,
        }
        self.links.give_turn(number);
    }

    /// A relayed stream has gone.
    pub(super) fn relay_closed(&mut self, number: u32, place: u32, side: Side) {
        if self.is_end_of(number, place, side) {
            self.conclude(place, Code::Broken, None);
        }
    }
}
