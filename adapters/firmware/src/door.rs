//! Who may come in: those whom the tracker has introduced, and everybody else or nobody.

use core::cell::RefCell;
use heapless::Vec;
use skep_core::{
    client::UploadId,
    seal::{
        Psk, Public, Secret,
        layer::{Access, Caller, Decision},
    },
    wire::{
        seal::Purpose,
        session::{Introduction, TOKEN_LENGTH},
    },
};

/// The token of a transfer, which the caller says in clear.
pub type Token = [u8; TOKEN_LENGTH];

/// As many introductions at once as `SIZE`.
pub struct Door<const SIZE: usize> {
    is_public: bool,
    introduced: RefCell<Vec<(UploadId, Token, Public, Psk), SIZE>>,
}

impl<const SIZE: usize> Door<SIZE> {
    /// A door for those who are introduced, and if it is public for everybody.
    pub const fn new(is_public: bool) -> Self {
        Self { is_public, introduced: RefCell::new(Vec::new()) }
    }

    /// Lets one in for a transfer. `false`: there is no room.
    pub fn add(&self, upload: UploadId, token: Token, introduction: &Introduction) -> bool {
        let mut secret = introduction.secret;
        let psk = Psk::new(Secret::take(&mut secret));
        self.introduced.borrow_mut().push((upload, token, Public(introduction.key), psk)).is_ok()
    }

    /// That transfer is over.
    pub fn remove(&self, upload: UploadId) {
        self.introduced.borrow_mut().retain(|known| known.0 != upload);
    }
}

/// The door as the carriers see it.
#[derive(Clone, Copy)]
pub struct Keeper<const SIZE: usize>(pub &'static Door<SIZE>);

impl<const SIZE: usize> Access for Keeper<SIZE> {
    fn decide(&mut self, caller: &Caller, _: bool) -> Decision {
        Decision::admit_if(match caller.purpose {
            Purpose::Peer { .. } => true,
            Purpose::Member | Purpose::Guest => self.0.is_public,
            Purpose::Enrol { .. } | Purpose::Salt => false,
        })
    }

    fn introduction(&mut self, id: &Token) -> Option<(Public, Psk)> {
        let introduced = self.0.introduced.borrow();
        introduced.iter().find(|known| known.1 == *id).map(|known| (known.2, known.3.clone()))
    }
}
