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
    over: Option<Result<Enrolled, Failure>>,
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
        let Some(mut enrolment) = self.under_way.remove(&id) else { return self.begin(id, key, psk) };
        enrolment.look();
        match (enrolment.key == key, enrolment.over.take()) {
            (true, Some(outcome)) => Standing::Over(outcome),
            // Nobody waits for a guest who may never hear that he did not get it.
            (false, Some(Ok(Enrolled::Already | Enrolled::NoInvite) | Err(_))) => self.begin(id, key, psk),
            (is_his, over) => {
                self.under_way.insert(id, Enrolment { over, ..enrolment });
                if is_his { Standing::UnderWay } else { Standing::Taken }
            }
        }
    }

    fn begin(&mut self, id: InviteId, key: Fingerprint, psk: &Psk) -> Standing {
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
        if let Err(error) = Builder::new().name("skep-enrol".into()).spawn(work) {
            return Standing::Over(Err(Failure::cannot("use an invite", &error)));
        }
        self.under_way.insert(id, Enrolment { key, psk: psk.clone(), outcome, over: None });
        Standing::UnderWay
    }
}

impl Enrolment {
    /// Looks whether it is over.
    fn look(&mut self) {
        if self.over.is_none() {
            self.over = match self.outcome.try_recv() {
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => Some(Ok(Enrolled::NoInvite)),
                Ok(outcome) => Some(outcome),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Code, Label, Rights};
    use mio::{Events, Poll, Token};
    use skep_core::seal::{KeyPair, RustCrypto, Secret};
    use std::{fs, time::Duration};

    fn key(number: u8) -> Fingerprint {
        Fingerprint::new(*KeyPair::<RustCrypto>::new(Secret::new([number; 32])).public()).unwrap()
    }

    #[test]
    fn a_guest_who_did_not_get_it_and_never_comes_back_keeps_nobody_from_an_invite() {
        let directory = tempfile::tempdir().unwrap();
        let (invites, allow) = (directory.path().join("invites"), directory.path().join("allow"));
        let label: Label = "ann".parse().unwrap();
        let code: Code = Invites::load(&invites)
            .and_then(|mut open| {
                open.create(label, Rights::default(), Duration::from_secs(3_600), SystemTime::now())
            })
            .unwrap();
        let (id, psk) = (code.id(), code.psk());
        let mut poll = Poll::new().unwrap();
        let mut enrolments = Enrolments::new(invites, allow.clone());
        enrolments.wake(Arc::new(Waker::new(poll.registry(), Token(0)).unwrap()));
        let mut rest = || poll.poll(&mut Events::with_capacity(1), None).unwrap();
        // Nobody can be let in as long as nobody can read who may come in.
        fs::create_dir(&allow).unwrap();
        assert!(matches!(enrolments.ask(id, key(1), &psk), Standing::UnderWay));
        rest();
        fs::remove_dir(&allow).unwrap();
        assert!(matches!(enrolments.ask(id, key(2), &psk), Standing::UnderWay));
        rest();
        // Who has got it keeps it until he hears so.
        assert!(matches!(enrolments.ask(id, key(3), &psk), Standing::Taken));
        assert!(matches!(enrolments.ask(id, key(2), &psk), Standing::Over(Ok(Enrolled::Done))));
    }
}
