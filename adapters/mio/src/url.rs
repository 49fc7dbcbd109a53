//! Where a file is: `tcp://host:port/name`.
//!
//! ```text
//!   rdt://[fe80::1%eth0]:7537/photos/bee%20hive.jpg
//!   └┬┘   └─────┬──────┘ └┬─┘ └─────────┬─────────┘
//!  scheme      host      port          name          percent-decoded; nothing else is
//! ```
//!
//! Without a port: 7537 (SKEP on the keys of a telephone) for `tcp` and `rdt`, 7538 for `path`. A `?` or `#` in a
//! name is part of it, for there is no query here: names can be written as they are, save `%`, which is `%25`.

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

use crate::escape::escape;

/// The port of `tcp` and `rdt` when none is given.
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
}

impl Scheme {
    /// The port when none is given.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Tcp | Self::Rdt => PORT,
            Self::Path => PATH_PORT,
        }
    }

    /// The word before `://`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Rdt => "rdt",
            Self::Path => "path",
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
        }
        self.check(&name)?;
        Ok(name)
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
                "\"{text}\" is not a URL; write it like tcp://host/name or rdt://host/name"
            )));
        };
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "tcp" => Scheme::Tcp,
            "rdt" => Scheme::Rdt,
            "path" => Scheme::Path,
            _ => {
                return Err(BadUrl(format!(
                    "{scheme}:// is not known here; there are tcp://, rdt:// and path://"
                )));
            }
        };
        let (host, name) = rest.split_once('/').unwrap_or((rest, ""));
        let host =
            Host::parse(host, scheme.default_port()).map_err(|why| BadUrl(format!("{text}: {why}")))?;
        if host.port == 0 {
            return Err(BadUrl(format!("{text}: there is no port 0")));
        }
        let name = decode(name).map_err(|why| BadUrl(format!("{text}: {why}")))?;
        Ok(Self { scheme, host, name })
    }
}

/// For messages: escaped where it has to be, so not always a URL that can be read back.
impl Display for Url {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}/{}", self.scheme, self.host, escape(&self.name))
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
        escape(&self.0).fmt(formatter)
    }
}

impl std::error::Error for BadUrl {}

fn bad_name(name: &str) -> BadUrl {
    let why = if name.len() > NAME_MAX {
        format!("longer than {NAME_MAX} bytes")
    } else {
        "no relative path (an empty part, . or .., or a NUL in it)".to_owned()
    };
    BadUrl(format!("\"{}\" cannot be the name of a file: it is {why}", escape(name)))
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
