//! Who may come through the door: peers that the tracker has introduced, each for one transfer.

use skep_core::{
    seal::{
        Psk, Public, Secret,
        layer::{Access, Caller, Decision},
    },
    wire::{
        seal::Purpose,
        session::{Introduction, TOKEN_LENGTH},
    },
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// The name of a transfer between two peers, which the caller says in clear.
pub(super) type Token = [u8; TOKEN_LENGTH];

type Known = HashMap<Token, (Public, Psk)>;

/// The introductions that are good. Shared with the sockets; cheap to clone.
#[derive(Clone, Default)]
pub struct Introductions(Arc<Mutex<Known>>);

impl Introductions {
    pub(super) fn add(&self, token: Token, introduction: &Introduction) {
        let mut secret = introduction.secret;
        let psk = Psk::new(Secret::take(&mut secret));
        self.with(|known| known.insert(token, (Public(introduction.key), psk)));
    }

    pub(super) fn remove(&self, token: &Token) {
        self.with(|known| known.remove(token));
    }

    fn with<T>(&self, work: impl FnOnce(&mut Known) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Access for Introductions {
    /// Who has the secret of an introduction, and nobody else.
    fn decide(&mut self, caller: &Caller, _: bool) -> Decision {
        Decision::admit_if(matches!(caller.purpose, Purpose::Peer { .. }))
    }

    fn introduction(&mut self, id: &[u8; 16]) -> Option<(Public, Psk)> {
        self.with(|known| known.get(id).map(|(key, psk)| (*key, psk.clone())))
    }
}

impl std::fmt::Debug for Introductions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Introductions")
    }
}
