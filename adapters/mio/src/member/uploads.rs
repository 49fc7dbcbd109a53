//! Files that others fetch.
//!
//! ```text
//! Asked ──► accepted ──► a stream comes to the door, or both are joined by the tracker ──► Serving ──► Served
//!   └── refused            └── nobody comes in time
//! ```

use super::{
    Accept, DOOR, Event, Leg, Member, Role, Stream, Target, UploadId, downloads::RELAY_PATIENCE,
    introductions::Token,
};
use crate::{
    driver::{Joined, Relayed},
    gate::Admission,
};
use skep_core::{
    Instant, client,
    files::{self, Dialect, Outcome, Uploads},
    stream::StreamId,
    wire::{
        TEXT_MAX,
        seal::Purpose,
        session::{Code, Way},
    },
};
use std::time::Duration;

/// Who comes by the plain commands says no name.
const SOMEBODY: &str = "somebody";

/// How long who was accepted may take to find that he does not get through, and to ask by way of the tracker.
const PROMISE: Duration = Duration::from_secs(60);

/// Somebody may have a file.
#[derive(Debug)]
pub(super) struct Promise {
    user: Box<str>,
    name: Box<str>,
    until: Instant,
}

#[derive(Debug)]
pub(super) struct Upload {
    /// `None`: the tracker has ended it, or has forgotten it, or was told its end.
    request: Option<client::UploadId>,
    pub(super) user: Box<str>,
    /// The one file that it is about; of who comes by the plain commands it is whatever he asks for.
    pub(super) name: Box<str>,
    is_plain: bool,
    /// `None`: it is over.
    token: Option<Token>,
    is_accepted: bool,
    /// He has asked for his file, on the stream that is here.
    is_served: bool,
    /// The stream that came, or that is being opened.
    pub(super) stream: Option<StreamId>,
    /// Until when who was accepted has to come.
    pub(super) deadline: Option<Instant>,
}

impl Member {
    /// Lets somebody have what he asks for. `false`: he does not ask any more.
    pub fn accept(&mut self, now: Instant, upload: UploadId) -> bool {
        let Some(found) = self.uploads.get_mut(upload.0).filter(|found| !found.is_accepted) else {
            return false;
        };
        let Some(request) = found.request else { return false };
        let Some(asked) = self.session.asked(request).copied() else { return false };
        let Some(introduction) = asked.introduction else {
            self.session.refuse(request, Code::NotAllowed);
            self.uploads.remove(upload.0);
            return false;
        };
        let (user, name) = (found.user.clone(), found.name.clone());
        if asked.way == Way::Direct && self.rules.door == (0, 0) {
            // He asks again, by way of the tracker; nobody is to be waited for.
            self.session.refuse(request, Code::Unreachable);
            self.uploads.remove(upload.0);
            self.promise(now, user, name);
            return true;
        }
        found.is_accepted = true;
        found.deadline = Some(now + RELAY_PATIENCE);
        self.introductions.add(asked.token, &introduction);
        if asked.way == Way::Relayed {
            self.session.accept(request, 0, 0);
            let then = Joined::Answer(DOOR);
            let end = Relayed { transfer: asked.transfer, token: asked.token, then };
            self.news.push_back(Event::Call(Leg::Upload(upload), Target::Relayed(end)));
        } else {
            let (tcp, rdt) = self.rules.door;
            self.session.accept(request, tcp, rdt);
            self.promise(now, user, name);
        }
        true
    }

    /// Somebody may ask once more for a file, by way of the tracker.
    fn promise(&mut self, now: Instant, user: Box<str>, name: Box<str>) {
        self.promises.retain(|promise| promise.until > now);
        self.promises.push(Promise { user, name, until: now + PROMISE });
    }

    /// Whether somebody was let have a file lately, and has not got it. It is good once.
    fn was_promised(&mut self, now: Instant, user: &str, name: &str) -> bool {
        let is_it = |promise: &Promise| *promise.user == *user && *promise.name == *name;
        let at = self.promises.iter().position(|promise| is_it(promise) && promise.until > now);
        at.map(|at| self.promises.swap_remove(at)).is_some()
    }

