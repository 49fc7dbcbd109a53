//! Why a host could not be reached: what became of each call.

use crate::{exit::reason, url::Host};
use std::{
    fmt::{self, Display, Formatter},
    io,
    net::SocketAddr,
    time::Duration,
};

/// How long an address has to answer before the next one is called, too (RFC 8305, section 5).
pub(super) const APART: Duration = Duration::from_millis(250);

/// By what one wants to be let in, which may be why a server does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    Key,
    Password,
    Invite,
}

/// How the system says that no program listens on a port.
const REFUSED: &str = "Connection refused";

/// How it says that nothing is sent to an address.
const UNSENT: [&str; 4] =
    ["Network is unreachable", "No route to host", "Permission denied", "Operation not permitted"];

/// What became of the calls to a host, in words: one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Attempts {
    words: Vec<String>,
    /// Calls over TCP, and those of them that the system there refused, as no program listens.
    over_tcp: usize,
    refused: usize,
    /// A call has left, so somebody may have heard it.
    has_called: bool,
    /// There was nobody to call.
    is_lost: bool,
}

impl Attempts {
    /// A call came to nothing. `way` is `udp` or `tcp`, or empty where there is only one. An address that the user has
    /// given is not said again.
    pub(super) fn failed(&mut self, host: &Host, address: SocketAddr, way: &str, reason: &str) {
        self.has_called |= !UNSENT.contains(&reason);
        if way == "tcp" {
            self.over_tcp += 1;
            self.refused += usize::from(reason == REFUSED);
        }
        let is_given = address.to_string() == host.to_string();
        let words = match (is_given, way) {
            (true, "") => reason.to_owned(),
            (true, way) => format!("{way}: {reason}"),
            (false, "") => format!("{address}: {reason}"),
            (false, way) => format!("{address} ({way}): {reason}"),
        };
        // Over TCP it may have been called twice: with an invite, and without.
        if !self.words.contains(&words) {
            self.words.push(words);
        }
    }

    /// The host has no address.
    pub(super) fn not_found(&mut self, error: &io::Error) {
        self.is_lost = true;
        self.words.push(format!("it cannot be found: {}", reason(error)));
    }

    /// What may be the matter, where everything is sealed, and the other side a `what`.
    pub(super) fn hint(&self, what: &str, proof: Proof) -> String {
        if self.is_lost || !self.has_called {
            return String::new();
        }
        if self.over_tcp > 0 && self.refused == self.over_tcp {
            return format!("; nobody listens there: does the {what} run, and on that port?");
        }
        match proof {
            Proof::Key => format!(
                "; a {what} is silent to those who do not know its key, and to those whom it does not let in"
            ),
            Proof::Password => format!(
                "; a {what} is silent to a wrong password, and after a few of them for a while to the right one, too"
            ),
            Proof::Invite => "; the invite may be used up or over; ask for another".to_owned(),
        }
    }
}

impl Display for Attempts {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.words.join("; "))
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
            attempts.failed(&host, address, "udp", "no answer");
            attempts.to_string()
        };
        assert_eq!(told("127.0.0.1"), "udp: no answer; refused");
        assert_eq!(told("bee.example"), "127.0.0.1:7 (udp): no answer; 127.0.0.1:7: refused");
    }

    #[test]
    fn where_no_program_listens_the_key_is_not_to_blame() {
        let hint = |reasons: &[(&str, &str)]| {
            let mut attempts = Attempts::default();
            for (way, reason) in reasons {
                attempts.failed(&Host::parse("bee", 7).unwrap(), "127.0.0.1:7".parse().unwrap(), way, reason);
            }
            attempts.hint("server", Proof::Key)
        };
        let silent =
            "; a server is silent to those who do not know its key, and to those whom it does not let in";
        assert!(
            hint(&[("udp", "no answer"), ("tcp", REFUSED)])
                .starts_with("; nobody listens there: does the server run")
        );
        assert_eq!(hint(&[("udp", "no answer"), ("tcp", REFUSED), ("tcp", "closed")]), silent);
        assert_eq!(hint(&[("udp", "no answer")]), silent);
        // Nor where nobody was asked.
        assert_eq!(hint(&[("udp", "Network is unreachable"), ("tcp", "No route to host")]), "");
        assert_eq!(hint(&[("udp", "no answer"), ("tcp", "No route to host")]), silent);
    }
}
