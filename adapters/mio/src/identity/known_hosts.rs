//! The keys of servers that somebody has told us to remember.
//!
//! ```text
//!   bee.example:7537 hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo
//!   [2001:db8::7]:7537 3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08
//! ```
//!
//! Nothing comes in here by itself. A link with a key is enough to call a server; a link without one works for servers
//! that are here. Where link and file disagree, nobody is called.

use std::{collections::HashMap, net::IpAddr, path::Path};

use super::{
    Fingerprint,
    lines::{bad_line, lines, with_line, without_lines},
    private::Privacy,
    watched::{Content, Watched},
};
use crate::{
    escape::escape,
    exit::Failure,
    url::{Host, PORT},
};

/// What is known of the key of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The file has this key, and the link has none or the same.
    Matches(Fingerprint),
    /// The link has this key, and the file does not know the server.
    Linked(Fingerprint),
    /// Link and file have different keys.
    Differs {
        /// What the file says.
        known: Fingerprint,
        /// What the link says.
        linked: Fingerprint,
    },
    /// Neither has a key.
    Unknown,
}

/// The file of the keys of servers.
#[derive(Debug)]
pub struct KnownHosts(Watched<Hosts>);

#[derive(Debug, Default)]
struct Hosts(HashMap<String, (usize, Fingerprint)>);

impl Content for Hosts {
    const PRIVACY: Privacy = Privacy::Own;

    fn parse(path: &Path, text: &str) -> Result<Self, Failure> {
        let mut hosts = HashMap::new();
        for (number, line) in lines(text) {
            let bad = |why: &str| bad_line(path, number, why);
            let words: Vec<_> = line.split_whitespace().collect();
            let [host, key] = words[..] else { return Err(bad("a line is `HOST:PORT FINGERPRINT`")) };
            let host = Host::parse(host, PORT).map_err(|why| bad(&why))?;
            let key = key.parse().map_err(|error: super::BadFingerprint| bad(&error.to_string()))?;
            if let Some((first, _)) = hosts.insert(canonical(&host), (number, key)) {
                return Err(bad(&format!("line {first} has the same host")));
            }
        }
        Ok(Self(hosts))
    }
}

impl KnownHosts {
    /// Reads the file; one that is not there knows nobody.
    ///
    /// # Errors
    /// Others can change it, or a line is not understood.
    pub fn load(path: &Path) -> Result<Self, Failure> {
        Watched::load_or_empty(path).map(Self)
    }

    /// What link and file together know of a server.
    pub fn check(&self, host: &Host, linked: Option<Fingerprint>) -> Verdict {
        let known = self.0.content().0.get(&canonical(host)).map(|(_, key)| *key);
        match (known, linked) {
            (Some(known), Some(linked)) if known != linked => Verdict::Differs { known, linked },
            (Some(known), _) => Verdict::Matches(known),
            (None, Some(linked)) => Verdict::Linked(linked),
            (None, None) => Verdict::Unknown,
        }
    }

    /// The key that the server has to have.
    ///
    /// # Errors
    /// None is known, or two are; says what to do.
    pub fn expect(&self, host: &Host, linked: Option<Fingerprint>) -> Result<Fingerprint, Failure> {
        match self.check(host, linked) {
            Verdict::Matches(key) | Verdict::Linked(key) => Ok(key),
            Verdict::Differs { known, linked } => Err(self.differs(host, known, linked)),
            Verdict::Unknown => Err(Failure::usage(format!(
                "the key of {host} is not known; use the link that its server printed (skep://KEY@{host}/), or remember it: \
                 skep known add skep://KEY@{host}/"
            ))),
        }
    }

    /// Remembers the key of a server; `false` if it was known already.
    ///
    /// # Errors
    /// Another key is known, or the file cannot be read or written.
    pub fn add(&mut self, host: &Host, key: Fingerprint) -> Result<bool, Failure> {
        if host.name.starts_with('#') {
            return Err(Failure::usage(format!("{host} would be a comment in the file of known hosts")));
        }
        // Before and after the lock: the first time for the better message, the second because of other processes.
        self.0.reload_if_changed()?;
        self.expect(host, Some(key))?;
        let name = canonical(host);
        let line = format!("{name} {key}");
        self.0.update(|hosts, text| match hosts.0.get(&name) {
            None => Ok((Some(with_line(text, &line)), true)),
            Some((_, known)) if *known == key => Ok((None, false)),
            Some(_) => Err(Failure::local(format!("another key of {host} was remembered at the same time"))),
        })
    }

    /// Forgets a server; `false` if it was not known.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn remove(&mut self, host: &Host) -> Result<bool, Failure> {
        let name = canonical(host);
        self.0.update(|hosts, text| {
            let line = hosts.0.get(&name).map(|(number, _)| *number);
            Ok((line.map(|number| without_lines(text, &[number])), line.is_some()))
        })
    }

    /// All servers in the order of their names.
    pub fn list(&self) -> Vec<(&str, Fingerprint)> {
        let mut hosts: Vec<_> =
            self.0.content().0.iter().map(|(host, (_, key))| (host.as_str(), *key)).collect();
        hosts.sort_unstable();
        hosts
    }

    fn differs(&self, host: &Host, known: Fingerprint, linked: Fingerprint) -> Failure {
        Failure::network(format!(
            "{host} is known with the key {known}, and the link says {linked}: either the server has a new key, or the link \
             leads to somebody else; ask whoever runs the server, and only if the key is new: skep known remove {host} \
             (known keys are in {})",
            self.0.path().display()
        ))
    }
}

/// One text for one server: names in small letters without a dot at the end, addresses in their shortest form.
fn canonical(host: &Host) -> String {
    let name = match host.name.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => host.name.strip_suffix('.').unwrap_or(&host.name).to_lowercase(),
    };
    if name.contains(':') {
        format!("[{}]:{}", escape(&name), host.port)
    } else {
        format!("{}:{}", escape(&name), host.port)
    }
}
