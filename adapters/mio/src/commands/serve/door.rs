//! Who may come in, and what they may do.

use crate::{
    args::Serve,
    exit::Failure,
    identity::{Accounts, AllowFile, Enrolled, Fingerprint, Home, InviteId, Invites, Rights},
};
use skep_core::{
    files::Uploads,
    seal::{
        Psk, Public, Secret,
        layer::{Access, Caller, SALT},
    },
    wire::seal::Purpose,
};
use std::{
    io::{Write, stderr},
    time::{Duration, Instant, SystemTime},
};

/// How often it is looked whether a file of keys was changed.
const LOOK: Duration = Duration::from_secs(1);

/// The keys, invites and accounts of a server.
#[derive(Debug)]
pub(super) struct Door {
    allow: AllowFile,
    invites: Invites,
    accounts: Accounts,
    public: bool,
    /// The server's key, for what is made up.
    secret: Secret,
    looked: Instant,
}

impl Door {
    pub(super) fn new(serve: &Serve, home: &Home, secret: &Secret) -> Result<Self, Failure> {
        let allow = match &serve.allow {
            Some(path) => AllowFile::load(path)?,
            None => AllowFile::load_or_empty(&home.allow())?,
        };
        let invites = Invites::load(&home.invites())?;
        let accounts = Accounts::load(&home.accounts())?;
        Ok(Self {
            allow,
            invites,
            accounts,
            public: serve.public,
            secret: secret.clone(),
            looked: Instant::now(),
        })
    }

    /// Whether nobody could come in as it is.
    pub(super) fn is_closed(&self) -> bool {
        !self.public
            && self.allow.count() == 0
            && self.accounts.is_empty()
            && self.invites.list(SystemTime::now()).is_empty()
    }

    /// Where a caller's uploads go.
    pub(super) fn uploads(&self, caller: &Caller) -> Uploads {
        match caller.key.and_then(|key| self.rights(&key)) {
            Some(Rights { read_only: false }) => Uploads::Anywhere,
            // The public may look and not touch.
            _ => Uploads::Nowhere,
        }
    }

    fn rights(&self, key: &Public) -> Option<Rights> {
        let key = Fingerprint::new(*key).ok()?;
        let allowed = self.allow.find(&key).map(|allowed| allowed.rights);
        allowed.or_else(|| self.accounts.find(&key).map(|account| account.rights))
    }

    /// Takes what was changed in the files since the last look.
    fn look(&mut self) {
        if self.looked.elapsed() < LOOK {
            return;
        }
        self.looked = Instant::now();
        let outcomes = [
            self.allow.reload_if_changed(),
            self.invites.reload_if_changed(),
            self.accounts.reload_if_changed(),
        ];
        for failure in outcomes.into_iter().filter_map(Result::err) {
            let _ = writeln!(stderr(), "skep: {failure}");
        }
    }

    fn enrol(&mut self, invite: &[u8; 8], key: &Public) -> bool {
        let Ok(key) = Fingerprint::new(*key) else { return false };
        match self.invites.enrol(&mut self.allow, &InviteId(*invite), key, SystemTime::now()) {
            Ok(Enrolled::Done) => true,
            // That the guest holds the key is not proven by an invite. One that may come in has to show it.
            Ok(Enrolled::Already | Enrolled::NoInvite) => false,
            Err(failure) => {
                let _ = writeln!(stderr(), "skep: {failure}");
                false
            }
        }
    }
}

impl Access for Door {
    fn permits(&mut self, caller: &Caller) -> bool {
        self.look();
        match (caller.purpose, &caller.key) {
            (Purpose::Member, Some(key)) => self.public || self.rights(key).is_some(),
            (Purpose::Guest, _) => self.public,
            // The message that carries the key was made with the code of the invite: nobody else could have made it. The
            // key is a new one here, with no more rights than the invite gives.
            (Purpose::Enrol { invite }, Some(key)) => self.enrol(&invite, key),
            _ => false,
        }
    }

    fn invite(&mut self, id: &[u8; 8]) -> Option<Psk> {
        self.look();
        self.invites.find(&InviteId(*id), SystemTime::now()).map(|invite| invite.psk.clone())
    }

    fn salt(&mut self, name: &[u8]) -> Option<[u8; SALT]> {
        self.look();
        if self.accounts.is_empty() {
            return None;
        }
        let (salt, cost) = self.accounts.salt_of(std::str::from_utf8(name).ok()?, &self.secret);
        let mut answer = [0; SALT];
        answer[..16].copy_from_slice(&salt.0);
        for (to, number) in answer[16..].chunks_mut(4).zip([cost.memory(), cost.passes(), cost.lanes()]) {
            to.copy_from_slice(&number.to_be_bytes());
        }
        Some(answer)
    }

    fn introduction(&mut self, _: &[u8; 16]) -> Option<(Public, Psk)> {
        None
    }
}
