//! The file of a secret key: one line, `skep-secret-x25519 <43 characters>`.

use std::path::Path;

use skep_core::seal::Secret;
use zeroize::Zeroizing;

use super::{
    Fingerprint,
    base64url::{decode, encode},
    durable::Locked,
    key::{public, random},
    lines::{bad_line, lines},
    private::{Privacy, read},
};
use crate::exit::Failure;

/// What begins the line. Another kind of key would have another word.
const KIND: &str = "skep-secret-x25519";

/// A key pair that lies in a file.
#[derive(Clone, Debug)]
pub struct Identity {
    secret: Secret,
    fingerprint: Fingerprint,
    is_new: bool,
}

impl Identity {
    /// Reads a key.
    ///
    /// # Errors
    /// There is none, others can read it, it is not understood.
    pub fn load(path: &Path) -> Result<Self, Failure> {
        Self::find(path)?.ok_or_else(|| {
            let shown = path.display();
            Failure::local(format!("there is no key in {shown}; make one with: skep key --key {shown} make"))
        })
    }

    /// Makes a key. Its directory is made too, for nobody else.
    ///
    /// # Errors
    /// There is something of that name already: a key that is replaced locks out whoever knew it. It cannot be
    /// written.
    pub fn make(path: &Path) -> Result<Self, Failure> {
        if path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
        Self::make_locked(&Locked::lock(path)?, path)
    }

    /// Reads the key, or makes one if there is none. Whoever does it at the same time gets the same key.
    ///
    /// # Errors
    /// Those of [`Identity::load`] and [`Identity::make`].
    pub fn load_or_make(path: &Path) -> Result<Self, Failure> {
        if let Some(found) = Self::find(path)? {
            return Ok(found);
        }
        let locked = Locked::lock(path)?;
        match Self::find(path)? {
            Some(found) => Ok(found),
            None => Self::make_locked(&locked, path),
        }
    }

    /// The secret key.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The public key.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Whether it was made just now, which its owner should read.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    fn make_locked(locked: &Locked, path: &Path) -> Result<Self, Failure> {
        if path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
        let secret = random().map_err(|error| Failure::cannot("make a key", &error))?;
        locked.create(&line_of(&secret))?;
        Ok(Self { fingerprint: public(&secret), secret, is_new: true })
    }

    fn find(path: &Path) -> Result<Option<Self>, Failure> {
        let Some((text, _)) = read(path, Privacy::Secret)? else { return Ok(None) };
        let secret = parse(path, &text)?;
        Ok(Some(Self { fingerprint: public(&secret), secret, is_new: false }))
    }
}

fn exists(path: &Path) -> Failure {
    let shown = path.display();
    Failure::local(format!(
        "there is a {shown} already, and it is not replaced; see it with: skep key show; or move it away"
    ))
}

fn line_of(secret: &Secret) -> Zeroizing<String> {
    let text = encode(secret.expose());
    let mut line = Zeroizing::new(String::with_capacity(KIND.len() + text.len() + 2));
    for part in [KIND, " ", &text, "\n"] {
        line.push_str(part);
    }
    line
}

fn parse(path: &Path, text: &str) -> Result<Secret, Failure> {
    let mut found = lines(text);
    let (number, line) = found.next().unwrap_or((1, ""));
    let bad = |why: &str| Failure::local(format!("{}, line {number}: {why}", path.display()));
    let mut bytes = match line.split_once(' ').unwrap_or((line, "")) {
        (KIND, key) => decode(key).ok_or_else(|| bad("the key is damaged; it has 43 characters"))?,
        _ if line.starts_with("skep-x25519 ") => {
            return Err(bad(
                "this is a public key; here belongs the secret one, which `skep key make` makes",
            ));
        }
        _ if line.starts_with("skep-secret-") => {
            return Err(bad("this kind of key is not known; it may be one of a newer skep"));
        }
        _ => return Err(bad(&format!("this is not a secret key of skep, which begins with {KIND}"))),
    };
    match found.next() {
        None => Ok(Secret::take(&mut bytes)),
        Some((number, _)) => Err(bad_line(path, number, "there is one key in a file, and nothing behind it")),
    }
}
