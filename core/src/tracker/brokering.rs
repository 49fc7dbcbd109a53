//! Transfers: who asked whom, who was told what, and the slots.

use super::{
    Event, Tracker, UserId,
    directory::Presence,
    link::{Link, NONE, Reply},
    profile::Profile,
    transfer::{Party, Stage, Tell, Transfer},
};
use crate::{
    count::count,
    wire::session::{Code, Side, Way},
};

const SIDES: [Side; 2] = [Side::Requester, Side::Owner];
/// A transfer's place is in the lower half of its name.
const TRANSFERS_MAX: u32 = 1 << 16;

impl<P: Profile> Tracker<P> {
    /// A session wants a file.
    pub(super) fn fetch(
        &mut self,
        number: u32,
        (tag, way): (u32, Way),
        owner: &[u8],
        name: &[u8],
    ) -> Result<(), Code> {
        let link = self.links.get(number).ok_or(Code::Gone)?;
        let (me, downloads) = (link.user, link.work().map_or(0, |work| work.downloads));
        if !link.rights.fetch || way == Way::Command {
            return Err(Code::NotAllowed);
        }
        let owner = self.directory.user_named(owner).ok_or(Code::UnknownUser)?;
        let user = self.directory.users.get(owner).ok_or(Code::UnknownUser)?;
        let (presence, address, port) = (user.presence, user.address, user.port);
        if presence == Presence::Away {
            return Err(Code::UnknownUser);
        }
        let file = self.directory.file_named(owner, name).ok_or(Code::NotShared)?;
        if owner == me || !self.directory.is_shared(file) {
            return Err(Code::NotShared);
        }
        let Presence::Session(owner_link) = presence else {
            // Nobody can be asked: the door is open, or it is not.
            if port == 0 {
                return Err(Code::Unreachable);
            }
            self.reply(number, Reply::Command { tag, address, port });
            return Ok(());
        };
        let uploads = self.links.get(owner_link).and_then(Link::work).map_or(0, |work| work.uploads);
        let most = self.settings.uploads_per_user.max(1);
        // The more somebody has under way, the more of an owner's slots he leaves to others: nobody takes them all.
        let is_fair = uploads == 0 || uploads.saturating_add(downloads) < most;
        if downloads >= self.settings.downloads_per_user.max(1)
            || uploads >= most
            || !is_fair
            || self.transfers.count() as u32 >= self.settings.transfers.clamp(1, TRANSFERS_MAX)
        {
            return Err(Code::Busy);
        }
        self.generation = self.generation.wrapping_add(1);
        let transfer = Transfer {
            generation: self.generation,
            way,
            state: Stage::Asking,
            proof: self.directory.secrets.next(),
            tag,
            file,
            birth: self.directory.files.get(file).map_or(0, |file| file.birth),
            tcp: 0,
            rdt: 0,
            moved: self.now,
            requester: Party::new(number),
            owner: Party::new(owner_link),
        };
        let place = self.transfers.insert(transfer).map_err(|_| Code::Busy)?;
        if let Some(work) = self.links.get_mut(number).and_then(Link::begin) {
            work.downloads = work.downloads.saturating_add(1);
        }
        if let Some(work) = self.links.get_mut(owner_link).and_then(Link::begin) {
            work.uploads = work.uploads.saturating_add(1);
        }
        count(&mut self.counters.transfers);
        self.transfers.set_deadline(place, Some(self.now + self.settings.answer_timeout));
        self.tell(place, Side::Owner, Tell::Begin);
        Ok(())
    }

