//! Two log-ins of one name and one key: does the first one still live?
//!
//! Whoever was killed, or has lost his network, is there until the tracker notices, and comes again before it does. So
//! the one who is there is asked, and the one who comes waits for the answer. Nobody with another key, or with none,
//! gets that far.

use super::{
    Tracker,
    link::{Link, State},
    profile::Profile,
};
use crate::{
    time,
    wire::session::{Code, USER_MAX},
};

/// How often it is looked for the answer, in the time that there is for it.
const LOOKS: u64 = 8;

impl<P: Profile> Tracker<P> {
    /// Somebody finds his name in use. `true`: by his own key, and who is there is asked.
    pub(super) fn begin_doubt(&mut self, number: u32) -> bool {
        let Some(first) = self.first_of(number) else { return false };
        let now = self.now;
        self.leave_seat(number);
        let Some(link) = self.links.get_mut(number) else { return false };
        link.state = State::InDoubt;
        link.wrote = now;
        self.ask_first(first, number);
        self.fill_seats();
        true
    }

    /// It is time to look whether the first one has answered.
    pub(super) fn look_for_answer(&mut self, number: u32) {
        let heard = |link: u32| Some(self.links.get(link)?.heard);
        let first = self.first_of(number).and_then(|first| Some((first, heard(first)?)));
        let outcome = match (first, self.links.get(number)) {
            (_, None) => return,
            (Some((_, heard)), Some(second)) if heard > second.wrote => Err(Code::NameInUse),
            (Some((first, _)), Some(second)) if second.wrote + self.settings.doubt > self.now => {
                return self.ask_first(first, number);
            }
            (Some((first, _)), Some(_)) => self.replace(first, number),
            // It has gone meanwhile.
            (None, Some(_)) => self.let_in(number),
        };
        if let Err(code) = outcome {
            self.refuse_login(number, code);
        }
    }

    /// The second one comes in as if it had resumed the first one's session.
    fn replace(&mut self, first: u32, number: u32) -> Result<(), Code> {
        let proof = self.links.get(first).map_or(0, |link| link.proof);
        self.links.get_mut(number).ok_or(Code::Gone)?.proof = proof;
        self.let_in(number)
    }

    fn ask_first(&mut self, first: u32, number: u32) {
        if let Some(work) = self.links.get_mut(first).and_then(Link::begin) {
            work.owes.ping = true;
        }
        self.links.give_turn(first);
        let pause = time::micros(self.settings.doubt) / LOOKS;
        self.links.set_deadline(number, Some(self.now.plus_micros(pause)));
    }

    /// The session that has the name by which a stream wants to log in, if it has its key, too.
    fn first_of(&self, number: u32) -> Option<u32> {
        let link = self.links.get(number)?;
        let mut name = [0; USER_MAX];
        let name = self.directory.texts.copy(link.work()?.name, &mut name)?;
        let first = self.directory.session_named(name)?;
        let is_own = link.key.is_some() && self.links.get(first)?.key == link.key;
        is_own.then_some(first)
    }
}
