//! Who is there and what they share: one list, whoever asks and however.
//!
//! A user has a place while it is there or registered; a file has one while its owner has. Everything that others
//! can see happen has a number. A user that comes back brings back all the files it has left: each is a change.

use super::{
    changes::{Changes, What},
    profile::Profile,
    secrets::Secrets,
    versioned_slab::VersionedSlab,
};
use crate::{
    index::Index,
    texts::{Stored, Texts},
    wire::session::FileInfo,
};
use core::net::{IpAddr, Ipv4Addr};

const NONE: u32 = u32::MAX;

/// A user. Opaque: it is public so that its memory can be named.
#[derive(Debug)]
pub struct User {
    pub(super) name: Stored,
    pub(super) standing: Standing,
    pub(super) presence: Presence,
    /// Where it is, as the tracker sees it.
    pub(super) address: IpAddr,
    /// Where it serves `GET_FILE`, as it says; 0 for nowhere.
    pub(super) port: u16,
    first: u32,
    last: u32,
    /// How many files it has.
    pub(super) files: u32,
    /// Tells it from others that had the same number.
    pub(super) born: u64,
}

/// Whether a user is registered, and what storage is asked about that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It goes when it leaves.
    Guest,
    /// The application is asked to store it.
    Registering,
    Registered,
    /// The application is asked to forget it.
    Unregistering,
}

/// How a user is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Away,
    /// By command: until it says otherwise.
    Command,
    /// By the session on the link with this number.
    Session(u32),
}

/// A file. Opaque: it is public so that its memory can be named.
#[derive(Debug)]
pub struct File {
    pub(super) name: Stored,
    pub(super) info: FileInfo,
    pub(super) state: FileState,
    /// It was published by command, and stays when its owner leaves.
    pub(super) is_kept: bool,
    /// Grows along the owner's files.
    pub(super) birth: u64,
    before: u32,
    after: u32,
}

/// Whether a file is in the list, and what storage is asked about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileState {
    Settled,
    /// The application is asked to store it; nobody sees it before.
    Coming,
    /// The application is asked to forget it.
    Going,
}

/// The users and the files of a tracker.
#[derive(Debug)]
pub struct Directory<P: Profile> {
    pub(super) users: VersionedSlab<User, P::Users>,
    pub(super) files: VersionedSlab<File, P::Files>,
    user_index: Index<P::Index>,
    file_index: Index<P::Index>,
    pub(super) texts: Texts<P::Texts>,
    pub(super) changes: Changes<P::Changes>,
    pub(super) secrets: Secrets,
    births: u64,
    /// How many users are there.
    pub(super) online: u32,
    /// How many are registered, or about to be.
    pub(super) registered: u32,
}

impl<P: Profile> Directory<P> {
    /// An empty one in empty memories. `seed` must be random and secret, and another one at every start: tokens are
    /// made from it.
    pub const fn new(
        seed: [u8; 32],
        users: P::Users,
        files: P::Files,
        user_index: P::Index,
        file_index: P::Index,
        texts: P::Texts,
        changes: P::Changes,
    ) -> Self {
        Self {
            users: VersionedSlab::new(users),
            files: VersionedSlab::new(files),
            user_index: Index::new(user_index),
            file_index: Index::new(file_index),
            texts: Texts::new(texts),
            changes: Changes::new(changes),
            secrets: Secrets::new(seed),
            births: 0,
            online: 0,
            registered: 0,
        }
    }

    /// The user of this name, there or not.
    pub(super) fn user_named(&self, name: &[u8]) -> Option<u32> {
        let hash = self.secrets.name(NONE, name);
        self.user_index
            .find(hash, |user| self.users.get(user).is_some_and(|user| self.texts.is(user.name, name)))
    }

    /// The link of the session that is there by this name.
    pub(super) fn session_named(&self, name: &[u8]) -> Option<u32> {
        match self.users.get(self.user_named(name)?)?.presence {
            Presence::Session(link) => Some(link),
            Presence::Away | Presence::Command => None,
        }
    }

    /// A user's file of this name.
    pub(super) fn file_named(&self, owner: u32, name: &[u8]) -> Option<u32> {
        let hash = self.secrets.name(owner, name);
        self.file_index.find(hash, |file| {
            self.files.place(file).is_some_and(|place| {
                place.owner == owner && place.value().is_some_and(|file| self.texts.is(file.name, name))
            })
        })
    }

    /// Whether a user is there.
    pub(super) fn is_there(&self, user: u32) -> bool {
        self.users.get(user).is_some_and(|user| user.presence != Presence::Away)
    }

    /// Whether storage is asked whether there is such an account from now on: nobody can come by its name meanwhile.
    pub(super) fn is_unsettled(&self, user: u32) -> bool {
        self.users
            .get(user)
            .is_some_and(|user| matches!(user.standing, Standing::Registering | Standing::Unregistering))
    }

    /// Whether others see a file.
    pub(super) fn is_shared(&self, file: u32) -> bool {
        let owner = self.files.place(file).map_or(NONE, |place| place.owner);
        self.files.get(file).is_some_and(|file| file.state != FileState::Coming) && self.is_there(owner)
    }

