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

/// A session's place in the sequence: all changes up to this one have been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Feed(u64);

/// A pass that is under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    /// Up to which change it tells.
    target: u64,
    /// The next place.
    next: u32,
    /// The client knows nothing: of what is not there it need not be told.
    is_fresh: bool,
}

/// What became of an entry.
enum Emitted {
    /// It is told, in so many bytes.
    Bytes(usize),
    /// There is nothing to tell of it.
    Nothing,
    /// There is no room.
    NoRoom,
}

impl Feed {
    /// For a client that wants no list.
    pub(super) const OFF: Self = Self(u64::MAX);

    /// For a client that knows the list up to this change; 0 for one that knows nothing.
    pub(super) const fn new(told: u64) -> Self {
        Self(told)
    }

    /// Whether there is more to tell, given the newest change that is to be told.
    pub(super) const fn is_behind(self, newest: u64) -> bool {
        self.0 < newest
    }

    /// Tells from the ring; how many bytes that took.
    fn follow<P: Profile>(&mut self, directory: &Directory<P>, me: u32, room: &mut [u8]) -> usize {
        let mut used = 0_usize;
        for _ in 0..LOOKS_MAX {
            if self.0 >= directory.changes.last() {
                break;
            }
            let number = self.0.saturating_add(1);
            let what = directory.changes.get(number);
            let rest = room.get_mut(used..).unwrap_or_default();
            let told = what
                .map_or(Emitted::Nothing, |what| tell(directory, me, what, rest, |at| at == number, true));
            match told {
                Emitted::Bytes(bytes) => used = used.saturating_add(bytes),
                Emitted::Nothing => {}
                Emitted::NoRoom => break,
            }
            self.0 = number;
        }
        used
    }
}

impl Pass {
    /// The first of a session, which knows the list up to change `told`.
    pub(super) const fn first(told: u64, newest: u64) -> Self {
        Self { target: newest, next: 0, is_fresh: told == 0 }
    }

    /// Tells from a look at every place, behind the changes that were `told`. Whether it has ended.
    fn go_on<P: Profile>(
        &mut self,
        directory: &Directory<P>,
        told: u64,
        me: u32,
        room: &mut [u8],
    ) -> (usize, bool) {
        let mut used = 0_usize;
        let (removals, target) = (!self.is_fresh, self.target);
        for _ in 0..LOOKS_MAX {
            let among_files = self.next & AMONG_FILES != 0;
            let place = self.next & !AMONG_FILES;
            if !among_files && place >= directory.users.reach() {
                self.next = AMONG_FILES;
                continue;
            }
            if among_files && place >= directory.files.reach() {
                return (used, true);
            }
            let what = if among_files { What::File(place) } else { What::User(place) };
            let rest = room.get_mut(used..).unwrap_or_default();
            match tell(directory, me, what, rest, |at| at > told && at <= target, removals) {
                Emitted::Bytes(bytes) => used = used.saturating_add(bytes),
                Emitted::Nothing => {}
                Emitted::NoRoom => break,
            }
            self.next = self.next.saturating_add(1);
        }
        (used, false)
    }
}

/// Writes what comes next of the list to the beginning of `out`: how many bytes that took, and what is left of the pass
/// that was under way, or had to begin. Nothing, although the session is behind: it looked at many places where there was
/// nothing to tell, and wants another turn.
pub(super) fn write<P: Profile>(
    feed: &mut Feed,
    begun: Option<Pass>,
    directory: &Directory<P>,
    me: u32,
    out: &mut [u8],
) -> (usize, Option<Pass>) {
    let room = out.len().checked_sub(UPTO_LENGTH).and_then(|last| out.get_mut(..last));
    let Some(room) = room else { return (0, begun) };
    // One that has not begun is not needed by a resumed session that is within the ring.
    let goes_on = begun.is_some_and(|pass| pass.is_fresh || pass.next > 0);
    let (used, tells, left) = if goes_on || !directory.changes.reaches(feed.0) {
        let mut pass = begun.unwrap_or(Pass { target: directory.changes.last(), next: 0, is_fresh: false });
        let (used, is_over) = pass.go_on(directory, feed.0, me, room);
        if is_over {
            *feed = Feed(pass.target);
        }
        (used, is_over, (!is_over).then_some(pass))
    } else {
        let used = feed.follow(directory, me, room);
        (used, used > 0 || begun.is_some(), None)
    };
    if !tells {
        return (used, left);
    }
    let upto = Notice::Upto { number: feed.0 };
    let upto = out.get_mut(used..).and_then(|rest| upto.emit(rest)).unwrap_or_default();
    (used.saturating_add(upto), left)
}

/// Tells of one entry as it is now, if the change that made it so is one that is to be told.
fn tell<P: Profile>(
    directory: &Directory<P>,
    me: u32,
    what: What,
    out: &mut [u8],
    is_due: impl Fn(u64) -> bool,
    removals: bool,
) -> Emitted {
    let bytes = match what {
        What::User(number) => {
            let Some(place) = directory.users.place(number) else { return Emitted::Nothing };
            let user = place.value().filter(|user| user.presence != Presence::Away && number != me);
            // To itself a user looks like an empty place.
            if !is_due(if number == me { place.freed } else { place.version }) {
                return Emitted::Nothing;
            }
            match user {
                Some(user) => {
                    let by_command = user.presence == Presence::Command;
                    emit_came(out, number, by_command, user.name.len(), directory.texts.pieces(user.name))
                }
                None if removals => Notice::Left { user: number }.emit(out),
                None => return Emitted::Nothing,
            }
        }
        What::File(number) => {
            let Some(place) = directory.files.place(number) else { return Emitted::Nothing };
            let is_mine = place.owner == me;
            let file = place.value().filter(|_| !is_mine && directory.is_shared(number));
            if !is_due(if is_mine { place.freed } else { place.version }) {
                return Emitted::Nothing;
            }
            match file {
                Some(file) => {
                    let name = directory.texts.pieces(file.name);
                    emit_shared(out, number, place.owner, &file.info, file.name.len(), name)
                }
                None if removals => Notice::Unshared { file: number }.emit(out),
                None => return Emitted::Nothing,
            }
        }
    };
    bytes.map_or(Emitted::NoRoom, Emitted::Bytes)
}
