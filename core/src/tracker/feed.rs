//! How far a session has been told the list: a place in the sequence of changes.
//!
//! ```text
//!   told ──────► pass: every place that changed in (told, target] ──► Upto target ──► told = target
//!     ▲                                                                                  │
//!     └── behind the ring ◄── ring: each change after `told` that is its entry's last ◄──┘
//! ```
//!
//! A pass looks at every place once, users before files, and tells what changed up to the moment at which it
//! began; what changes while it is under way comes after it. So nothing is told twice, and nothing is missed; and
//! who is too slow for the ring begins another pass, never the whole list again. A fresh list is a pass from 0.

use super::{
    changes::What,
    directory::{Directory, Presence},
    profile::Profile,
};
use crate::wire::session::{Notice, UPTO_LENGTH, emit_came, emit_shared};

/// The most places that are looked at for one message: other sessions wait for so long.
const LOOKS_MAX: u32 = 4_096;
/// A pass that has gone through the users is among the files.
const AMONG_FILES: u32 = 1 << 31;

/// A session's place in the sequence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Feed {
    /// All changes up to this one have been told.
    told: u64,
    /// Up to which change the pass under way tells; `told` when there is none.
    target: u64,
    /// The next place of the pass.
    next: u32,
    mode: Mode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// The client wants no list.
    Off,
    Ring,
    Pass,
    /// A pass for a client that knows nothing: of what is not there it need not be told.
    Fresh,
}

/// What became of an entry.
enum Told {
    /// It is told, in so many bytes.
    Bytes(usize),
    /// There is nothing to tell of it.
    Nothing,
    /// There is no room.
    NoRoom,
}

impl Feed {
    /// For a client that wants no list.
    pub(super) const OFF: Self = Self { told: u64::MAX, target: u64::MAX, next: 0, mode: Mode::Off };

    /// For a client that knows the list up to change `told`; 0 for one that knows nothing.
    pub(super) const fn new(told: u64, newest: u64) -> Self {
        let mode = if told == 0 { Mode::Fresh } else { Mode::Pass };
        Self { told, target: newest, next: 0, mode }
    }

    /// Whether there is more to tell, given the newest change that is to be told.
    pub(super) const fn is_behind(&self, newest: u64) -> bool {
        match self.mode {
            Mode::Off => false,
            Mode::Ring => self.told < newest,
            Mode::Pass | Mode::Fresh => true,
        }
    }

    /// Writes what comes next to the beginning of `out`, and says how many bytes that took. Nothing, although the
    /// session is behind: it looked at many places where there was nothing to tell, and wants another turn.
    pub(super) fn write<P: Profile>(&mut self, directory: &Directory<P>, me: u32, out: &mut [u8]) -> usize {
        let Some(last) = out.len().checked_sub(UPTO_LENGTH) else { return 0 };
        let Some(room) = out.get_mut(..last) else { return 0 };
        if self.mode == Mode::Ring && !directory.changes.reaches(self.told) {
            *self = Self { target: directory.changes.last(), next: 0, mode: Mode::Pass, ..*self };
        }
        let (used, tells) = match self.mode {
            Mode::Off => return 0,
            // A resumed session that is within the ring needs no pass.
            Mode::Pass if self.next == 0 && directory.changes.reaches(self.told) => {
                self.mode = Mode::Ring;
                let (used, _) = self.follow(directory, me, room);
                (used, true)
            }
            Mode::Ring => {
                let (used, told) = self.follow(directory, me, room);
                (used, told)
            }
            Mode::Pass | Mode::Fresh => self.pass(directory, me, room),
        };
        if !tells {
            return used;
        }
        let upto = Notice::Upto { number: self.told };
        let upto = out.get_mut(used..).and_then(|rest| upto.emit(rest)).unwrap_or_default();
        used.saturating_add(upto)
    }

    /// Tells from the ring. Whether anything was told.
    fn follow<P: Profile>(&mut self, directory: &Directory<P>, me: u32, room: &mut [u8]) -> (usize, bool) {
        let mut used = 0_usize;
        for _ in 0..LOOKS_MAX {
            if self.told >= directory.changes.last() {
                break;
            }
            let number = self.told.saturating_add(1);
            let what = directory.changes.get(number);
            let rest = room.get_mut(used..).unwrap_or_default();
            let told =
                what.map_or(Told::Nothing, |what| tell(directory, me, what, rest, |at| at == number, true));
            match told {
                Told::Bytes(bytes) => used = used.saturating_add(bytes),
                Told::Nothing => {}
                Told::NoRoom => break,
            }
            self.told = number;
        }
        (used, used > 0)
    }

    /// Tells from a look at every place. Whether the pass has ended.
    fn pass<P: Profile>(&mut self, directory: &Directory<P>, me: u32, room: &mut [u8]) -> (usize, bool) {
        let mut used = 0_usize;
        let removals = self.mode == Mode::Pass;
        let (told, target) = (self.told, self.target);
        for _ in 0..LOOKS_MAX {
            let among_files = self.next & AMONG_FILES != 0;
            let place = self.next & !AMONG_FILES;
            if !among_files && place >= directory.users.reach() {
                self.next = AMONG_FILES;
                continue;
            }
            if among_files && place >= directory.files.reach() {
                *self = Self { told: target, next: 0, mode: Mode::Ring, ..*self };
                return (used, true);
            }
            let what = if among_files { What::File(place) } else { What::User(place) };
            let rest = room.get_mut(used..).unwrap_or_default();
            match tell(directory, me, what, rest, |at| at > told && at <= target, removals) {
                Told::Bytes(bytes) => used = used.saturating_add(bytes),
                Told::Nothing => {}
                Told::NoRoom => break,
            }
            self.next = self.next.saturating_add(1);
        }
        (used, false)
    }
}

/// Tells of one entry as it is now, if the change that made it so is one that is to be told.
fn tell<P: Profile>(
    directory: &Directory<P>,
    me: u32,
    what: What,
    out: &mut [u8],
    is_due: impl Fn(u64) -> bool,
    removals: bool,
) -> Told {
    let bytes = match what {
        What::User(number) => {
            let Some(place) = directory.users.place(number) else { return Told::Nothing };
            let user = place.value().filter(|user| user.presence != Presence::Away && number != me);
            // To itself a user looks like an empty place.
            if !is_due(if number == me { place.freed } else { place.version }) {
                return Told::Nothing;
            }
            match user {
                Some(user) => {
                    let by_command = user.presence == Presence::Command;
                    emit_came(out, number, by_command, user.name.len(), directory.texts.pieces(user.name))
                }
                None if removals => Notice::Left { user: number }.emit(out),
                None => return Told::Nothing,
            }
        }
        What::File(number) => {
            let Some(place) = directory.files.place(number) else { return Told::Nothing };
            let is_mine = place.owner == me;
            let file = place.value().filter(|_| !is_mine && directory.is_shared(number));
            if !is_due(if is_mine { place.freed } else { place.version }) {
                return Told::Nothing;
            }
            match file {
                Some(file) => {
                    let name = directory.texts.pieces(file.name);
                    emit_shared(out, number, place.owner, &file.info, file.name.len(), name)
                }
                None if removals => Notice::Unshared { file: number }.emit(out),
                None => return Told::Nothing,
            }
        }
    };
    bytes.map_or(Told::NoRoom, Told::Bytes)
}
