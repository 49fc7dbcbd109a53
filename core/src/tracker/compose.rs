//! What a session is written, all in one go: answers, transfers, and as much of the list as there is room for.

use super::{
    Tracker,
    brokering::side_of_entry,
    link::{Link, NONE, Reply, Work},
    profile::Profile,
    transfer::Tell,
};
use crate::wire::{
    TEXT_MAX, Text,
    session::{Introduction, Notice, Side, USER_MAX, Way},
};

/// Where messages are written one behind the other.
struct Batch<'o> {
    out: &'o mut [u8],
    used: usize,
}

impl Batch<'_> {
    fn rest(&mut self) -> &mut [u8] {
        self.out.get_mut(self.used..).unwrap_or_default()
    }

    /// `false`: there is no room left.
    fn push(&mut self, notice: &Notice<'_>) -> bool {
        let used = notice.emit(self.rest());
        self.used = self.used.saturating_add(used.unwrap_or_default());
        used.is_some()
    }
}

impl<P: Profile> Tracker<P> {
    /// Writes what a session is to be told to `room`; how many bytes that were.
    pub(super) fn compose(&mut self, number: u32, room: &mut [u8]) -> usize {
        let mut batch = Batch { out: room, used: 0 };
        if self.compose_small(number, &mut batch).is_none() {
            return batch.used;
        }
        while let Some(entry) = self
            .links
            .get(number)
            .and_then(Link::work)
            .map(|work| work.queue_first)
            .filter(|&entry| entry != NONE)
        {
            self.check_entry(entry);
            if !self.compose_transfer(number, entry, &mut batch) {
                return batch.used;
            }
            self.told(number, entry);
        }
        if let Some(link) = self.links.get_mut(number) {
            let used = link.tell(&self.directory, batch.rest());
            batch.used = batch.used.saturating_add(used);
        }
        batch.used
    }

    /// The answers, in an order that says what is true. `None`: there is no room left.
    fn compose_small(&mut self, number: u32, batch: &mut Batch<'_>) -> Option<()> {
        let silence = u16::try_from(self.settings.dead_after.as_secs()).unwrap_or(u16::MAX);
        let link = self.links.get_mut(number)?;
        let (user, proof) = (link.user, link.proof);
        let Some(work) = link.work_mut() else { return Some(()) };
        let secrets = &self.directory.secrets;
        let welcome = Notice::Welcome {
            version: Self::version(),
            is_fresh: work.knows == 0,
            user,
            epoch: secrets.epoch(),
            resume: secrets.resume(proof),
            silence,
        };
        let mut owed = |owes: &mut bool, notice: Notice<'_>| {
            if *owes && batch.push(&notice) {
                *owes = false;
            }
            (!*owes).then_some(())
        };
        owed(&mut work.owes.welcome, welcome)?;
        owed(&mut work.owes.place, Notice::Waiting { place: work.place })?;
        owed(&mut work.owes.pong, Notice::Pong)?;
        owed(&mut work.owes.ping, Notice::Ping)?;
        if let Some(tag) = work.done {
            batch.push(&Notice::Done { tag }).then_some(())?;
            work.done = None;
        }
        Self::compose_reply(work, batch)
    }

    fn compose_reply(work: &mut Work, batch: &mut Batch<'_>) -> Option<()> {
        let notice = match work.reply {
            None => return Some(()),
            Some(Reply::Failed { tag, code }) => Notice::Failed { tag, code },
            Some(Reply::Unsupported { kind }) => Notice::Unsupported { kind },
            Some(Reply::Command { tag, address, port }) => Notice::Go {
                tag,
                transfer: NONE,
                way: Way::Command,
                token: [0; 16],
                introduction: None,
                address,
                tcp: port,
                rdt: 0,
            },
        };
        batch.push(&notice).then_some(())?;
        work.reply = None;
        Some(())
    }

    /// What a session is to be told of one of its transfers. `false`: there is no room left.
    fn compose_transfer(&self, number: u32, entry: u32, batch: &mut Batch<'_>) -> bool {
        let (place, side) = (entry >> 1, side_of_entry(entry));
        let Some(transfer) = self.transfers.get(place) else { return true };
        let party = transfer.party(side);
        let (id, tag) = (transfer.id(place), transfer.tag);
        let address = |side| self.address(transfer.party(side).link);
        let token = self.directory.secrets.token(transfer.proof);
        let introduction = self.introduction(number, transfer.party(side.other()).link, transfer.proof);
        match (party.tell, side) {
            (Tell::Nothing, _) => true,
            (Tell::End(code), Side::Requester) if !party.knows => batch.push(&Notice::Failed { tag, code }),
            (Tell::End(code), _) => batch.push(&Notice::Ended { transfer: id, code }),
            (Tell::Begin, Side::Requester) => batch.push(&Notice::Go {
                tag,
                transfer: id,
                way: transfer.way,
                token,
                introduction,
                address: address(Side::Owner),
                tcp: transfer.tcp,
                rdt: transfer.rdt,
            }),
            (Tell::Begin, Side::Owner) => {
                let (mut user, mut name) = ([0; USER_MAX], [0; TEXT_MAX]);
                let requester = self
                    .links
                    .get(transfer.requester.link)
                    .and_then(|link| self.directory.users.get(link.user))
                    .and_then(|requester| self.directory.texts.copy(requester.name, &mut user))
                    .and_then(|user| Text::new(user).ok());
                let file =
                    self.directory.files.get(transfer.file).filter(|file| file.birth == transfer.birth);
                let file = file
                    .and_then(|file| self.directory.texts.copy(file.name, &mut name))
                    .and_then(|name| Text::new(name).ok());
                // Both are there: it has just been checked.
                let (Some(user), Some(name)) = (requester, file) else { return true };
                let (way, address) = (transfer.way, address(Side::Requester));
                batch.push(&Notice::Ask { transfer: id, way, token, introduction, address, user, name })
            }
        }
    }

    /// What one side needs to know the other, where both have keys.
    fn introduction(&self, me: u32, other: u32, proof: u64) -> Option<Introduction> {
        self.links.get(me)?.key?;
        let key = self.links.get(other)?.key?;
        Some(Introduction { secret: self.directory.secrets.introduction(proof), key })
    }
}
