//! An application that believes nothing but events.

use super::Small;
use crate::Choices;
use skep_core::client::{Client, EntryId, Event, FetchId, UploadId, UserId};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of a name in one piece of the client's memory.
const CHUNK: usize = 12;

#[derive(Debug, Default)]
pub(super) struct Application {
    users: BTreeMap<UserId, String>,
    files: BTreeMap<EntryId, (UserId, String, u64)>,
    fetches: BTreeSet<FetchId>,
    /// And whether it has accepted.
    uploads: BTreeMap<UploadId, bool>,
    /// The client accepts by itself.
    is_open: bool,
}

impl Application {
    pub(super) fn new(is_open: bool) -> Self {
        Self { is_open, ..Self::default() }
    }

    pub(super) fn hear(&mut self, event: Event, client: &Client<Small>) {
        let mut room = [0; 255];
        match event {
            Event::Cleared => {
                self.users.clear();
                self.files.clear();
            }
            Event::Came(user) => {
                let name = client.user(user, &mut room).expect("a user that there is not").0;
                self.files.retain(|_, file| file.0 != user);
                assert!(self.users.insert(user, name.as_str().into()).is_none(), "it came twice");
            }
            Event::Left(user) => {
                let name = client.user(user, &mut room).expect("its name cannot be shown").0;
                // Who left before anybody was told that it came is not known.
                let known = self.users.remove(&user);
                assert!(known.is_none_or(|known| known == name.as_str()));
                self.files.retain(|_, file| file.0 != user);
            }
            Event::Shared(file) => {
                let (name, user, info) = client.file(file, &mut room).expect("a file that there is not");
                assert!(self.users.contains_key(&user), "a file of nobody");
                self.files.insert(file, (user, name.as_str().into(), info.length));
            }
            Event::Unshared(file) => {
                let name = client.file(file, &mut room).expect("its name cannot be shown").0;
                let known = self.files.remove(&file);
                assert!(known.is_none_or(|known| known.1 == name.as_str()));
            }
            Event::Published(share) | Event::NotPublished { share, .. } => {
                assert!(client.share(share, &mut room).is_some(), "a share that there is not");
            }
            Event::Go(fetch) => {
                assert!(self.fetches.contains(&fetch), "a download that is over");
                assert!(client.way(fetch).is_some() && client.fetch_name(fetch, &mut room).is_some());
            }
            Event::FetchFailed { fetch, .. } | Event::FetchEnded { fetch, .. } => {
                assert!(self.fetches.remove(&fetch), "a download that is over");
            }
            Event::Asked(upload) => {
                assert!(client.asked(upload).is_some() && client.upload_user(upload, &mut room).is_some());
                assert_eq!(self.uploads.insert(upload, self.is_open), None, "asked twice");
            }
            Event::UploadEnded { upload, .. } => {
                assert!(self.uploads.remove(&upload).is_some(), "a request that is over");
            }
            _ => {}
        }
    }

    pub(super) fn fetches(&mut self, fetch: FetchId) {
        assert!(self.fetches.insert(fetch), "its number is in use");
    }

    pub(super) fn forget_fetch(&mut self, fetch: FetchId) {
        self.fetches.remove(&fetch);
    }

    pub(super) fn forget_upload(&mut self, upload: UploadId) {
        self.uploads.remove(&upload);
    }

    pub(super) fn accepts(&mut self, upload: UploadId) {
        self.uploads.insert(upload, true);
    }

    pub(super) fn has_accepted(&self, upload: UploadId) -> bool {
        self.uploads.get(&upload) == Some(&true)
    }

    pub(super) fn some_fetch(&self, choices: &mut Choices<'_>) -> Option<FetchId> {
        self.fetches.iter().nth(choices.below(2)).copied()
    }

    pub(super) fn some_upload(&self, choices: &mut Choices<'_>) -> Option<UploadId> {
        self.uploads.keys().nth(choices.below(2)).copied()
    }

    /// There is no news: the mirror is what was told.
    pub(super) fn check(&self, client: &Client<Small>) {
        let (mut room, mut other) = ([0; 255], [0; 255]);
        let users: BTreeMap<_, _> = client
            .users()
            .map(|user| (user, client.user(user, &mut room).unwrap().0.as_str().to_owned()))
            .collect();
        assert_eq!(users, self.users);
        let names: BTreeSet<_> = users.values().collect();
        assert_eq!(names.len(), users.len(), "a name is there twice");
        let files: BTreeMap<_, _> = client
            .files()
            .map(|file| {
                let (name, user, info) = client.file(file, &mut other).unwrap();
                (file, (user, name.as_str().to_owned(), info.length))
            })
            .collect();
        assert_eq!(files, self.files);
        let names: BTreeSet<_> = files.values().map(|file| (file.0, &file.1)).collect();
        assert_eq!(names.len(), files.len(), "a file is there twice");
        assert!(files.values().all(|file| users.contains_key(&file.0)), "a file of nobody");
    }

    /// The room that the mirror takes.
    pub(super) fn chunks(client: &Client<Small>) -> usize {
        let mut room = [0; 255];
        let users: usize = client
            .users()
            .map(|user| client.user(user, &mut room).unwrap().0.as_bytes().len().div_ceil(CHUNK))
            .sum();
        let files: usize = client
            .files()
            .map(|file| client.file(file, &mut room).unwrap().0.as_bytes().len().div_ceil(CHUNK))
            .sum();
        users + files
    }
}
