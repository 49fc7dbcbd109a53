//! Whom a sealed connection is with, and as whom it is made.

use super::{attempts::Proof, password};
use crate::{
    args::Link,
    escape::escape,
    exit::Failure,
    identity::{Code as Invite, Home, Identity, KnownHosts, Password},
    url::Url,
};
use skep_core::{
    seal::{Secret, layer::Call},
    wire::seal::Purpose,
};
use std::{
    io::{Write, stderr},
    path::Path,
    time::Duration,
};

/// Our key, and how the other side is called.
pub(super) struct Credentials {
    /// `None`: as a guest.
    secret: Option<Secret>,
    pub(super) call: Call,
    /// With the code of an invite.
    pub(super) invite: Option<Call>,
    pub(super) proof: Proof,
}

/// As whom one wants to be known.
pub(super) enum As<'a> {
    /// With the key of this machine, or as a guest where there is none.
    Anyone,
    /// With the key of this machine, which is made if there is none.
    Member,
    /// With the password of an account.
    Account { name: &'a str, password_file: Option<&'a Path> },
}

impl Credentials {
    /// Those that a link to a server of files and its options ask for.
    pub(super) fn of_link(url: &Url, link: &Link) -> Result<Self, Failure> {
        let who = match &link.user {
            Some(name) => As::Account { name, password_file: link.password_file.as_deref() },
            None => As::Anyone,
        };
        Self::new(url, &who, link.key.as_deref(), link.timeout)
    }

    /// Finds our key, and that of the server.
    pub(super) fn new(
        url: &Url,
        who: &As<'_>,
        key: Option<&Path>,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        let found = key.map_or_else(Home::find, |key| Ok(Home::of_key(key)));
        let home = match (found, who, url.key) {
            // A guest who has the key of the server in the link needs no files.
            (Err(_), As::Anyone, Some(server)) if url.invite.is_none() => {
                let call = Call { server: *server.key(), purpose: Purpose::Guest, psk: None };
                return Ok(Self { secret: None, call, invite: None, proof: Proof::Key });
            }
            (found, ..) => found?,
        };
        let server = KnownHosts::load(&home.known_hosts())?.expect(&url.host, url.key)?;
        let secret = match (&url.invite, who) {
            (_, As::Account { name, password_file }) => {
                let password = Password::find(*password_file, name)?;
                Some(password::secret(url, server.key(), name, &password, timeout)?)
            }
            // The key that is let in has to stay.
            (Some(_), _) | (None, As::Member) => {
                let identity = Identity::load_or_make(home.key())?;
                if identity.is_new() && matches!(who, As::Member) {
                    let made = format!("skep: made a key in {}", escape(&home.key().display().to_string()));
                    let _ = writeln!(stderr(), "{made}");
                }
                Some(identity.secret().clone())
            }
            (None, As::Anyone) if key.is_some() || home.key().exists() => {
                Some(Identity::load(home.key())?.secret().clone())
            }
            (None, As::Anyone) => None,
        };
        let server = *server.key();
        let purpose = if secret.is_some() { Purpose::Member } else { Purpose::Guest };
        let call = Call { server, purpose, psk: None };
        let enrol = |code: &Invite| Call {
            server,
            purpose: Purpose::Enrol { invite: code.id().0 },
            psk: Some(code.psk()),
        };
        let proof = match (&url.invite, who) {
            (Some(_), _) => Proof::Invite,
            (None, As::Account { .. }) => Proof::Password,
            (None, As::Anyone | As::Member) => Proof::Key,
        };
        Ok(Self { secret, call, invite: url.invite.as_ref().map(enrol), proof })
    }

    /// The same with a key, if it is without one.
    pub(super) fn with_key(self, url: &Url, key: Option<&Path>, timeout: Duration) -> Result<Self, Failure> {
        if self.secret.is_some() { Ok(self) } else { Self::new(url, &As::Member, key, timeout) }
    }

    /// Our key. A guest's is never used.
    pub(super) fn secret(&self) -> &Secret {
        const NONE: &Secret = &Secret::new([1; 32]);
        self.secret.as_ref().unwrap_or(NONE)
    }
}
