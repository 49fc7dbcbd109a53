//! The mirror of the tracker's list, and the news of it that the application has not been told yet.
//!
//! An entry that is gone keeps its place until the application has been told, so that its name can be shown. News
//! of an entry that has gone altogether meanwhile is not told at all.

use super::{
    event::{EntryId, Event, FetchId, UserId},
    profile::Profile,
};
use crate::{
    index::{Index, hash_bytes},
    table::Table,
    texts::{Stored, Texts},
    wire::{Text, session::FileInfo},
};
use heapless::Deque;

const NONE: u32 = u32::MAX;
/// The most events that wait to be taken; more of the list is read when they have been.
pub const NEWS_MAX: usize = 16;
/// The most events that one message makes: who had the number has left, who had the name has, and somebody came.
const NEWS_A_MESSAGE: usize = 3;

/// A user in the mirror. Opaque: it is public so that its memory can be named.
#[derive(Debug)]
pub struct User {
    pub(super) name: Stored,
    /// The tracker's number of it.
    number: u32,
    pub(super) by_command: bool,
    first: u32,
    birth: u32,
    is_gone: bool,
}

/// A file in the mirror. Opaque: it is public so that its memory can be named.
#[derive(Debug)]
pub struct File {
    pub(super) name: Stored,
    number: u32,
    pub(super) user: u32,
    pub(super) info: FileInfo,
    before: u32,
    after: u32,
    birth: u32,
    is_gone: bool,
}

/// An event, and the birth of what it is about.
#[derive(Clone, Copy, Debug)]
struct News {
    event: Event,
    birth: u32,
}

/// The others, as the tracker has told of them.
#[derive(Debug)]
pub struct Mirror<P: Profile> {
    users: Table<User, P::Users>,
    files: Table<File, P::Files>,
    user_index: Index<P::Index>,
    file_index: Index<P::Index>,
    /// By name, and by user and name: the tracker's list has no name twice, so one that is told under another number
    /// has lost its old one, whether that was told already or not.
    user_names: Index<P::Index>,
    file_names: Index<P::Index>,
    pub(super) texts: Texts<P::Texts>,
    news: Deque<News, NEWS_MAX>,
    births: u32,
    /// What the application was told last, and now is to go.
    last: Option<Event>,
    /// Entries for which there was no room.
    missed: u64,
}

impl<P: Profile> Mirror<P> {
    /// An empty one in empty memories. The first two of the indices are for users, the others for files.
    pub const fn new(
        users: P::Users,
        files: P::Files,
        user_index: P::Index,
        user_names: P::Index,
        file_index: P::Index,
        file_names: P::Index,
        texts: P::Texts,
    ) -> Self {
        Self {
            users: Table::new(users),
            files: Table::new(files),
            user_index: Index::new(user_index),
            file_index: Index::new(file_index),
            user_names: Index::new(user_names),
            file_names: Index::new(file_names),
            texts: Texts::new(texts),
            news: Deque::new(),
            births: 0,
            last: None,
            missed: 0,
        }
    }

    pub(super) const fn missed(&self) -> u64 {
        self.missed
    }

    pub(super) fn user(&self, user: UserId) -> Option<&User> {
        self.users.get(user.0)
    }

    pub(super) fn file(&self, file: EntryId) -> Option<&File> {
        self.files.get(file.0)
    }

