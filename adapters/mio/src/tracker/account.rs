//! Who has a name here, and who may not come in.

use std::{fmt::Display, net::IpAddr, str::FromStr};

use clap::ValueEnum;
use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{escape::escape, identity::Fingerprint};

/// The longest reason that is kept with a ban, in bytes.
pub const REASON_MAX: usize = 200;

/// What somebody may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Log in, share and fetch
    #[default]
    User,
    /// Besides that, all that `skep admin` does, from anywhere
    Admin,
}

/// A name that belongs to a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The key.
    #[serde(with = "text")]
    pub key: Fingerprint,
    /// What its owner may do.
    #[serde(default)]
    pub role: Role,
}

/// Who is banned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Banned {
    /// Whoever comes by this name.
    Name(String),
    /// Whoever has this key.
    Key(#[serde(with = "text")] Fingerprint),
    /// Whoever comes from these addresses.
    Address(IpNet),
}

/// A ban.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ban {
    /// By which it is lifted.
    pub id: u64,
    /// Who it is about.
    pub who: Banned,
    /// When it ends; `None`: when it is lifted.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: String,
}

/// An invite that waits for its guest.
#[derive(Clone, Serialize, Deserialize)]
pub struct Invite {
    /// The name that the guest gets.
    pub name: String,
    /// What he may do then.
    pub role: Role,
    /// When it ends.
    pub until: Timestamp,
    /// The key of his first message.
    pub psk: [u8; 32],
}

impl std::fmt::Debug for Invite {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Invite").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Ban {
    /// Whether it is good for somebody, now. `names`: the one by which he comes, and the one whose visit that is, or the same
    /// again.
    pub fn covers(
        &self,
        names: [&str; 2],
        key: Option<&Fingerprint>,
        address: IpAddr,
        now: Timestamp,
    ) -> bool {
        !self.has_ended(now)
            && match &self.who {
                Banned::Name(banned) => names.contains(&banned.as_str()),
                Banned::Key(banned) => Some(banned) == key,
                Banned::Address(banned) => banned.contains(&address),
            }
    }

    /// Whether its time is over.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

impl Display for Banned {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => write!(formatter, "name {}", escape(name)),
            Self::Key(key) => write!(formatter, "key {key}"),
            Self::Address(net) => write!(formatter, "address {net}"),
        }
    }
}

/// What stands between a user's name and the number of a visit.
pub const VISIT: char = '~';

/// How often whoever is logged in may look in besides, at the same time, for a list or a file.
pub const VISITS: u8 = 8;

/// The name of a user's visit: `NAME~0` to `NAME~7`.
pub fn visit_of(user: &str, number: u8) -> String {
    format!("{user}{VISIT}{number}")
}

/// The user whose visit a name is, if it is one.
pub fn host_of(visit: &str) -> Option<&str> {
    let (user, number) = visit.rsplit_once(VISIT)?;
    (0..VISITS).any(|visit| number == visit.to_string()).then_some(user)
}

/// What a user may be called: at most 64 bytes, and see [`check_shown`].
///
/// # Errors
/// What is wrong with it.
pub fn check_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() || name.len() > skep_core::wire::session::USER_MAX {
        return Err("a name has 1 to 64 bytes");
    }
    check_shown(name)
}

/// What can be shown to others as somebody's name, and stands in links before the name of a file.
///
/// # Errors
/// What is wrong with it.
pub fn check_shown(name: &str) -> Result<(), &'static str> {
    if name.trim() != name {
        return Err("a name neither begins nor ends with a space");
    }
    if name.contains(['/', '\\']) || name == "." || name == ".." {
        return Err("a name stands before a slash in links, and has none");
    }
    if name.chars().any(skep_core::wire::is_hidden) {
        return Err("there is something invisible in the name");
    }
    Ok(())
}

/// An address, or all that begin with the same bits: `192.0.2.7`, `192.0.2.0/24`.
///
/// # Errors
/// It is neither.
pub fn addresses(text: &str) -> Result<IpNet, String> {
    let net: Result<IpNet, _> = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    net.map(|net| canonical(net.trunc()))
        .map_err(|_| "it is an address like 192.0.2.7, or a range like 192.0.2.0/24".into())
}

/// Addresses of IPv4 that are written as some of IPv6 (`::ffff:192.0.2.7`) are meant as what they are: that is how those who
/// come have them.
fn canonical(net: IpNet) -> IpNet {
    let bits = net.prefix_len().checked_sub(96);
    let short = bits.zip(Some(net.addr().to_canonical())).filter(|(_, address)| address.is_ipv4());
    short
        .and_then(|(bits, address)| IpNet::new(address, bits).ok())
        .filter(|_| net.addr().is_ipv6())
        .unwrap_or(net)
}

/// What has a text of its own, in a text.
mod text {
    use super::{Display, FromStr};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(super) fn deserialize<'d, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'d>,
    {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_shown_and_stands_in_a_link() {
        for good in ["ana", "Ana Maria", "größe", "日本", "a.b-c_d", &"x".repeat(64)] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in ["", " a", "a ", "a/b", "a\\b", ".", "..", "a\nb", "a\u{202e}b", "a\0", &"x".repeat(65)] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_ban_covers_whom_it_names_until_it_ends() {
        let (now, later) = (Timestamp::from_second(100).unwrap(), Timestamp::from_second(200).unwrap());
        let address = IpAddr::from([192, 0, 2, 7]);
        let ban = |who, until| Ban { id: 1, who, until, reason: String::new() };
        let of_name = ban(Banned::Name("ana".into()), Some(later));
        let covers = |ban: &Ban, name, now| ban.covers([name; 2], None, address, now);
        assert!(covers(&of_name, "ana", now) && !covers(&of_name, "eva", now));
        assert!(of_name.covers(["ana~0", "ana"], None, address, now));
        assert!(!covers(&of_name, "ana", later));
        for (net, is_covered) in [
            ("192.0.2.7", true),
            ("192.0.2.99/24", true),
            ("192.0.3.0/24", false),
            ("::ffff:192.0.2.7", true),
            ("::ffff:192.0.2.0/120", true),
            ("::ffff:192.0.3.0/120", false),
            ("::/0", false),
        ] {
            let of_address = ban(Banned::Address(addresses(net).unwrap()), None);
            assert_eq!(covers(&of_address, "x", later), is_covered, "{net}");
        }
        assert!(addresses("192.0.2").is_err() && addresses("::1/64").is_ok());
    }

    #[test]
    fn a_visit_is_somebody_s_by_its_number() {
        assert_eq!(
            (host_of("ana~0"), host_of("ana~7"), host_of("a~b~3")),
            (Some("ana"), Some("ana"), Some("a~b"))
        );
        for other in ["ana", "ana~", "ana~8", "ana~07", "ana~0 ", "ana~+1"] {
            assert_eq!(host_of(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_stored_is_read_again() {
        let key: Fingerprint = "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo".parse().unwrap();
        let account = Account { key, role: Role::Admin };
        let text = serde_json::to_string(&account).unwrap();
        assert_eq!(text, format!(r#"{{"key":"{key}","role":"admin"}}"#));
        assert_eq!(serde_json::from_str::<Account>(&text).unwrap(), account);
        let ban =
            Ban { id: 7, who: Banned::Key(key), until: Some(Timestamp::UNIX_EPOCH), reason: "x".into() };
        assert_eq!(serde_json::from_str::<Ban>(&serde_json::to_string(&ban).unwrap()).unwrap(), ban);
    }
}
