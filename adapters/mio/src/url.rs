//! Where a file is: `skep://key@host:port/name`, or `tcp://host:port/name`.
//!
//! ```text
//!   rdt://[fe80::1%eth0]:7537/photos/bee%20hive.jpg
//!   └┬┘   └─────┬──────┘ └┬─┘ └─────────┬─────────┘
//!  scheme      host      port          name          percent-decoded; nothing else is
//! ```
//!
//! Without a port: 7537 (SKEP on the keys of a telephone) for `skep`, `tcp` and `rdt`, 7538 for `path`. A `?` or `#` in a
//! name is part of it, for there is no query here: names can be written as they are, save `%`, which is `%25`.
//!
//! `skep` is sealed: it says whose server it has to be.
//!
//! ```text
//!   skep://hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo.AAECAwQFBgcICQoLDA0ODw@bee.example:7537/notes.txt
//!          └───────────────────┬─────────────────────┘ └─────────┬──────────┘
//!              fingerprint of the server's key           code of an invite, in links that invite
//! ```
//!
//! Both stand where a browser has the user, because there a program that takes the link for an address of the web does
//! not send them over the network, and because no punctuation of a sentence touches them: a `.` at the end of a
//! link is often taken for the end of the sentence. Without a fingerprint the host has to be a known one (see
//! [`KnownHosts`](crate::identity::KnownHosts)), and it cannot invite. A code is never shown in a message.

mod host;

#[cfg(test)]
mod tests;

use std::{
    fmt::{self, Display, Formatter},
    path::Path,
    str::FromStr,
};

use skep_core::{limits::NAME_MAX, wire::Name};

pub use host::Host;
use zeroize::Zeroizing;

use crate::{
    conceal::conceal,
    escape::escape,
    identity::{Code, Fingerprint},
};

/// The port of `skep`, `tcp` and `rdt` when none is given.
pub const PORT: u16 = 7537;

/// The port of `path` when none is given.
pub const PATH_PORT: u16 = 7538;

/// How the other side is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// File transfer over TCP.
    Tcp,
    /// File transfer over skep's reliable transport on UDP.
    Rdt,
    /// Path requests over TCP; they only fetch.
    Path,
    /// File transfer that is encrypted, and only with whoever has the right key.
    Skep,
}

impl Scheme {
    /// The port when none is given.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Skep | Self::Tcp | Self::Rdt => PORT,
            Self::Path => PATH_PORT,
        }
    }

    /// The word before `://`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Rdt => "rdt",
            Self::Path => "path",
            Self::Skep => "skep",
        }
    }
}

impl Display for Scheme {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A file on another machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Url {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// Where it is.
    pub host: Host,
    /// The key that the other side has to have. Of `skep` only.
    pub key: Option<Fingerprint>,
    /// The code that lets one in there. Of `skep` only.
    pub invite: Option<Code>,
    /// What follows the slash, decoded: empty, or the file, or a directory with a slash at its end.
    name: String,
}

/// A text is no URL that skep can use; says why and what would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadUrl(String);

impl Url {
    /// The file to fetch.
    ///
    /// # Errors
    /// The URL names no file, or a name that no server takes.
    pub fn name_to_get(&self) -> Result<Name<'_>, BadUrl> {
        if self.name.is_empty() || self.name.ends_with('/') {
            return Err(BadUrl(format!("{self} names no file to fetch; add its name")));
        }
        self.check(&self.name)?;
        Name::new(self.name.as_bytes()).map_err(|_| bad_name(&self.name))
    }

    /// The user at a tracker and the file of his: what stands before the first slash of the name, and behind it. A user
    /// of the plain commands may call a file what no other server would take.
    ///
    /// # Errors
    /// One of them is missing.
    pub fn user_and_file(&self) -> Result<(&str, &str), BadUrl> {
        self.name.split_once('/').filter(|(user, file)| !user.is_empty() && !file.is_empty()).ok_or_else(
            || {
                let Self { host, name, .. } = self;
                BadUrl(format!(
                    "{host} is a tracker; say whose file it is: skep://{host}/USER/{}",
                    escape(name)
                ))
            },
        )
    }

    /// Whether only a tracker can be meant: together with its owner's, a file's name is longer than any on a server.
    pub fn is_of_tracker(&self) -> bool {
        self.scheme == Scheme::Skep
            && self.name.len() > NAME_MAX
            && self.user_and_file().is_ok_and(|(_, file)| Name::new(file.as_bytes()).is_ok())
    }