    /// Does not. `false`: he does not ask any more.
    pub fn refuse(&mut self, upload: UploadId) -> bool {
        let is_asking = |found: &&Upload| !found.is_accepted;
        let Some(request) = self.uploads.get(upload.0).filter(is_asking).and_then(|found| found.request)
        else {
            return false;
        };
        self.session.refuse(request, Code::Refused);
        self.uploads.remove(upload.0);
        true
    }

    pub(super) fn asked(&mut self, now: Instant, request: client::UploadId) {
        let (mut user, mut name) = ([0; TEXT_MAX], [0; TEXT_MAX]);
        let (Some(asked), Some(user), Some(name)) = (
            self.session.asked(request).copied(),
            self.session.upload_user(request, &mut user),
            self.session.upload_name(request, &mut name),
        ) else {
            return;
        };
        let (user, name) = (Box::<str>::from(user.as_str()), Box::<str>::from(name.as_str()));
        let upload = UploadId(self.uploads.insert(Upload {
            request: Some(request),
            user: user.clone(),
            name: name.clone(),
            is_plain: false,
            token: Some(asked.token),
            is_accepted: false,
            is_served: false,
            stream: None,
            deadline: None,
        }));
        let is_again = asked.way == Way::Relayed && self.was_promised(now, &user, &name);
        match self.rules.accept {
            Accept::All => _ = self.accept(now, upload),
            Accept::Ask if is_again => _ = self.accept(now, upload),
            Accept::Ask => self.news.push_back(Event::Asked { upload, user, name }),
        }
    }

    /// The tracker says that a request is over. A transfer that is under way may go on all the same.
    pub(super) fn upload_ended(&mut self, request: client::UploadId, code: Code) {
        let found = self.uploads.iter_mut().find(|(_, upload)| upload.request == Some(request));
        let Some((key, upload)) = found else { return };
        upload.request = None;
        if upload.stream.is_none() {
            self.end_upload(key, code);
        }
    }

    /// A peer comes to the door, or by way of the tracker. He may come again by another way, as our answer to his first
    /// call may be lost: then he is where he came last, unless he has asked for his file before. (After that who comes may
    /// be somebody who has recorded his call.)
    pub(super) fn admit_peer(&mut self, now: Instant, admission: &Admission) -> bool {
        let Some(Purpose::Peer { introduction }) = admission.caller.map(|caller| caller.purpose) else {
            return false;
        };
        let stream = admission.stream;
        let is_his = |upload: &Upload| {
            upload.token == Some(introduction)
                && upload.is_accepted
                && upload.stream.is_none_or(|own| own == stream || (!upload.is_served && self.is_open(own)))
        };
        let Some((key, upload)) = self.uploads.iter().find(|(_, upload)| is_his(upload)) else {
            return false;
        };
        let before = upload.stream.filter(|before| *before != stream);
        let is_in = self.let_in(now, key, stream, Dialect::Files);
        if is_in {
            self.aborts.extend(before);
        }
        is_in
    }

    /// Somebody comes to the plain door.
    pub(super) fn admit_plain(&mut self, now: Instant, admission: &Admission) -> bool {
        let key = self.uploads.insert(Upload {
            request: None,
            user: SOMEBODY.into(),
            name: "".into(),
            is_plain: true,
            token: None,
            is_accepted: true,
            is_served: false,
            stream: None,
            deadline: None,
        });
        let is_in = self.let_in(now, key, admission.stream, Dialect::GetFile);
        if !is_in {
            self.uploads.remove(key);
        }
        is_in
    }

    fn let_in(&mut self, now: Instant, key: usize, stream: StreamId, dialect: Dialect) -> bool {
        let Some(upload) = self.uploads.get_mut(key) else { return false };
        if !self.server.opened_with(now, stream, dialect, Uploads::Nowhere) {
            return false;
        }
        upload.stream = Some(stream);
        upload.deadline = None;
        self.streams.insert(stream, Stream { role: Role::Upload(key), is_open: true });
        true
    }

