//! One stream as its driver and its peer see it.

use super::{Mirror, messages::Hints};
use skep_core::{
    limits::MESSAGE_MAX,
    tracker::Dialect,
    wire::{
        command,
        session::{Frame, Notice, Request},
    },
};
use std::collections::BTreeMap;

/// What has come is kept up to so much: then the peer has to wait.
const INPUT_MAX: usize = 4 * MESSAGE_MAX;

pub(super) struct Stream {
    pub dialect: Dialect,
    /// Has arrived, and was not taken.
    pub input: Vec<u8>,
    pub is_due: bool,
    /// The peer finished its direction.
    pub is_over: bool,
    /// The tracker finished its own.
    pub is_finished: bool,
    pub is_aborted: bool,
    /// The peer reads nothing.
    pub is_stalled: bool,
    pub owes_flush: bool,
    /// It is one end of a relay.
    pub is_attached: bool,
    pub splice_to: Option<u32>,
    /// A log-in was sent, if it was not spoilt.
    pub has_login: bool,
    /// What the tracker has taken of a session, and not been parsed.
    taken: Vec<u8>,
    /// Of the log-in that it took.
    name: String,
    wants_list: bool,
    knows: (u64, u64),
    /// From its Welcome on.
    pub mirror: Option<Mirror>,
    has_bye: bool,
    answer: Vec<u8>,
}

impl Stream {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            input: Vec::new(),
            is_due: false,
            is_over: false,
            is_finished: false,
            is_aborted: false,
            is_stalled: false,
            owes_flush: false,
            is_attached: false,
            splice_to: None,
            has_login: false,
            taken: Vec::new(),
            name: String::new(),
            wants_list: false,
            knows: (0, 0),
            mirror: None,
            has_bye: false,
            answer: Vec::new(),
        }
    }

    /// Whether the tracker may be told that something came, or that nothing more comes.
    pub(super) fn hears(&self) -> bool {
        !self.is_over && !self.is_aborted && self.splice_to.is_none()
    }

    pub(super) fn is_offered(&self) -> bool {
        !self.input.is_empty() && !self.is_aborted && self.splice_to.is_none()
    }

    pub(super) fn can_flush(&self) -> bool {
        self.owes_flush && !self.is_stalled && !self.is_aborted
    }

    pub(super) fn arrive(&mut self, bytes: &[u8]) {
        if self.input.len() < INPUT_MAX {
            self.input.extend(bytes);
            self.is_due = true;
        }
    }

    /// The tracker has taken so many bytes: a log-in may be among them, wherever it thinks that one begins.
    pub(super) fn take(&mut self, count: usize) {
        self.taken.extend(self.input.drain(..count));
        while self.dialect == Dialect::Session && self.name.is_empty() {
            let length = match Frame::first(&self.taken) {
                Frame::Whole { kind, fields, length } => {
                    if let Ok(Request::Login { wants_list, epoch, number, name, .. }) =
                        Request::parse(kind, fields)
                    {
                        self.name = String::from_utf8_lossy(name).into_owned();
                        (self.wants_list, self.knows) = (wants_list, (epoch, number));
                    }
                    length
                }
                Frame::Long { length, .. } if length <= self.taken.len() => length,
                _ => return,
            };
            self.taken.drain(..length);
        }
    }

    /// It is logged in, and nothing has ended that.
    pub(super) fn is_member(&self) -> bool {
        self.mirror.is_some() && !self.has_bye && !self.is_aborted && !self.is_over && !self.is_finished
    }

    /// The tracker writes.
    pub(super) fn write(&mut self, bytes: &[u8], hints: &mut Hints, known: &BTreeMap<String, Mirror>) {
        assert!(!bytes.is_empty() && !self.is_finished, "it writes nothing, or after its end");
        assert!(!self.owes_flush, "it writes before the last has left");
        self.owes_flush = true;
        if self.dialect == Dialect::Command {
            return self.answer.extend(bytes);
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let Frame::Whole { kind, fields, length } = Frame::first(rest) else { panic!("a cut message") };
            let notice = Notice::parse(kind, fields).expect("a message that breaks the format");
            self.hear(&notice, hints, known);
            rest = &rest[length..];
        }
    }

    fn hear(&mut self, notice: &Notice<'_>, hints: &mut Hints, known: &BTreeMap<String, Mirror>) {
        assert!(!self.has_bye && !self.is_attached, "a message after the last");
        hints.hear(notice);
        match *notice {
            Notice::Welcome { is_fresh, user, epoch, resume, .. } => {
                assert!(self.mirror.is_none(), "welcome twice");
                assert!(is_fresh || self.knows.0 == epoch, "it resumes another run");
                let known = known.get(&self.name).filter(|known| (known.epoch, known.number) == self.knows);
                let mirror = known.filter(|_| !is_fresh).cloned();
                // It says that it knows what it was never told.
                let is_lie = !is_fresh && mirror.is_none();
                let (name, wants_list) = (self.name.clone(), self.wants_list && !is_lie);
                let mirror = mirror.unwrap_or_default();
                self.mirror = Some(Mirror { name, me: user, epoch, resume, wants_list, ..mirror });
            }
            Notice::Bye { .. } => self.has_bye = true,
            Notice::Attached => self.is_attached = true,
            Notice::Waiting { place } => assert!(self.mirror.is_none() && place > 0),
            Notice::Ping | Notice::Pong | Notice::Unsupported { .. } => {}
            ref notice => self.mirror.as_mut().expect("the list before Welcome").hear(notice),
        }
    }

    /// The tracker finishes its direction: what it has answered is whole.
    pub(super) fn finish(&mut self) {
        assert!(!std::mem::replace(&mut self.is_finished, true), "it finishes twice");
        let Some((&result, list)) = self.answer.split_first() else { return };
        assert!(result <= 4, "a result that there is not");
        if list.is_empty() {
            return;
        }
        let (count, mut rest) = command::string(list).unwrap();
        let mut strings = 0;
        while !rest.is_empty() {
            strings += 1;
            rest = command::string(rest).unwrap().1;
        }
        let count = command::number(count).unwrap();
        assert!(result == 0 && (strings == count || strings == 3 * count), "a list that is not whole");
    }
}
