//! Who may come in, and what they may do.

use super::enrolments::{Enrolments, Standing};
use crate::{
    args::Serve,
    commands::words::counted,
    escape::escape,
    exit::Failure,
    identity::{Accounts, AllowFile, Enrolled, Fingerprint, Home, InviteId, Invites, Label, Rights},
    log_ins::LogIns,
    log_writer::say,
    net::canonical,
    turned_away::TurnedAway,
};
use mio::Waker;
use skep_core::{
    Instant as Moment,
    files::Uploads,
    seal::{
        Psk, Public, Secret,
        layer::{Access, Caller, Decision, SALT},
    },
    stream::StreamId,
    wire::seal::Purpose,
};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

/// How often it is looked whether a file of keys was changed.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// The keys, invites and accounts of a server.
#[derive(Debug)]
pub(super) struct AccessControl {
    allow: AllowFile,
    invites: Invites,
    accounts: Accounts,
    public: bool,
    /// The server's key, for what is made up.
    secret: Secret,
    looked: Instant,
    /// Whether the allow file was there, and whether it was told that it is gone.
    was_there: bool,
    misses: bool,
    log_ins: LogIns,
    enrolments: Enrolments,
    /// Who has come on which stream, where the key has a name: until another stream has its number.
    callers: HashMap<StreamId, Label>,
    turned_away: TurnedAway,
    /// Whether it is told who has enrolled.
    tells: bool,
    /// And who was turned away.
    tells_all: bool,
    began: Instant,
}

impl AccessControl {
    pub(super) fn new(serve: &Serve, home: &Home, secret: &Secret) -> Result<Self, Failure> {
        let allow = match &serve.allow {
            Some(path) => AllowFile::load(path)?,
            None => AllowFile::load_or_empty(&home.allow())?,
        };
        let invites = Invites::load(&home.invites())?;
        let accounts = Accounts::load(&home.accounts())?;
        let enrolments = Enrolments::new(home.invites(), allow.path());
        Ok(Self {
            enrolments,
            log_ins: LogIns::new(),
            callers: HashMap::new(),
            turned_away: TurnedAway::new(),
            tells: !serve.quiet,
            tells_all: serve.verbose,
            began: Instant::now(),
            was_there: allow.is_there(),
            misses: false,
            allow,
            invites,
            accounts,
            public: serve.public,
            secret: secret.clone(),
            looked: Instant::now(),
        })
    }

    /// What is woken when something is decided that was not at once.
    pub(super) fn wake(&mut self, waker: Arc<Waker>) {
        self.enrolments.wake(waker);
    }

    /// Whether nobody could come in as it is.
    pub(super) fn is_closed(&self) -> bool {
        !self.public
            && self.allow.count() == 0
            && self.accounts.is_empty()
            && self.invites.list(SystemTime::now()).is_empty()
    }

    /// Where a caller's uploads go.
    pub(super) fn uploads(&mut self, caller: &Caller) -> Uploads {
        let rights = caller.key.and_then(|key| match self.holder(&key)? {
            Holder::Key(rights) => Some(rights),
            Holder::Password(rights) => {
                let (now, from) = (self.now(), caller.address.ip());
                let may = self.log_ins.may(now, &key, from);
                if may {
                    self.log_ins.came_in(&key, from);
                }
                may.then_some(rights)
            }
        });
        match rights {
            Some(Rights { read_only: false }) => Uploads::Anywhere,
            // The public may look and not touch.
            _ => Uploads::Nowhere,
        }
    }

    /// Somebody has come on a stream.
    pub(super) fn note(&mut self, stream: StreamId, caller: Option<&Caller>) {
        let key = caller.and_then(|caller| Fingerprint::new(caller.key?).ok());
        let name = key.and_then(|key| {
            let allowed = self.allow.find(&key).map(|allowed| &allowed.name);
            allowed.or_else(|| self.accounts.find(&key).map(|account| &account.name)).cloned()
        });
        match name {
            Some(name) => _ = self.callers.insert(stream, name),
            None => _ = self.callers.remove(&stream),
        }
    }

    /// What the key of who has come on a stream is called, if it has a name.
    pub(super) fn name_on(&self, stream: StreamId) -> Option<Label> {
        self.callers.get(&stream).cloned()
    }

    /// Whose key it is.
    fn holder(&self, key: &Public) -> Option<Holder> {
        let key = Fingerprint::new(*key).ok()?;
        let allowed = self.allow.find(&key).map(|allowed| Holder::Key(allowed.rights));
        allowed.or_else(|| self.accounts.find(&key).map(|account| Holder::Password(account.rights)))
    }