    /// A new user, who is not there yet and is seen by nobody. `None`: there is no room.
    pub(super) fn add_user(&mut self, name: &[u8], standing: Standing) -> Option<u32> {
        let hash = self.secrets.name(NONE, name);
        let name = self.texts.store(name)?;
        self.births = self.births.saturating_add(1);
        let user = User {
            name,
            standing,
            presence: Presence::Away,
            address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            port: 0,
            first: NONE,
            last: NONE,
            files: 0,
            born: self.births,
        };
        let Some(number) = self.users.insert(user, None) else {
            self.texts.free(name);
            return None;
        };
        if standing != Standing::Guest {
            self.registered = self.registered.saturating_add(1);
        }
        if self.user_index.insert(hash, number) {
            return Some(number);
        }
        self.remove_user(number);
        None
    }

    /// Forgets a user and all its files. It must not be there.
    pub(super) fn remove_user(&mut self, number: u32) {
        while let Some(file) = self.users.get(number).map(|user| user.first).filter(|&file| file != NONE) {
            self.remove_file(file);
        }
        let Some(user) = self.users.remove(number) else { return };
        if user.standing != Standing::Guest {
            self.registered = self.registered.saturating_sub(1);
        }
        self.user_index.remove(number);
        self.texts.free(user.name);
    }

    /// A user is there: everybody sees it, and all its files.
    pub(super) fn come(&mut self, number: u32, presence: Presence, address: IpAddr, port: u16) {
        let Some(user) = self.users.get_mut(number) else { return };
        user.presence = presence;
        user.address = address;
        user.port = port;
        let mut file = user.first;
        self.online = self.online.saturating_add(1);
        let version = self.changes.push(What::User(number));
        if let Some(place) = self.users.place_mut(number) {
            place.version = version;
        }
        while let Some(found) = self.files.get(file) {
            let (after, is_seen) = (found.after, found.state != FileState::Coming);
            if is_seen {
                self.announce(file);
            }
            file = after;
        }
    }

    /// A user is not there any more. Who is not registered is forgotten; who is keeps what it published by command.
    pub(super) fn leave(&mut self, number: u32) {
        let Some(user) = self.users.get_mut(number).filter(|user| user.presence != Presence::Away) else {
            return;
        };
        user.presence = Presence::Away;
        let (mut file, is_guest) = (user.first, user.standing == Standing::Guest);
        self.online = self.online.saturating_sub(1);
        let version = self.changes.push(What::User(number));
        if let Some(place) = self.users.place_mut(number) {
            place.version = version;
        }
        if is_guest {
            self.remove_user(number);
            return;
        }
        while let Some(found) = self.files.get(file) {
            let (after, is_kept) = (found.after, found.is_kept);
            if !is_kept {
                self.remove_file(file);
            }
            file = after;
        }
    }

    /// A new file, which nobody sees before it is announced. `None`: there is no room.
    pub(super) fn add_file(&mut self, owner: u32, name: &[u8], info: FileInfo, is_kept: bool) -> Option<u32> {
        let hash = self.secrets.name(owner, name);
        let last = self.users.get(owner)?.last;
        if self.texts.is_scarce() {
            // However many files are shared, who comes can still be given a name, and be heard.
            return None;
        }
        let name = self.texts.store(name)?;
        self.births = self.births.saturating_add(1);
        let state = FileState::Coming;
        let file = File { name, info, state, is_kept, birth: self.births, before: last, after: NONE };
        let Some(number) = self.files.insert(file, Some(owner)) else {
            self.texts.free(name);
            return None;
        };
        if let Some(last) = self.files.get_mut(last) {
            last.after = number;
        }
        if let Some(user) = self.users.get_mut(owner) {
            user.last = number;
            if user.first == NONE {
                user.first = number;
            }
            user.files = user.files.saturating_add(1);
        }
        if self.file_index.insert(hash, number) {
            return Some(number);
        }
        self.remove_file(number);
        None
    }

    /// Everybody sees a file, new or as it is now; when its owner is there.
    pub(super) fn announce(&mut self, number: u32) {
        let Some(file) = self.files.get_mut(number) else { return };
        file.state = FileState::Settled;
        if self.is_shared(number) {
            self.touch(number);
        }
    }

    /// A file is shared no longer, and everybody sees that.
    pub(super) fn withdraw(&mut self, number: u32) {
        if self.is_shared(number) {
            self.touch(number);
        }
        self.remove_file(number);
    }

    /// Forgets a file. Who has seen it must be told otherwise.
    pub(super) fn remove_file(&mut self, number: u32) {
        let owner = self.files.place(number).map_or(NONE, |place| place.owner);
        let Some(file) = self.files.remove(number) else { return };
        match self.files.get_mut(file.before) {
            Some(before) => before.after = file.after,
            None => {
                if let Some(user) = self.users.get_mut(owner) {
                    user.first = file.after;
                }
            }
        }
        match self.files.get_mut(file.after) {
            Some(after) => after.before = file.before,
            None => {
                if let Some(user) = self.users.get_mut(owner) {
                    user.last = file.before;
                }
            }
        }
        if let Some(user) = self.users.get_mut(owner) {
            user.files = user.files.saturating_sub(1);
        }
        self.file_index.remove(number);
        self.texts.free(file.name);
    }

    /// A user's files, the oldest first, from the first that is younger than `birth`.
    pub(super) fn files_of(&self, owner: u32, birth: u64) -> impl Iterator<Item = &File> {
        let mut next = self.users.get(owner).map_or(NONE, |user| user.first);
        let all = core::iter::from_fn(move || {
            let file = self.files.get(next)?;
            next = file.after;
            Some(file)
        });
        all.filter(move |file| file.birth > birth && file.state != FileState::Coming)
    }

    fn touch(&mut self, number: u32) {
        let version = self.changes.push(What::File(number));
        if let Some(place) = self.files.place_mut(number) {
            place.version = version;
        }
    }
}
