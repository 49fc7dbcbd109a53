//! The lists that commands ask for, as much at a time as there is room for.

use super::{
    Step, Tracker,
    command::{Listed, Listing},
    directory::Presence,
    link::State,
    profile::Profile,
};
use crate::wire::{TEXT_MAX, command::Strings};

impl<P: Profile> Tracker<P> {
    /// Writes more of a list. The number of entries is promised first: when so many are not there any more by the
    /// time, the stream is aborted, which says that the list is not whole.
    pub(super) fn step_listing(&mut self, number: u32, room: &mut [u8]) -> Option<Step> {
        let link = self.links.get(number)?;
        let (stream, mut list) = (link.stream, link.command()?.list);
        let mut out = Strings::new(room);
        if !list.has_begun {
            list.has_begun = true;
            self.listed();
            out.raw(&[0]);
            out.number(list.left.into());
        }
        let is_whole = match list.what {
            Listed::Users(_) => self.list_users(&mut list, &mut out),
            Listed::Files { .. } => self.list_files(&mut list, &mut out),
        };
        let length = out.length()?;
        let link = self.links.get_mut(number)?;
        if list.left == 0 {
            link.state = State::Finish { is_relay: false };
        } else if !is_whole {
            link.state = State::Abort;
        }
        link.in_flight = length > 0;
        link.command_mut()?.list = list;
        self.links.set_deadline(number, Some(self.now + self.settings.close_timeout));
        if list.left == 0 || !is_whole {
            self.links.give_turn(number);
        }
        (length > 0).then_some(Step::Write { stream, length })
    }

    /// `false`: there are no more, and they are fewer than were promised.
    fn list_users(&self, list: &mut Listing, out: &mut Strings<'_>) -> bool {
        let Listed::Users(first) = list.what else { return false };
        for user in first..self.directory.users.reach() {
            if list.left == 0 {
                return true;
            }
            let Some(found) = self.directory.users.get(user).filter(|user| user.presence != Presence::Away)
            else {
                continue;
            };
            let before = out.length().unwrap_or_default();
            let mut name = [0; TEXT_MAX];
            out.string(self.directory.texts.copy(found.name, &mut name).unwrap_or_default());
            out.address(found.address);
            out.number(found.port.into());
            if out.length().is_none() {
                out.back_to(before);
                list.what = Listed::Users(user);
                return true;
            }
            list.left = list.left.saturating_sub(1);
        }
        list.left == 0
    }

    fn list_files(&self, list: &mut Listing, out: &mut Strings<'_>) -> bool {
        let Listed::Files { owner, born, mut after } = list.what else { return false };
        if self.directory.users.get(owner).is_none_or(|owner| owner.born != born) {
            return list.left == 0;
        }
        for file in self.directory.files_of(owner, after) {
            if list.left == 0 {
                return true;
            }
            let before = out.length().unwrap_or_default();
            let mut name = [0; TEXT_MAX];
            out.string(self.directory.texts.copy(file.name, &mut name).unwrap_or_default());
            if out.length().is_none() {
                out.back_to(before);
                list.what = Listed::Files { owner, born, after };
                return true;
            }
            after = file.birth;
            list.left = list.left.saturating_sub(1);
        }
        list.left == 0
    }
}