    pub(super) fn users(&self) -> impl Iterator<Item = UserId> + '_ {
        self.users
            .numbers()
            .filter(|&user| self.users.get(user).is_some_and(|user| !user.is_gone))
            .map(UserId)
    }

    pub(super) fn files(&self) -> impl Iterator<Item = EntryId> + '_ {
        self.files
            .numbers()
            .filter(|&file| self.files.get(file).is_some_and(|file| !file.is_gone))
            .map(EntryId)
    }

    /// Whether there is room for the news of one more message.
    pub(super) fn has_room(&self) -> bool {
        self.news.len() + NEWS_A_MESSAGE <= NEWS_MAX
    }

    /// The next thing to be told. What the last one was about is let go.
    pub(super) fn next(&mut self) -> Option<Event> {
        match self.last.take() {
            Some(Event::Left(UserId(user))) => self.forget_user(user),
            Some(Event::Unshared(EntryId(file))) => self.forget_file(file),
            _ => {}
        }
        loop {
            let News { event, birth } = self.news.pop_front()?;
            let is_there = match event {
                Event::Came(UserId(user)) | Event::Left(UserId(user)) => {
                    self.users.get(user).is_some_and(|user| user.birth == birth)
                }
                Event::Shared(EntryId(file)) | Event::Unshared(EntryId(file)) => {
                    self.files.get(file).is_some_and(|file| file.birth == birth)
                }
                _ => true,
            };
            if is_there {
                self.last = Some(event);
                return Some(event);
            }
        }
    }

    pub(super) fn tell(&mut self, event: Event, birth: u32) {
        // There is room: no message is read when there is none.
        let _ = self.news.push_back(News { event, birth });
    }

    /// A download is not wanted any more: what was not told of it never is, as its number may be another's by then.
    pub(super) fn forget_news_of(&mut self, fetch: FetchId) {
        for _ in 0..self.news.len() {
            let Some(news) = self.news.pop_front() else { return };
            let is_of_it = match news.event {
                Event::Go(of)
                | Event::FetchFailed { fetch: of, .. }
                | Event::FetchEnded { fetch: of, .. } => of == fetch,
                _ => false,
            };
            if !is_of_it {
                // Where one was taken there is room.
                let _ = self.news.push_back(news);
            }
        }
    }

    /// Everything is forgotten.
    pub(super) fn clear(&mut self) {
        let is_empty = self.users.count() == 0;
        for user in 0..self.users.reach() {
            if self.users.count() == 0 {
                break;
            }
            self.forget_user(user);
        }
        for file in 0..self.files.reach() {
            if self.files.count() == 0 {
                break;
            }
            self.forget_file(file);
        }
        self.last = None;
        if !is_empty {
            self.tell(Event::Cleared, 0);
        }
    }

    pub(super) fn came(&mut self, number: u32, by_command: bool, name: Text<'_>) {
        self.left(number);
        let old = self.user_names.find(hash_name(NONE, name.as_bytes()), |user| {
            self.users.get(user).is_some_and(|user| self.texts.is(user.name, name.as_bytes()))
        });
        if let Some(old) = old.and_then(|old| self.users.get(old)) {
            self.left(old.number);
        }
        let birth = self.next_birth();
        match self.add_user(number, by_command, name, birth) {
            Some(place) => self.tell(Event::Came(UserId(place)), birth),
            None => self.missed = self.missed.saturating_add(1),
        }
    }

    fn add_user(&mut self, number: u32, by_command: bool, name: Text<'_>, birth: u32) -> Option<u32> {
        let stored = self.texts.store(name.as_bytes())?;
        let user = User { name: stored, number, by_command, first: NONE, birth, is_gone: false };
        let Ok(place) = self.users.insert(user) else {
            self.texts.free(stored);
            return None;
        };
        if self.user_index.insert(hash(number), place)
            && self.user_names.insert(hash_name(NONE, name.as_bytes()), place)
        {
            return Some(place);
        }
        self.forget_user(place);
        None
    }

    pub(super) fn left(&mut self, number: u32) {
        let Some(place) = self.find_user(number) else { return };
        self.user_index.remove(place);
        self.user_names.remove(place);
        // Of its files the application is told nothing: they go with it.
        while let Some(file) = self.users.get(place).map(|user| user.first).filter(|&file| file != NONE) {
            self.forget_file(file);
        }
        let Some(user) = self.users.get_mut(place) else { return };
        user.is_gone = true;
        let birth = user.birth;
        self.tell(Event::Left(UserId(place)), birth);
    }

    pub(super) fn shared(&mut self, number: u32, user: u32, info: FileInfo, name: Text<'_>) {
        let owner = self.find_user(user);
        let named = owner.and_then(|owner| self.find_named(owner, name.as_bytes()));
        let numbered = self.find_file(number);
        if numbered != named && numbered.is_some() {
            self.unshared(number);
        }
        if let Some(place) = named {
            self.change(place, number, info);
            return;
        }
        let birth = self.next_birth();
        match owner.and_then(|owner| self.add_file(number, owner, info, name, birth)) {
            Some(place) => self.tell(Event::Shared(EntryId(place)), birth),
            None => self.missed = self.missed.saturating_add(1),
        }
    }

    /// A file that is known, perhaps by another number.
    fn change(&mut self, place: u32, number: u32, info: FileInfo) {
        let Some(file) = self.files.get_mut(place) else { return };
        let birth = file.birth;
        if core::mem::replace(&mut file.number, number) != number {
            self.file_index.remove(place);
            // It had a cell before.
            let _ = self.file_index.insert(hash(number), place);
        }
        if core::mem::replace(&mut file.info, info) != info {
            self.tell(Event::Shared(EntryId(place)), birth);
        }
    }

    fn add_file(
        &mut self,
        number: u32,
        user: u32,
        info: FileInfo,
        name: Text<'_>,
        birth: u32,
    ) -> Option<u32> {
        let stored = self.texts.store(name.as_bytes())?;
        let first = self.users.get(user).map_or(NONE, |user| user.first);
        let file =
            File { name: stored, number, user, info, before: NONE, after: first, birth, is_gone: false };
        let Ok(place) = self.files.insert(file) else {
            self.texts.free(stored);
            return None;
        };
        if let Some(first) = self.files.get_mut(first) {
            first.before = place;
        }
        if let Some(user) = self.users.get_mut(user) {
            user.first = place;
        }
        if self.file_index.insert(hash(number), place)
            && self.file_names.insert(hash_name(user, name.as_bytes()), place)
        {
            return Some(place);
        }
        self.forget_file(place);
        None
    }

    pub(super) fn unshared(&mut self, number: u32) {
        let Some(place) = self.find_file(number) else { return };
        self.file_index.remove(place);
        self.file_names.remove(place);
        let Some(file) = self.files.get_mut(place) else { return };
        file.is_gone = true;
        let birth = file.birth;
        self.tell(Event::Unshared(EntryId(place)), birth);
    }

    fn find_user(&self, number: u32) -> Option<u32> {
        self.user_index
            .find(hash(number), |user| self.users.get(user).is_some_and(|user| user.number == number))
    }

    fn find_file(&self, number: u32) -> Option<u32> {
        self.file_index
            .find(hash(number), |file| self.files.get(file).is_some_and(|file| file.number == number))
    }

    pub(super) fn find(&self, owner: Text<'_>, name: Text<'_>) -> Option<EntryId> {
        let owner = self.user_names.find(hash_name(NONE, owner.as_bytes()), |user| {
            self.users.get(user).is_some_and(|user| self.texts.is(user.name, owner.as_bytes()))
        })?;
        self.find_named(owner, name.as_bytes()).map(EntryId)
    }

    /// A user's file of this name.
    fn find_named(&self, user: u32, name: &[u8]) -> Option<u32> {
        self.file_names.find(hash_name(user, name), |file| {
            self.files.get(file).is_some_and(|file| file.user == user && self.texts.is(file.name, name))
        })
    }

    fn forget_user(&mut self, place: u32) {
        self.user_index.remove(place);
        self.user_names.remove(place);
        while let Some(file) = self.users.get(place).map(|user| user.first).filter(|&file| file != NONE) {
            self.forget_file(file);
        }
        if let Some(user) = self.users.remove(place) {
            self.texts.free(user.name);
        }
    }

    fn forget_file(&mut self, place: u32) {
        self.file_index.remove(place);
        self.file_names.remove(place);
        let Some(file) = self.files.remove(place) else { return };
        match self.files.get_mut(file.before) {
            Some(before) => before.after = file.after,
            None => {
                if let Some(user) = self.users.get_mut(file.user) {
                    user.first = file.after;
                }
            }
        }
        if let Some(after) = self.files.get_mut(file.after) {
            after.before = file.before;
        }
        self.texts.free(file.name);
    }

    const fn next_birth(&mut self) -> u32 {
        self.births = self.births.wrapping_add(1);
        self.births
    }
}

/// Spreads the tracker's numbers, which are dense, over a table of any length.
const fn hash(number: u32) -> u32 {
    number.wrapping_mul(0x9e37_79b1)
}

/// A hash of a name below a user. The tracker chose these names with the users; it is trusted with more than the
/// client's time.
fn hash_name(user: u32, name: &[u8]) -> u32 {
    hash_bytes(hash(user.wrapping_add(1)), name)
}
