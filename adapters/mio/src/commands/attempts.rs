//! Why a host could not be reached: what became of each call.

use crate::url::Host;
use std::{
    fmt::{self, Display, Formatter},
    net::SocketAddr,
};

/// What became of the calls to a host, in words: one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Attempts(String);

impl Attempts {
    /// A call came to nothing. `way` is `udp` or `tcp`, or empty where there is only one. An address that the user has
    /// given is not said again.
    pub(super) fn failed(&mut self, host: &Host, address: SocketAddr, way: &str, reason: &str) {
        if !self.0.is_empty() {
            self.0.push_str("; ");
        }
        let is_given = address.to_string() == host.to_string();
        self.0.push_str(&match (is_given, way) {
            (true, "") => reason.to_owned(),
            (true, way) => format!("{way}: {reason}"),
            (false, "") => format!("{address}: {reason}"),
            (false, way) => format!("{address} ({way}): {reason}"),
        });
    }
}

impl Display for Attempts {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_said_where_the_user_has_not_given_it() {
        let address = "127.0.0.1:7".parse().unwrap();
        let told = |host: &str| {
            let host = Host::parse(host, 7).unwrap();
            let mut attempts = Attempts::default();
            attempts.failed(&host, address, "udp", "no answer");
            attempts.failed(&host, address, "", "refused");
            attempts.to_string()
        };
        assert_eq!(told("127.0.0.1"), "udp: no answer; refused");
        assert_eq!(told("bee.example"), "127.0.0.1:7 (udp): no answer; 127.0.0.1:7: refused");
    }
}
