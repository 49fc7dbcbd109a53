//! A public key as a line: `skep-x25519 <fingerprint> name`.

use std::{
    fmt::{self, Display, Formatter},
    str::FromStr,
};

use super::{Fingerprint, Label, Rights};

/// What begins the line. Another kind of key would have another word.
const KIND: &str = "skep-x25519";

/// The line that goes from a client into the allow file of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicLine {
    /// The key.
    pub key: Fingerprint,
    /// What it is called.
    pub name: Label,
    /// What it may do.
    pub rights: Rights,
}

impl FromStr for PublicLine {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let mut words = line.split_whitespace();
        match words.next() {
            Some(KIND) => {}
            // Not repeated: somebody has put a secret key here.
            Some(word) if word.starts_with("skep-secret-") => {
                return Err(
                    "this is a secret key; here belongs the line that `skep key export` prints".into()
                );
            }
            _ => return Err(format!("a line is `{KIND} KEY NAME`, as `skep key export` prints it")),
        }
        let key = words.next().ok_or("the key is missing")?;
        let key = key.parse().map_err(|error: super::BadFingerprint| error.to_string())?;
        let name = words.next().ok_or("the name behind the key is missing")?.parse()?;
        Ok(Self { key, name, rights: Rights::parse(words)? })
    }
}

impl Display for PublicLine {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{KIND} {} {}{}", self.key, self.name, self.rights)
    }
}