    /// An owner says that it is ready.
    pub(super) fn ready(&mut self, number: u32, id: u32, tcp: u16, rdt: u16) -> bool {
        let Some((place, Side::Owner)) = self.transfer_of(number, id) else { return false };
        let Some(transfer) = self.transfers.get_mut(place) else { return false };
        if transfer.state != Stage::Asking || !transfer.owner.knows {
            // Its stream was here before.
            return transfer.way == Way::Relayed && transfer.state != Stage::Over && transfer.owner.knows;
        }
        transfer.tcp = tcp;
        transfer.rdt = rdt;
        let way = transfer.way;
        let (requester, owner) = (transfer.requester.link, transfer.owner.link);
        if way == Way::Direct && tcp == 0 && rdt == 0 {
            self.conclude(place, Code::Unreachable, Some(Side::Owner));
            return true;
        }
        let (stage, patience) = match way {
            Way::Relayed => (Stage::Attaching, self.settings.attach_timeout),
            Way::Direct | Way::Command => (Stage::Direct, self.settings.hold),
        };
        transfer.state = stage;
        self.transfers.set_deadline(place, Some(self.now + patience));
        self.tell(place, Side::Requester, Tell::Begin);
        let user = |link| UserId(self.links.get(link).map_or(NONE, |link| link.user));
        let (requester, owner) = (user(requester), user(owner));
        self.tell_application(Event::Began { transfer: id, way, requester, owner });
        true
    }

    /// One side says that it is over, or the owner says no.
    pub(super) fn end(&mut self, number: u32, id: u32, code: Code, is_refusal: bool) -> bool {
        let Some((place, side)) = self.transfer_of(number, id) else { return false };
        let Some(transfer) = self.transfers.get(place) else { return false };
        if !transfer.party(side).knows
            || (is_refusal && (side != Side::Owner || transfer.state != Stage::Asking))
            || transfer.state == Stage::Over
        {
            return false;
        }
        // A refusal is never a success.
        let code = if is_refusal && code == Code::Done { Code::Refused } else { code };
        self.conclude(place, code, Some(side));
        true
    }

    /// The transfer with this name, if a session is a side of it.
    fn transfer_of(&self, number: u32, id: u32) -> Option<(u32, Side)> {
        let place = id & (TRANSFERS_MAX - 1);
        let transfer = self.transfers.get(place).filter(|transfer| transfer.id(place) == id)?;
        Some((place, transfer.side_of(number)?))
    }

    /// A time-out has come.
    pub(super) fn transfer_expired(&mut self, place: u32) {
        let Some(transfer) = self.transfers.get(place) else { return };
        match transfer.state {
            Stage::Asking | Stage::Attaching => self.conclude(place, Code::Silent, None),
            Stage::Direct => self.conclude(place, Code::Broken, None),
            Stage::Relaying => match transfer.moved + self.settings.stall_timeout {
                // Nothing moves in either direction: somebody takes nothing, or says nothing.
                stalled if stalled <= self.now => self.conclude(place, Code::Broken, None),
                later => self.transfers.set_deadline(place, Some(later)),
            },
            Stage::Joining(_) | Stage::Over => {}
        }
    }

    /// A transfer is over. `by` knows it already.
    pub(super) fn conclude(&mut self, place: u32, code: Code, by: Option<Side>) {
        let Some(transfer) = self.transfers.get_mut(place).filter(|transfer| transfer.state != Stage::Over)
        else {
            return;
        };
        let was_relaying = transfer.state == Stage::Relaying;
        transfer.state = Stage::Over;
        let id = transfer.id(place);
        let relays = SIDES.map(|side| core::mem::replace(&mut transfer.party_mut(side).relay, NONE));
        self.transfers.set_deadline(place, None);
        if code != Code::Done {
            count(&mut self.counters.transfers_failed);
        }
        for relay in relays {
            self.part_relay(relay, was_relaying && code == Code::Done, code);
        }
        for side in SIDES {
            let Some(party) = self.transfers.get(place).map(|transfer| transfer.party(side)) else { return };
            // A requester is answered in any case; an owner that has not been asked is not told.
            if by == Some(side) || (side == Side::Owner && !party.knows) {
                self.release_party(place, side);
            } else {
                self.tell(place, side, Tell::End(code));
            }
        }
        self.tell_application(Event::Ended { transfer: id, code });
    }