    /// Whether a stream may have a file: the one that it was let in for, if it is still shared.
    pub(super) fn may_have(&self, stream: Option<StreamId>, name: &str) -> bool {
        let role = stream.and_then(|stream| self.streams.get(&stream)).map(|stream| stream.role);
        let Some(Role::Upload(key)) = role else { return false };
        let Some(upload) = self.uploads.get(key) else { return false };
        (upload.is_plain || &*upload.name == name) && self.session.shares_file(name.as_bytes())
    }

    /// What the server of files tells.
    pub(super) fn server_told(&mut self, event: files::Event) {
        let (files::Event::Started { stream, .. }
        | files::Event::Ended { stream, .. }
        | files::Event::Refused { stream, .. }) = event;
        let Some(Role::Upload(key)) = self.streams.get(&stream).map(|stream| stream.role) else { return };
        let is_here = |upload: &&mut Upload| upload.stream == Some(stream);
        let Some(upload) = self.uploads.get_mut(key).filter(is_here) else { return };
        match event {
            files::Event::Started { file, length, .. } => {
                upload.is_served = true;
                if let Some(name) = self.server.name(file) {
                    upload.name = name.as_str().into();
                }
                let (user, name) = (upload.user.clone(), upload.name.clone());
                self.news.push_back(Event::Serving { upload: UploadId(key), user, name, length });
            }
            files::Event::Ended { outcome, .. } => {
                self.tell_served(key, Some(outcome));
                if outcome == Outcome::Done {
                    self.forget_promise(key);
                }
                // What was handed to the stream has not all arrived yet: the tracker is told when the stream has ended.
                if outcome != Outcome::Done {
                    self.end_request(key, Code::Broken);
                }
            }
            files::Event::Refused { file, fault, .. } => {
                if let Some(name) = self.server.name(file) {
                    upload.name = name.as_str().into();
                }
                self.tell_served(key, fault.map(Outcome::Failed));
                self.end_request(key, Code::Refused);
            }
        }
    }

    /// Who has got his file has to ask again for it.
    fn forget_promise(&mut self, key: usize) {
        let Some(upload) = self.uploads.get(key) else { return };
        self.promises.retain(|promise| promise.user != upload.user || promise.name != upload.name);
    }

    /// A transfer is over; its stream closes by itself. Nobody may come for it any more.
    fn tell_served(&mut self, key: usize, outcome: Option<Outcome>) {
        let Some(upload) = self.uploads.get_mut(key) else { return };
        if let Some(token) = upload.token.take() {
            self.introductions.remove(&token);
        }
        let (user, name) = (upload.user.clone(), upload.name.clone());
        // Who comes by the plain commands may ask for nothing at all.
        if !name.is_empty() {
            self.news.push_back(Event::Served { upload: UploadId(key), user, name, outcome });
        }
    }

    /// The tracker is told that a transfer is over, if it does not know.
    fn end_request(&mut self, key: usize, code: Code) {
        if let Some(request) = self.uploads.get_mut(key).and_then(|upload| upload.request.take()) {
            self.session.served(request, code);
        }
    }

    /// There is no transfer, and none will come.
    pub(super) fn end_upload(&mut self, key: usize, code: Code) {
        self.tell_served(key, None);
        self.end_request(key, code);
        let Some(upload) = self.uploads.try_remove(key) else { return };
        if let Some(stream) = upload.stream
            && self.streams.remove(&stream).is_some_and(|stream| !stream.is_open)
        {
            self.aborts.push_back(stream);
        }
    }

    /// The stream of an upload has gone. Who was not served may come again.
    pub(super) fn upload_closed(&mut self, stream: StreamId) {
        let Some(Role::Upload(key)) = self.streams.remove(&stream).map(|stream| stream.role) else { return };
        let Some(upload) = self.uploads.get_mut(key).filter(|upload| upload.stream == Some(stream)) else {
            return;
        };
        upload.stream = None;
        upload.is_served = false;
        let is_over = upload.token.is_none();
        if is_over {
            self.end_request(key, Code::Done);
            self.uploads.remove(key);
        } else if upload.request.is_none() {
            // He came, asked for nothing, and the tracker knows of him no more.
            self.end_upload(key, Code::Gone);
        }
    }
}
