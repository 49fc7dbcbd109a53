//! What both sides must agree on before the first message, or the handshake fails.

use crate::wire::seal::{Purpose, Suites, VERSION};

/// What carries the session. The same handshake over the other one fails, so that no text sealed for a
/// datagram is ever tried as a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Transport {
    /// Datagrams over UDP: byte `U`.
    Datagrams,
    /// Records over TCP: byte `T`.
    Records,
}

/// What is authenticated besides the messages. Both sides make it from what they sent or received in clear,
/// and from what they know: whoever changes any of it on the way breaks the handshake.
///
/// | bytes | field |
/// |---|---|
/// | 4 | `skep` |
/// | 1 | transport: `U` or `T` |
/// | 1 | version 1 |
/// | 1 | suites offered |
/// | 1 | purpose |
/// | 16 | id of the invitation or of the introduction, filled up with zeros |
/// | 32 | context |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Prologue {
    /// What carries the session.
    pub transport: Transport,
    /// What the client offers.
    pub suites: Suites,
    /// What it wants.
    pub purpose: Purpose,
    /// The hash of whatever else the two sides must agree on; all zero for nothing. Not secret.
    pub context: [u8; 32],
}

impl Prologue {
    /// Its length in bytes.
    pub const LENGTH: usize = 56;

    /// One without a context.
    pub const fn new(transport: Transport, suites: Suites, purpose: Purpose) -> Self {
        Self { transport, suites, purpose, context: [0; 32] }
    }

    /// Its bytes.
    pub fn bytes(&self) -> [u8; Self::LENGTH] {
        let transport = match self.transport {
            Transport::Datagrams => b'U',
            Transport::Records => b'T',
        };
        let head = [transport, VERSION, self.suites.byte(), self.purpose.byte()];
        let id = self.purpose.id().iter().chain(&[0; 16]).take(16);
        let mut bytes = [0; Self::LENGTH];
        for (to, from) in bytes.iter_mut().zip(b"skep".iter().chain(&head).chain(id).chain(&self.context)) {
            *to = *from;
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_these_bytes() {
        let prologue = Prologue {
            transport: Transport::Datagrams,
            suites: Suites::CHACHA,
            purpose: Purpose::Enrol { invite: *b"invited!" },
            context: [0xcc; 32],
        };
        let golden = [&b"skepU\x01\x01\x04invited!\0\0\0\0\0\0\0\0"[..], &[0xcc; 32]].concat();
        assert_eq!(prologue.bytes()[..], golden[..]);
        let other = Prologue { transport: Transport::Records, purpose: Purpose::Member, ..prologue };
        let golden = [&b"skepT\x01\x01\x01"[..], &[0; 16], &[0xcc; 32]].concat();
        assert_eq!(other.bytes()[..], golden[..]);
    }
}
