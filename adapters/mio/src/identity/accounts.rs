//! Keys that are made of passwords.
//!
//! ```text
//!   client                                      server
//!   name ─────────────────────────────────────► salt and cost, real ones or made up ones
//!   Argon2id(password, salt) = secret key
//!   the handshake with this key ──────────────► find(public key)
//! ```
//!
//! The server never sees a password, nor anything that opens the door by itself. Its file has public keys.

use std::{
    collections::{HashMap, HashSet},
    fmt::{self, Display, Formatter},
    path::Path,
    str::FromStr,
};

use skep_core::seal::{Secret, layer::SALT};

use super::{
    Cost, Fingerprint, Label, Password, Rights, Salt,
    cost::password_secret,
    key::{hash, public},
    lines::{bad_line, lines},
    private::Privacy,
    watched::{Content, Watched},
};
use crate::exit::Failure;

/// What begins a line.
const KIND: &str = "skep-account";

/// A name, and what its password is checked by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name that is logged in with.
    pub name: Label,
    /// What a try costs.
    pub cost: Cost,
    /// What makes the key another one than elsewhere.
    pub salt: Salt,
    /// The public key of the password.
    pub key: Fingerprint,
    /// What it may do.
    pub rights: Rights,
}

impl Account {
    /// A new account with a salt of its own.
    ///
    /// # Errors
    /// There is no memory for the computation, or no random bytes.
    pub fn new(name: Label, password: &Password, cost: Cost, rights: Rights) -> Result<Self, Failure> {
        let salt = Salt::random().map_err(|error| Failure::cannot("make a salt", &error))?;
        let key = public(&password_secret(password, &salt, cost)?);
        Ok(Self { name, cost, salt, key, rights })
    }
}

/// `skep-account NAME COST SALT KEY [RIGHTS]`.
impl FromStr for Account {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let mut words = line.split_whitespace();
        let mut word = || {
            words
                .next()
                .ok_or(format!("a line is `{KIND} NAME COST SALT KEY`, as `skep key password` prints it"))
        };
        if word()? != KIND {
            return Err(format!("a line begins with {KIND}"));
        }
        let (name, cost, salt) = (word()?.parse()?, word()?.parse()?, word()?.parse()?);
        let key = word()?.parse().map_err(|error: super::BadFingerprint| error.to_string())?;
        Ok(Self { name, cost, salt, key, rights: Rights::parse(words)? })
    }
}

impl Display for Account {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self { name, cost, salt, key, rights } = self;
        write!(formatter, "{KIND} {name} {cost} {salt} {key}{rights}")
    }
}

/// The file of accounts.
#[derive(Debug)]
pub struct Accounts(Watched<Table>);

#[derive(Debug, Default)]
struct Table {
    by_name: HashMap<Label, Account>,
    names: HashMap<Fingerprint, Label>,
}

impl Content for Table {
    // With what is in it passwords can be tried at home.
    const PRIVACY: Privacy = Privacy::Secret;

    fn parse(path: &Path, text: &str) -> Result<Self, Failure> {
        let mut table = Self::default();
        let mut salts = HashSet::new();
        for (number, line) in lines(text) {
            let bad = |why: &str| bad_line(path, number, why);
            let account: Account = line.parse().map_err(|why: String| bad(&why))?;
            // A salt that is there twice shows who has the same password.
            if !salts.insert(account.salt.0) {
                return Err(bad("an earlier line has the same salt"));
            }
            if table.names.insert(account.key, account.name.clone()).is_some() {
                return Err(bad("an earlier line has the same key"));
            }
            if table.by_name.insert(account.name.clone(), account).is_some() {
                return Err(bad("an earlier line has the same name"));
            }
        }
        Ok(table)
    }
}

impl Accounts {
    /// Reads the file; one that is not there has no accounts.
    ///
    /// # Errors
    /// Others can read it, or a line is not understood.
    pub fn load(path: &Path) -> Result<Self, Failure> {
        Watched::load_or_empty(path).map(Self)
    }

    /// Whether there is no account.
    pub fn is_empty(&self) -> bool {
        self.0.content().by_name.is_empty()
    }

    /// The names that there are, in order.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.0.content().by_name.keys().map(Label::as_str).collect();
        names.sort_unstable();
        names
    }

    /// Whose key it is, if it may come in.
    pub fn find(&self, key: &Fingerprint) -> Option<&Account> {
        let table = self.0.content();
        table.names.get(key).and_then(|name| table.by_name.get(name))
    }

    /// What a client has to know to make the key of a password. For a name that there is not, something is made up that
    /// looks the same and stays the same, so that nobody learns here which names there are. `secret` is the server's
    /// key. A cost other than [`Cost::DEFAULT`] gives its account away, for nothing else is made up.
    pub fn salt_of(&self, name: &str, secret: &Secret) -> (Salt, Cost) {
        // Made up in any case, so that both answers take the same time.
        let fake = (fake_salt(secret, name), Cost::DEFAULT);
        let account = name.parse::<Label>().ok().and_then(|name| self.0.content().by_name.get(&name));
        account.map_or(fake, |account| (account.salt, account.cost))
    }

    /// The same as a client is answered: see [`SALT`].
    pub fn answer(&self, name: &str, secret: &Secret) -> [u8; SALT] {
        let (salt, cost) = self.salt_of(name, secret);
        let mut answer = [0; SALT];
        answer[..16].copy_from_slice(&salt.0);
        for (to, number) in answer[16..].chunks_mut(4).zip([cost.memory(), cost.passes(), cost.lanes()]) {
            to.copy_from_slice(&number.to_be_bytes());
        }
        answer
    }

    /// Whether there is an account of this name.
    pub fn has_name(&self, name: &str) -> bool {
        name.parse::<Label>().is_ok_and(|name| self.0.content().by_name.contains_key(&name))
    }

    /// Reads the file again if it has changed, and says whether it had.
    ///
    /// # Errors
    /// It is not understood now; the accounts of before count until it is right.
    pub fn reload_if_changed(&mut self) -> Result<bool, Failure> {
        self.0.reload_if_changed()
    }
}

/// The salt of a name that there is not: the first 16 bytes of `BLAKE2s("fake salt" || secret || name)`. As long as the
/// secret is one, it cannot be told from a random salt.
pub fn fake_salt(secret: &Secret, name: &str) -> Salt {
    let mut salt = [0; 16];
    salt.copy_from_slice(&hash(&[b"fake salt", secret.expose(), name.as_bytes()]).expose()[..16]);
    Salt(salt)
}
