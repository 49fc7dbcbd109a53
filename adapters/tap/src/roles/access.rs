//! Who may come in, and what the machine says of itself.

use super::say;
use crate::{
    args::{Args, Listen},
    host::seed,
};
use skep::{
    exit::Failure,
    identity::{AllowFile, Fingerprint, Home, Identity, Rights},
    url,
};
use skep_core::{
    files::Uploads,
    seal::{
        KeyPair, Public, RustCrypto,
        layer::{Access, Caller, Decision},
    },
    wire::seal::Purpose,
};
use std::{cell::RefCell, path::Path, rc::Rc};

/// Those whose keys are known, or everybody.
#[derive(Clone, Debug)]
pub(crate) struct Guests(Rc<RefCell<Option<AllowFile>>>);

impl Guests {
    /// Those whom the command line lets in.
    pub(crate) fn new(listen: &Listen) -> Result<Self, Failure> {
        let allow = listen.allow.as_deref().map(AllowFile::load).transpose()?;
        Ok(Self(Rc::new(RefCell::new(allow))))
    }

    /// Where the uploads go of who has come in with this key.
    pub(crate) fn uploads(&self, key: Option<Public>) -> Uploads {
        let allow = &*self.0.borrow();
        let key = key.and_then(|key| Fingerprint::new(key).ok());
        match key.and_then(|key| allow.as_ref()?.find(&key)).map(|allowed| allowed.rights) {
            Some(Rights { read_only: false }) => Uploads::Anywhere,
            // The public may look and not touch.
            _ => Uploads::Nowhere,
        }
    }
}

impl Access for Guests {
    fn decide(&mut self, caller: &Caller, _: bool) -> Decision {
        let allow = &*self.0.borrow();
        Decision::admit_if(match (caller.purpose, &caller.key, allow) {
            (Purpose::Guest | Purpose::Member, _, None) => true,
            (Purpose::Member, Some(key), Some(allow)) => {
                Fingerprint::new(*key).is_ok_and(|key| allow.find(&key).is_some())
            }
            _ => false,
        })
    }
}

/// Nobody: for who only calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nobody;

impl Access for Nobody {
    fn decide(&mut self, _: &Caller, _: bool) -> Decision {
        Decision::Refuse
    }
}

/// The key of this machine, in that file or where skep has its own.
pub(crate) fn identity(path: Option<&Path>) -> Result<Identity, Failure> {
    match path {
        Some(path) => Identity::load_or_make(path),
        None => Identity::load_or_make(Home::find()?.key()),
    }
}

/// The same as a pair.
pub(crate) fn pair(identity: &Identity) -> KeyPair<RustCrypto> {
    KeyPair::new(identity.secret().clone())
}

/// Both sealed carriers of a key: for UDP and for TCP.
pub(crate) fn sealed<A: Access + Clone>(
    identity: &Identity,
    access: &A,
) -> Result<(skep_smoltcp::rdt::Sealed<A, { super::SESSIONS }>, skep_smoltcp::tcp::Sealed<A>), Failure> {
    let rdt = skep_smoltcp::rdt::Sealed::new(super::sealing(), pair(identity), seed()?, access.clone());
    Ok((rdt, skep_smoltcp::tcp::Sealed::new(pair(identity), seed()?, access.clone())))
}

/// Says where the machine is.
pub(crate) fn announce(args: &Args, listen: &Listen, identity: Option<&Identity>, what: &str) {
    let host = format!("{}:{}", args.ip.address(), listen.port);
    match identity.and_then(|identity| Some((identity, url::Host::parse(&host, listen.port).ok()?))) {
        Some((identity, host)) => {
            say(&format_args!("{what} {}", url::link(&host, &identity.fingerprint(), None).as_str()));
        }
        None => say(&format_args!("{what} tcp://{host}/ and rdt://{host}/ (plain: not encrypted)")),
    }
}
