//! Letting in who has an invite, without holding up the network.
//!
//! ```text
//!   HELLO ─► ask ─► a thread: the invite off the disk, the key onto it ─► wakes the loop ─► the same HELLO ─► ask
//!             Later                                                                         Done
//! ```

use crate::{
    exit::Failure,
    identity::{AllowFile, Enrolled, Fingerprint, InviteId, Invites},
};
use mio::Waker;
use skep_core::seal::Psk;
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, TryRecvError, channel},
    },
    thread::Builder,
    time::SystemTime,
};

/// How an enrolment stands.
#[derive(Debug)]
pub(super) enum Standing {
    UnderWay,
    /// It is over, and told once.
    Over(Result<Enrolled, Failure>),
    /// Somebody else uses this invite at the moment.
    Taken,
}

/// An invite that is being used.
#[derive(Debug)]
struct Enrolment {
    key: Fingerprint,
    psk: Psk,
    outcome: Receiver<Result<Enrolled, Failure>>,
}

/// The invites that are being used, at most one thread for each.
#[derive(Debug)]
pub(super) struct Enrolments {
    invites: PathBuf,
    allow: PathBuf,
    waker: Option<Arc<Waker>>,
    under_way: HashMap<InviteId, Enrolment>,
}

impl Enrolments {
    /// With the files of invites and of keys that may come in.
    pub(super) fn new(invites: PathBuf, allow: PathBuf) -> Self {
        Self { invites, allow, waker: None, under_way: HashMap::new() }
    }

    /// What is woken when an enrolment is over.
    pub(super) fn wake(&mut self, waker: Arc<Waker>) {
        self.waker = Some(waker);
    }

    /// The pre-shared key of an invite that is off the disk already, perhaps.
    pub(super) fn psk(&self, id: &InviteId) -> Option<&Psk> {
        self.under_way.get(id).map(|enrolment| &enrolment.psk)
    }

    /// Lets a key in for an invite with this pre-shared key: begins that, or says how far it is.
    pub(super) fn ask(&mut self, id: InviteId, key: Fingerprint, psk: &Psk) -> Standing {
        let Some(enrolment) = self.under_way.get(&id) else {
            return match self.begin(id, key, psk) {
                Ok(()) => Standing::UnderWay,
                Err(failure) => Standing::Over(Err(failure)),
            };
        };
        if enrolment.key != key {
            return Standing::Taken;
        }
        let outcome = match enrolment.outcome.try_recv() {
            Err(TryRecvError::Empty) => return Standing::UnderWay,
            Err(TryRecvError::Disconnected) => Ok(Enrolled::NoInvite),
            Ok(outcome) => outcome,
        };
        self.under_way.remove(&id);
        Standing::Over(outcome)
    }

    fn begin(&mut self, id: InviteId, key: Fingerprint, psk: &Psk) -> Result<(), Failure> {
        let (tell, outcome) = channel();
        let (invites, allow, waker) = (self.invites.clone(), self.allow.clone(), self.waker.clone());
        let work = move || {
            let enrolled = Invites::load(&invites).and_then(|mut invites| {
                let mut allow = AllowFile::load_or_empty(&allow)?;
                invites.enrol(&mut allow, &id, key, SystemTime::now())
            });
            let _ = tell.send(enrolled);
            if let Some(waker) = waker {
                let _ = waker.wake();
            }
        };
        let begun = Builder::new().name("skep-enrol".into()).spawn(work);
        begun.map_err(|error| Failure::cannot("use an invite", &error))?;
        self.under_way.insert(id, Enrolment { key, psk: psk.clone(), outcome });
        Ok(())
    }
}