    /// A session has gone: so have its transfers.
    pub(super) fn leave_transfers(&mut self, number: u32) {
        for place in 0..self.transfers.reach().min(TRANSFERS_MAX) {
            let Some(work) = self.links.get_mut(number).and_then(Link::work_mut) else { return };
            work.queue_first = NONE;
            work.queue_last = NONE;
            if work.downloads == 0 && work.uploads == 0 {
                return;
            }
            // One session is never both sides of a transfer.
            let Some(side) = self.transfers.get(place).and_then(|transfer| transfer.side_of(number)) else {
                continue;
            };
            if let Some(transfer) = self.transfers.get_mut(place) {
                transfer.party_mut(side).is_queued = false;
            }
            self.conclude(place, Code::Gone, Some(side));
            self.release_party(place, side);
        }
    }

    /// One side needs to be told nothing more: its slot is free.
    pub(super) fn release_party(&mut self, place: u32, side: Side) {
        let Some(transfer) = self.transfers.get_mut(place) else { return };
        let party = transfer.party_mut(side);
        // Who is in a session's queue is let go when its turn comes there.
        party.tell = Tell::Nothing;
        if party.is_queued && party.link != NONE {
            return;
        }
        let link = core::mem::replace(&mut party.link, NONE);
        if link == NONE {
            return;
        }
        let is_over = SIDES.iter().all(|&side| transfer.party(side).link == NONE);
        if let Some(work) = self.links.get_mut(link).and_then(Link::work_mut) {
            let slots = match side {
                Side::Requester => &mut work.downloads,
                Side::Owner => &mut work.uploads,
            };
            *slots = slots.saturating_sub(1);
        }
        if is_over {
            self.transfers.remove(place);
        }
    }

    /// One side is to be told something: its session's queue has it.
    fn tell(&mut self, place: u32, side: Side, tell: Tell) {
        let entry = place << 1 | u32::from(u8::from(side));
        let Some(party) = self.transfers.get_mut(place).map(|transfer| transfer.party_mut(side)) else {
            return;
        };
        party.tell = tell;
        let number = party.link;
        if core::mem::replace(&mut party.is_queued, true) {
            return;
        }
        party.next = NONE;
        let Some(work) = self.links.get_mut(number).and_then(Link::begin) else { return };
        let last = core::mem::replace(&mut work.queue_last, entry);
        if last == NONE {
            work.queue_first = entry;
        } else if let Some(before) = self.transfers.get_mut(last >> 1) {
            before.party_mut(side_of_entry(last)).next = entry;
        }
        self.links.give_turn(number);
    }

    /// Whether what an owner is to be asked for is still there; if not, the transfer is over.
    pub(super) fn check_entry(&mut self, entry: u32) {
        let (place, side) = (entry >> 1, side_of_entry(entry));
        let Some(transfer) = self.transfers.get(place) else { return };
        let file = self.directory.files.get(transfer.file);
        let is_there = file.is_some_and(|file| file.birth == transfer.birth);
        if side == Side::Owner && transfer.owner.tell == Tell::Begin && !is_there {
            self.conclude(place, Code::NotShared, Some(Side::Owner));
        }
    }

    /// Takes the first end of a transfer out of a session's queue, once it has been told of.
    pub(super) fn told(&mut self, number: u32, entry: u32) {
        let (place, side) = (entry >> 1, side_of_entry(entry));
        let Some(transfer) = self.transfers.get_mut(place) else { return };
        let is_over = transfer.state == Stage::Over;
        let party = transfer.party_mut(side);
        party.is_queued = false;
        party.knows |= party.tell == Tell::Begin;
        party.tell = Tell::Nothing;
        let next = core::mem::replace(&mut party.next, NONE);
        if let Some(work) = self.links.get_mut(number).and_then(Link::work_mut) {
            work.queue_first = next;
            if next == NONE {
                work.queue_last = NONE;
            }
        }
        if is_over {
            self.release_party(place, side);
        }
    }
}

pub(super) const fn side_of_entry(entry: u32) -> Side {
    if entry & 1 == 0 { Side::Requester } else { Side::Owner }
}
