//! Invites, and the guests who are let in by one.
//!
//! ```text
//!   HELLO ─► begin ─► Store: the invite out of the database, the key into it ─► wakes the loop ─► the same HELLO ─► ask
//!             Later                                                                                               Over
//! ```
//!
//! The network does not wait for the disk meanwhile. A guest who has gone by then has his name all the same.

use std::{collections::HashMap, sync::mpsc::Receiver};

use jiff::Timestamp;
use skep_core::seal::{Psk, Secret};

use super::{
    account::{Account, Invite},
    store::NotStored,
};
use crate::identity::Fingerprint;

/// Names an invite.
pub(super) type Id = [u8; 8];

/// How it stands with a guest.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is being stored that the name is his.
    UnderWay,
    /// It is stored, or could not be; told once.
    Over { is_stored: bool },
    /// Somebody else uses this invite.
    Taken,
}

/// An invite that is being used up.
#[derive(Debug)]
struct Guest {
    invite: Invite,
    account: Account,
    outcome: Receiver<Result<(), NotStored>>,
    is_stored: Option<bool>,
}

/// The invites that wait for a guest, and those whose guest has come.
#[derive(Debug)]
pub(super) struct Guests {
    open: HashMap<Id, Invite>,
    coming: HashMap<Id, Guest>,
}

impl Guests {
    pub(super) fn new(kept: Vec<(Id, Invite)>) -> Self {
        Self { open: kept.into_iter().collect(), coming: HashMap::new() }
    }

    /// Somebody is invited.
    pub(super) fn invite(&mut self, id: Id, invite: Invite) {
        self.open.insert(id, invite);
    }

    /// Forgets the invites that had ended by some time, and says which of them nobody has used.
    pub(super) fn take_ended(&mut self, by: Timestamp) -> Vec<Id> {
        let now = Timestamp::now();
        self.coming.retain(|_, guest| guest.is_stored.is_none() || guest.invite.until > now);
        self.open.extract_if(|_, invite| invite.until <= by).map(|(id, _)| id).collect()
    }

    /// An invite is taken back. `false`: it does not wait for a guest any more.
    pub(super) fn uninvite(&mut self, id: &Id) -> bool {
        self.open.remove(id).is_some()
    }

    /// No invite for a name lets anybody in any more.
    pub(super) fn uninvite_all(&mut self, name: &str) {
        self.open.retain(|_, invite| invite.name != name);
    }

    /// The invites that wait for a guest.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Id, &Invite)> {
        let now = Timestamp::now();
        self.open.iter().filter(move |(_, invite)| invite.until > now)
    }

    /// An invite that waits for its guest.
    pub(super) fn open(&self, id: &Id) -> Option<&Invite> {
        self.open.get(id).filter(|invite| invite.until > Timestamp::now())
    }

    /// The pre-shared key of an invite, also while it is being used up.
    pub(super) fn psk(&self, id: &Id) -> Option<Psk> {
        let invite = self.open(id).or_else(|| Some(&self.coming.get(id)?.invite))?;
        Some(Psk::new(Secret::new(invite.psk)))
    }

    /// A guest has come, and it is being stored that the invite is used up and the account his.
    pub(super) fn begin(&mut self, id: Id, account: Account, outcome: Receiver<Result<(), NotStored>>) {
        if let Some(invite) = self.open.remove(&id) {
            self.coming.insert(id, Guest { invite, account, outcome, is_stored: None });
        }
    }

    /// The guests of whom it is known since the last call whether their names are stored: names, accounts, outcomes. An
    /// invite is good again if its guest could not be stored.
    pub(super) fn settled(&mut self) -> Vec<(String, Account, Result<(), NotStored>)> {
        let mut settled = Vec::new();
        for (id, guest) in &mut self.coming {
            let Some(outcome) = guest.outcome() else { continue };
            guest.is_stored = Some(outcome.is_ok());
            if outcome.is_err() {
                self.open.insert(*id, guest.invite.clone());
            }
            settled.push((guest.invite.name.clone(), guest.account.clone(), outcome));
        }
        settled
    }

    /// How it stands with who has come with an invite and this key; `None`: nobody has, or nobody who got it.
    pub(super) fn ask(&mut self, id: &Id, key: &Fingerprint) -> Option<Standing> {
        let guest = self.coming.get(id)?;
        if guest.account.key != *key {
            if guest.is_stored != Some(false) {
                return Some(Standing::Taken);
            }
            // Nobody waits for a guest who may never hear that he did not get it.
            self.coming.remove(id);
            return None;
        }
        let Some(is_stored) = guest.is_stored else { return Some(Standing::UnderWay) };
        self.coming.remove(id);
        Some(Standing::Over { is_stored })
    }
}

impl Guest {
    /// What became of it, once.
    fn outcome(&self) -> Option<Result<(), NotStored>> {
        use std::sync::mpsc::TryRecvError;
        if self.is_stored.is_some() {
            return None;
        }
        match self.outcome.try_recv() {
            Ok(outcome) => Some(outcome),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(NotStored::gone())),
        }
    }
}
