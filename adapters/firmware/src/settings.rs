//! What an image was started with: words of the form `name=value` on the command line.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

/// The settings.
#[derive(Clone, Copy)]
pub struct Settings<'a>(&'a str);

impl<'a> Settings<'a> {
    /// The settings of a command line.
    pub const fn new(line: &'a str) -> Self {
        Self(line)
    }

    /// The value of a setting, where it stands first.
    pub fn get(self, name: &str) -> Option<&'a str> {
        self.0.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    /// `ip=10.9.0.2/24`, which is also what holds where nothing else is said.
    pub fn network(self) -> (Ipv4Addr, u8) {
        let parse = |text: &str| {
            let (address, length) = text.split_once('/')?;
            Some((ipv4(address)?, length.parse().ok().filter(|&length| length <= 32)?))
        };
        self.get("ip").and_then(parse).unwrap_or((Ipv4Addr::new(10, 9, 0, 2), 24))
    }

    /// `gateway=10.9.0.1`.
    pub fn gateway(self) -> Option<Ipv4Addr> {
        self.get("gateway").and_then(ipv4)
    }

    /// `seed=`, a key that nobody can guess. The boards have no source of randomness: all that is secret or random on
    /// them follows from this.
    pub fn seed(self) -> Option<[u8; 32]> {
        key(self.get("seed")?)
    }

    /// A number that nobody else has, for what need not be secret.
    pub fn number(self) -> Option<u64> {
        Some(u64::from_le_bytes(*self.seed()?.first_chunk()?))
    }

    /// `tracker=KEY@10.9.0.1:7540`: its public key, and where it is.
    pub fn tracker(self) -> Option<([u8; 32], SocketAddr)> {
        let (public, address) = self.get("tracker")?.split_once('@')?;
        Some((key(public)?, socket_address(address)?))
    }
}

/// An address in the form `10.9.0.1`. The parser of the standard library takes 2 KiB.
pub fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut words = text.split('.');
    for octet in &mut octets {
        *octet = words.next()?.parse().ok()?;
    }
    words.next().is_none().then_some(octets.into())
}

/// An address with port, in the form `10.9.0.1:7537`.
pub fn socket_address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    Some(SocketAddrV4::new(ipv4(address)?, port.parse().ok()?).into())
}

/// The digits of base64url (RFC 4648 section 5).
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// 32 bytes as links have them: 43 digits of base64url.
pub fn key(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let mut places = bytes.iter_mut();
    let (mut held, mut bits) = (0_u32, 0);
    for digit in text.bytes() {
        let value = DIGITS.iter().position(|&known| known == digit)?;
        held = held << 6 | value as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            *places.next()? = (held >> bits) as u8;
        }
    }
    (text.len() == 43).then_some(bytes)
}

/// The same the other way round.
pub fn key_text(bytes: &[u8; 32]) -> [u8; 43] {
    let bit = |index: usize| bytes.get(index / 8).map_or(0, |byte| byte >> (7 - index % 8) & 1);
    core::array::from_fn(|digit| {
        let value = (0..6).fold(0, |value, offset| value << 1 | bit(digit * 6 + offset));
        DIGITS[usize::from(value)]
    })
}
