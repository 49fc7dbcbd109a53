//! Tokens: what proves that a caller receives what is sent to its address (docs/protocol.md section 6.1).
//!
//! ```text
//!   token = SipHash-2-4(secret, the caller's IP address, epoch)
//! ```
//!
//! ACCEPT brings it, PING brings it back; an OPEN may show one of an earlier connection. It is the same for all ports of
//! an address, as those change, and good for one to two epochs (RFC 9000 section 8.1.3 has the same purpose).

use crate::{Instant, time::micros};
use core::{
    fmt::{self, Debug},
    net::IpAddr,
    time::Duration,
};
use siphasher::sip::SipHasher24;

/// How long tokens are made; they are good for as long again.
pub const EPOCH: Duration = Duration::from_secs(12 * 60 * 60);

/// Whether an endpoint proves the addresses of those who call it, and how.
pub trait Tokens: Default + Debug {
    /// Whether it does.
    const ARE_GIVEN: bool;

    /// From now on tokens are made with this secret.
    fn set(&mut self, secret: [u64; 2]);

    /// The token for an address; 0 where there is no secret.
    fn token(&self, now: Instant, address: IpAddr) -> u64;

    /// Whether that token was made for this address, and not too long ago. Where there is no secret every address counts
    /// as proven.
    fn is_good(&self, now: Instant, address: IpAddr, token: u64) -> bool;

    /// What a count is to be as a number that looks random. Who has seen others of them can foretell it only where there
    /// is no secret.
    fn mixed(&self, count: u64) -> u64 {
        // SplitMix64, but for its last step.
        (count ^ count >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    }
}

/// No tokens: what a device does, which sends no more than four segments to one who does not answer.
impl Tokens for () {
    const ARE_GIVEN: bool = false;

    fn set(&mut self, _: [u64; 2]) {}

    fn token(&self, _: Instant, _: IpAddr) -> u64 {
        0
    }

    fn is_good(&self, _: Instant, _: IpAddr, _: u64) -> bool {
        true
    }
}

/// Tokens of a secret, when there is one.
#[derive(Default)]
pub struct Keyed(Option<[u64; 2]>);

impl Keyed {
    fn of_epoch(&self, address: IpAddr, epoch: u64) -> u64 {
        let Some([first, second]) = self.0 else { return 0 };
        // A socket for both families reports an IPv4 address as a mapped one: it is the same.
        let address = match address {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits(),
        };
        let words = [(address >> 64) as u64, address as u64, epoch].map(u64::to_be_bytes);
        // 0 says that there is none.
        SipHasher24::new_with_keys(first, second).hash(words.as_flattened()).max(1)
    }
}

impl Tokens for Keyed {
    const ARE_GIVEN: bool = true;

    fn set(&mut self, secret: [u64; 2]) {
        self.0 = Some(secret);
    }

    fn token(&self, now: Instant, address: IpAddr) -> u64 {
        self.of_epoch(address, epoch(now))
    }

    fn is_good(&self, now: Instant, address: IpAddr, token: u64) -> bool {
        let epoch = epoch(now);
        // Before epoch 0 there was none: nothing is made in the one that its last would be.
        self.0.is_none()
            || token != 0
                && (token == self.of_epoch(address, epoch)
                    || token == self.of_epoch(address, epoch.wrapping_sub(1)))
    }

    fn mixed(&self, count: u64) -> u64 {
        match self.0 {
            // One word, where a token has three.
            Some([first, second]) => SipHasher24::new_with_keys(first, second).hash(&count.to_be_bytes()),
            None => ().mixed(count),
        }
    }
}

impl Debug for Keyed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "Keyed" } else { "none" })
    }
}

const fn epoch(now: Instant) -> u64 {
    now.as_micros() / const { micros(EPOCH) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::{Ipv4Addr, Ipv6Addr};

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
    const BEGIN: Instant = Instant::from_micros(5);

    fn keyed(secret: [u64; 2]) -> Keyed {
        let mut keyed = Keyed::default();
        keyed.set(secret);
        keyed
    }

    #[test]
    fn a_token_is_good_for_its_address_for_one_to_two_epochs() {
        let keyed = keyed([1, 2]);
        let token = keyed.token(BEGIN, HERE);
        assert!(token != 0 && keyed.is_good(BEGIN, HERE, token));
        assert!(keyed.is_good(Instant::from_micros(2 * 12 * 3_600_000_000 - 1), HERE, token));
        assert!(!keyed.is_good(Instant::from_micros(2 * 12 * 3_600_000_000), HERE, token));
        let later = keyed.token(BEGIN + EPOCH, HERE);
        assert!(later != token && !keyed.is_good(BEGIN, HERE, later), "it is not made yet");
    }

    #[test]
    fn another_address_another_secret_and_no_token_are_not() {
        let token = keyed([1, 2]).token(BEGIN, HERE);
        let there = [Ipv4Addr::new(192, 0, 2, 8).into(), Ipv6Addr::LOCALHOST.into()];
        assert!(there.iter().all(|&address| !keyed([1, 2]).is_good(BEGIN, address, token)));
        assert!(!keyed([1, 3]).is_good(BEGIN, HERE, token));
        assert!(!keyed([1, 2]).is_good(BEGIN, HERE, 0));
    }

    #[test]
    fn an_address_of_either_family_is_the_same() {
        let mapped = IpAddr::V6(Ipv4Addr::new(192, 0, 2, 7).to_ipv6_mapped());
        assert!(keyed([1, 2]).is_good(BEGIN, mapped, keyed([1, 2]).token(BEGIN, HERE)));
    }

    #[test]
    fn who_has_no_secret_gives_none_and_asks_for_none() {
        assert_eq!((Keyed::default().token(BEGIN, HERE), ().token(BEGIN, HERE)), (0, 0));
        assert!(Keyed::default().is_good(BEGIN, HERE, 0) && ().is_good(BEGIN, HERE, 7));
    }

    #[test]
    fn numbers_are_drawn_under_the_secret() {
        let numbers = |secret| (0..4).map(|count| keyed(secret).mixed(count)).collect::<Vec<_>>();
        assert_eq!(numbers([1, 2]), numbers([1, 2]));
        assert!(numbers([1, 2]).iter().all(|number| !numbers([1, 3]).contains(number)));
        assert_eq!(Keyed::default().mixed(7), ().mixed(7));
    }

    #[test]
    fn the_secret_is_not_shown() {
        assert_eq!(format!("{:?}", keyed([77, 78])), "Keyed");
    }
}