    /// Whether a member may come in.
    fn admits(&mut self, key: &Public, from: SocketAddr, is_proven: bool) -> Decision {
        let (now, holder) = (self.now(), self.holder(key));
        let may = match holder {
            Some(Holder::Key(_)) => true,
            // Without accounts an unknown key is no try at a password.
            None if self.accounts.is_empty() => self.public,
            // A try counts for the prefix that it really comes from.
            _ if !is_proven => return Decision::Prove,
            Some(Holder::Password(_)) => self.public || self.log_ins.may(now, key, from.ip()),
            None => {
                self.log_ins.failed(now, key, from.ip());
                self.public
            }
        };
        Decision::admit_if(may)
    }

    fn now(&self) -> Moment {
        Moment::from_micros(u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// Takes what was changed in the files since the last look.
    pub(super) fn look(&mut self) {
        if self.looked.elapsed() >= LOOK {
            self.read_again();
        }
    }

    fn read_again(&mut self) {
        self.looked = Instant::now();
        let outcomes = [
            self.allow.reload_if_changed(),
            self.invites.reload_if_changed(),
            self.accounts.reload_if_changed(),
        ];
        for failure in outcomes.into_iter().filter_map(Result::err) {
            say(&failure);
        }
        self.tell_whether_there();
    }

    /// Says that the file of keys is gone, which lets nobody in any more, and that it is back.
    fn tell_whether_there(&mut self) {
        let is_there = self.allow.is_there();
        if is_there == self.was_there {
            return;
        }
        self.was_there = is_there;
        let path = self.allow.path().display().to_string();
        let (path, keys) = (escape(&path), counted(self.allow.count(), "key"));
        if !is_there {
            self.misses = true;
            say(&format_args!("{path} is gone: nobody is let in by it until it is back"));
        } else if std::mem::take(&mut self.misses) {
            say(&format_args!("{path} is back, with {keys}"));
        }
    }

    /// Whether a guest may come in, whose key is from now on let in for an invite.
    fn enrol(&mut self, invite: InviteId, key: &Public, from: SocketAddr) -> Decision {
        let (Some(psk), Ok(key)) = (Access::invite(self, &invite.0), Fingerprint::new(*key)) else {
            return Decision::Refuse;
        };
        match self.enrolments.ask(invite, key, &psk) {
            Standing::UnderWay => return Decision::Later,
            Standing::Over(Ok(Enrolled::Done)) => {
                self.read_again();
                if self.tells {
                    self.tell(&key, from);
                }
                return Decision::Admit;
            }
            // That the guest holds the key is not proven by an invite. One that may come in has to show it.
            Standing::Over(Ok(Enrolled::Already | Enrolled::NoInvite)) | Standing::Taken => {}
            Standing::Over(Err(failure)) => say(&failure),
        }
        Decision::Refuse
    }

    /// What becomes of a caller.
    fn judge(&mut self, caller: &Caller, is_proven: bool) -> Decision {
        match (caller.purpose, &caller.key) {
            (Purpose::Member, Some(key)) => self.admits(key, caller.address, is_proven),
            (Purpose::Guest, _) if self.public => Decision::Admit,
            // The message that carries the key was made with the code of the invite: nobody else could have made it. The
            // key is a new one here, with no more rights than the invite gives.
            (Purpose::Enrol { invite }, Some(key)) => self.enrol(InviteId(invite), key, caller.address),
            _ => Decision::Refuse,
        }
    }

    /// Says who was turned away.
    fn tell_turned_away(&mut self, caller: &Caller) {
        let now = self.now();
        if !self.tells_all || !self.turned_away.is_news(now, caller) {
            return;
        }
        let from = canonical(caller.address);
        match caller.key.and_then(|key| Fingerprint::new(key).ok()) {
            Some(key) => say(&format_args!("turned away {key}, from {from}")),
            None => say(&format_args!("turned away somebody without a key, from {from}")),
        }
    }

    /// Says who has enrolled.
    fn tell(&self, key: &Fingerprint, from: SocketAddr) {
        if let Some(allowed) = self.allow.find(key) {
            let from = canonical(from);
            say(&format_args!("enrolled {} {key}{}, from {from}", allowed.name, allowed.rights));
        }
    }
}

/// Whose key one is, and what he may do.
enum Holder {
    /// Somebody's of the allow file.
    Key(Rights),
    /// It is made of a password.
    Password(Rights),
}

impl Access for AccessControl {
    fn decide(&mut self, caller: &Caller, is_proven: bool) -> Decision {
        self.look();
        let decision = self.judge(caller, is_proven);
        if decision == Decision::Refuse {
            self.tell_turned_away(caller);
        }
        decision
    }

    fn invite(&mut self, id: &[u8; 8]) -> Option<Psk> {
        self.look();
        let id = InviteId(*id);
        let open = self.invites.find(&id, SystemTime::now()).map(|invite| &invite.psk);
        open.or_else(|| self.enrolments.psk(&id)).cloned()
    }

    fn salt(&mut self, name: &[u8]) -> Option<[u8; SALT]> {
        self.look();
        if self.accounts.is_empty() {
            return None;
        }
        Some(self.accounts.answer(std::str::from_utf8(name).ok()?, &self.secret))
    }
}