    /// The name that a local file gets: what the URL says, and where that ends in a slash (or is nothing at all) the
    /// file's own name behind it.
    ///
    /// # Errors
    /// The scheme only fetches, or it is a name that no server takes.
    pub fn name_to_put(&self, file: &Path) -> Result<String, BadUrl> {
        if self.scheme == Scheme::Path {
            return Err(BadUrl("path:// only fetches; put to tcp:// or rdt://".into()));
        }
        let mut name = self.name.clone();
        if name.is_empty() || name.ends_with('/') {
            let own = file.file_name().and_then(|own| own.to_str()).ok_or_else(|| {
                let file = file.display();
                BadUrl(format!("the name of {file} cannot be sent; give one behind the slash of {self}"))
            })?;
            name.push_str(own);
            self.check(&name).map_err(|BadUrl(why)| {
                BadUrl(format!("{why}; give it another name behind the slash of {self}"))
            })?;
        }
        self.check(&name)?;
        Ok(name)
    }

    /// What follows the slash, decoded.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The last component of the name: what a fetched file is called here.
    pub fn last_component(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }

    fn check(&self, name: &str) -> Result<(), BadUrl> {
        // A line break ends a path request.
        if self.scheme == Scheme::Path && name.contains(['\n', '\r']) {
            return Err(BadUrl("path:// cannot carry a name with a line break; use tcp:// or rdt://".into()));
        }
        Name::new(name.as_bytes()).map(drop).map_err(|_| bad_name(name))
    }
}

impl FromStr for Url {
    type Err = BadUrl;

    fn from_str(text: &str) -> Result<Self, BadUrl> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(BadUrl(format!(
                "\"{text}\" is not a URL; write it like skep://KEY@host/name, as `skep serve` prints it"
            )));
        };
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "tcp" => Scheme::Tcp,
            "rdt" => Scheme::Rdt,
            "path" => Scheme::Path,
            "skep" => Scheme::Skep,
            _ => {
                return Err(BadUrl(format!(
                    "{scheme}:// is not known here; there are tcp://, rdt://, path:// and skep://"
                )));
            }
        };
        let (host, name) = rest.split_once('/').unwrap_or((rest, ""));
        let (key, invite, host) = match scheme {
            Scheme::Skep => seal(host).map_err(|why| BadUrl(format!("{text}: {why}")))?,
            _ => (None, None, host),
        };
        let host =
            Host::parse(host, scheme.default_port()).map_err(|why| BadUrl(format!("{text}: {why}")))?;
        if host.port == 0 {
            return Err(BadUrl(format!("{text}: there is no port 0")));
        }
        let name = decode(name).map_err(|why| BadUrl(format!("{text}: {why}")))?;
        Ok(Self { scheme, host, key, invite, name })
    }
}

/// For messages: escaped where it has to be and without the code of an invite, so not always a URL that can be read
/// back.
impl Display for Url {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://", self.scheme)?;
        if let Some(key) = &self.key {
            write!(formatter, "{key}@")?;
        }
        write!(formatter, "{}/{}", self.host, escape(&self.name))
    }
}

impl BadUrl {
    /// What is wrong, and what would be right.
    pub fn because(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl Display for BadUrl {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        escape(&conceal(&self.0)).fmt(formatter)
    }
}

impl std::error::Error for BadUrl {}

/// A link to a server, for somebody to copy: with a code in it, it is a secret.
pub fn link(host: &Host, key: &Fingerprint, invite: Option<&Code>) -> Zeroizing<String> {
    let code = invite.map(Code::reveal);
    let (dot, code) = code.as_ref().map_or(("", ""), |code| (".", code.as_str()));
    Zeroizing::new(format!("{}://{key}{dot}{code}@{host}/", Scheme::Skep))
}

/// Whose server it has to be, the code of an invite, and the host.
fn seal(authority: &str) -> Result<(Option<Fingerprint>, Option<Code>, &str), String> {
    let Some((user, host)) = authority.rsplit_once('@') else {
        // A link that lost its end would otherwise be looked up as a name, code and all.
        return if authority.split(['.', ':']).next().is_some_and(|first| first.len() == Fingerprint::LENGTH) {
            Err("the host is missing behind the key; a link is like skep://KEY@host/".into())
        } else {
            Ok((None, None, authority))
        };
    };
    let (key, code) = user.split_once('.').map_or((user, None), |(key, code)| (key, Some(code)));
    let key =
        key.parse().map_err(|error| format!("before the @ there is the key of the server, but {error}"))?;
    let invite =
        code.map(str::parse).transpose().map_err(|error: crate::identity::BadCode| error.to_string())?;
    Ok((Some(key), invite, host))
}

fn bad_name(name: &str) -> BadUrl {
    let why = if name.len() > NAME_MAX {
        format!("it is longer than {NAME_MAX} bytes")
    } else {
        "no part of it may be empty, begin with a dot or a hyphen, end in a dot or a space, hold a backslash, a colon \
         or anything invisible, or be a device's name on Windows"
            .to_owned()
    };
    BadUrl(format!("\"{}\" cannot be the name of a file on a server: {why}", escape(name)))
}

fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let pair = after.get(..2).and_then(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?));
        bytes.push(pair.ok_or("a % in a name is written %25")?);
        rest = &after[2..];
    }
    String::from_utf8(bytes).map_err(|_| "the name is not UTF-8".into())
}

fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
