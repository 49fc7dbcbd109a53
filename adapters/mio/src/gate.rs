//! Who we are, and who may come in: shared by all sealed sockets of a driver.

use crate::provider::HostProvider;
use skep_core::{
    seal::{
        CheckKey, KeyPair, Psk, Public, Random, Secret,
        layer::{Access, Caller, Decision, SALT},
    },
    stream::StreamId,
};
use std::{
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// An application's decisions about who comes in, shared. Cheap to clone.
#[derive(Clone)]
pub struct Gate(Arc<Mutex<dyn Access + Send>>);

impl Gate {
    /// A gate that somebody else may hold too.
    pub fn new(access: Arc<Mutex<dyn Access + Send>>) -> Self {
        Self(access)
    }

    /// A gate through which nobody comes: for those who only call.
    pub fn closed() -> Self {
        Self(Arc::new(Mutex::new(Nobody)))
    }

    fn with<T>(&self, ask: impl FnOnce(&mut (dyn Access + Send)) -> T) -> T {
        ask(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Access for Gate {
    fn decide(&mut self, caller: &Caller, is_proven: bool) -> Decision {
        self.with(|access| access.decide(caller, is_proven))
    }

    fn invite(&mut self, id: &[u8; 8]) -> Option<Psk> {
        self.with(|access| access.invite(id))
    }

    fn salt(&mut self, name: &[u8]) -> Option<[u8; SALT]> {
        self.with(|access| access.salt(name))
    }

    fn introduction(&mut self, id: &[u8; 16]) -> Option<(Public, Psk)> {
        self.with(|access| access.introduction(id))
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Gate")
    }
}

struct Nobody;

impl Access for Nobody {
    fn decide(&mut self, _: &Caller, _: bool) -> Decision {
        Decision::Refuse
    }
}

/// What the sealed sockets of a driver have in common.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) own: KeyPair<HostProvider>,
    pub(crate) check: CheckKey<HostProvider>,
    pub(crate) random: Random<HostProvider>,
    pub(crate) gate: Gate,
}

impl Identity {
    pub(crate) fn new(secret: &Secret, gate: Gate) -> io::Result<Self> {
        let own = KeyPair::new(secret.clone());
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(io::Error::other)?;
        let check = CheckKey::new(own.public(), None);
        Ok(Self { own, check, random: Random::new(Secret::take(&mut seed)), gate })
    }
}

/// A stream that wants to be opened in the machine.
#[derive(Clone, Copy, Debug)]
pub struct Admission {
    /// The stream.
    pub stream: StreamId,
    /// What the application calls the socket that it came on.
    pub label: usize,
    /// Where its peer is.
    pub peer: SocketAddr,
    /// Who its peer is, on a sealed socket.
    pub caller: Option<Caller>,
}
