//! A machine and a port on it, as users write them.

use std::{
    fmt::{self, Display, Formatter},
    io,
    net::{Ipv6Addr, SocketAddr, ToSocketAddrs},
};

use crate::escape::escape;

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host {
    /// A name or an address; one of IPv6 without its brackets.
    pub name: String,
    /// The port.
    pub port: u16,
}

impl Host {
    /// Reads `host`, `host:port`, `[address]` or `[address]:port`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, String> {
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, after) =
                    rest.split_once(']').ok_or("the bracket after the address is missing")?;
                let (digits, _zone) = address.split_once('%').unwrap_or((address, ""));
                if digits.parse::<Ipv6Addr>().is_err() {
                    return Err(format!("[{address}] is not an IPv6 address"));
                }
                let port = match after.strip_prefix(':') {
                    None if !after.is_empty() => {
                        return Err(format!("there is \"{after}\" behind the bracket"));
                    }
                    port => port,
                };
                (address, port)
            }
            None if text.matches(':').count() > 1 => {
                return Err(
                    "an IPv6 address goes into brackets, and its port behind them: [2001:db8::7]:7537".into(),
                );
            }
            None => match text.split_once(':') {
                Some((name, port)) => (name, Some(port)),
                None => (text, None),
            },
        };
        if name.is_empty() {
            return Err("the host is missing".into());
        }
        if name.contains('@') {
            return Err("there are no users in a skep URL; write the host alone".into());
        }
        if name.contains(|character: char| character.is_whitespace() || character.is_control()) {
            return Err("a host has no spaces in it".into());
        }
        let port = match port {
            None => default_port,
            Some(digits) => port_number(digits)?,
        };
        Ok(Self { name: name.to_owned(), port })
    }

    /// Every address of the host, in the order in which they are to be called: the IP versions alternate, beginning with
    /// the one that the system prefers (RFC 8305, section 4).
    ///
    /// # Errors
    /// The name is not known, or cannot be looked up at the moment.
    pub fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let mut addresses: Vec<SocketAddr> = Vec::new();
        let mut is_of_a_link = false;
        for address in (self.name.as_str(), self.port).to_socket_addrs()? {
            if lacks_interface(&address) {
                is_of_a_link = true;
            } else if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() && is_of_a_link {
            let why = "such an address is one of a link; say by which interface it is, as in [fe80::1%eth0]";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the host has no address"));
        }
        Ok(in_turn(&addresses))
    }
}

/// Whether an address could be anywhere: each link may have it, and none is named.
fn lacks_interface(address: &SocketAddr) -> bool {
    matches!(address, SocketAddr::V6(address) if address.ip().is_unicast_link_local() && address.scope_id() == 0)
}

fn in_turn(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let first = addresses.first().map(SocketAddr::is_ipv4);
    let (preferred, others): (Vec<_>, Vec<_>) =
        addresses.iter().partition(|address| Some(address.is_ipv4()) == first);
    let mut others = others.into_iter();
    let alternate = preferred.into_iter().flat_map(|address| [Some(address), others.next()]);
    let mut all: Vec<SocketAddr> = alternate.flatten().copied().collect();
    all.extend(others);
    all
}

impl Display for Host {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let name = escape(&self.name);
        if self.name.contains(':') {
            write!(formatter, "[{name}]:{}", self.port)
        } else {
            write!(formatter, "{name}:{}", self.port)
        }
    }
}

/// A port in decimal digits. An empty one is a slip of the finger, so not the default.
fn port_number(digits: &str) -> Result<u16, String> {
    let number = if digits.bytes().all(|digit| digit.is_ascii_digit()) { digits.parse().ok() } else { None };
    number.ok_or_else(|| format!("\"{digits}\" is not a port; it is a number from 1 to 65535"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ip_versions_alternate_from_the_preferred_one_on() {
        let addresses =
            |text: &str| text.split(' ').map(|it| it.parse().unwrap()).collect::<Vec<SocketAddr>>();
        for (system, called) in [
            ("[::1]:1 [::2]:1 [::3]:1 1.1.1.1:1", "[::1]:1 1.1.1.1:1 [::2]:1 [::3]:1"),
            ("1.1.1.1:1 [::1]:1 [::2]:1", "1.1.1.1:1 [::1]:1 [::2]:1"),
            ("1.1.1.1:1 1.1.1.2:1", "1.1.1.1:1 1.1.1.2:1"),
        ] {
            assert_eq!(in_turn(&addresses(system)), addresses(called));
        }
    }
}
