//! The code of an invite: 128 random bits that let one key in, once.

use std::{
    fmt::{self, Debug, Display, Formatter},
    hash::{Hash, Hasher},
    io,
    str::FromStr,
};

use skep_core::seal::{Psk, RustCrypto};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{
    base64url::{decode, encode},
    key::{fill, hash},
};

/// The code of an invite. As text: 22 characters of base64url. It is not shown by accident: only
/// [`reveal`](Code::reveal) gives the text.
#[derive(Clone)]
pub struct Code(Zeroizing<[u8; 16]>);

/// What an invite is called in the open. It says nothing about the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InviteId(pub [u8; 8]);

/// A text is no code of an invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadCode;

impl Code {
    /// A new one.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn random() -> io::Result<Self> {
        let mut bytes = Zeroizing::new([0; 16]);
        fill(&mut *bytes)?;
        Ok(Self(bytes))
    }

    /// What the client says in the open, so that the server finds the other half: the first 8 bytes of
    /// `BLAKE2s("invite id" || code)`.
    pub fn id(&self) -> InviteId {
        let mut id = [0; 8];
        id.copy_from_slice(&hash(&[b"invite id", &*self.0]).expose()[..8]);
        InviteId(id)
    }

    /// The key of the first message: `BLAKE2s("invite" || code)`.
    pub fn psk(&self) -> Psk {
        Psk::invite::<RustCrypto>(&self.0)
    }

    /// The text, for a link.
    pub fn reveal(&self) -> Zeroizing<String> {
        encode(&self.0)
    }
}

impl FromStr for Code {
    type Err = BadCode;

    fn from_str(text: &str) -> Result<Self, BadCode> {
        decode(text).map(Self).ok_or(BadCode)
    }
}

impl Debug for Code {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("Code(hidden)")
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

impl Eq for Code {}

impl Hash for Code {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

impl FromStr for InviteId {
    type Err = BadCode;

    fn from_str(text: &str) -> Result<Self, BadCode> {
        decode(text).map(|bytes| Self(*bytes)).ok_or(BadCode)
    }
}

impl Display for InviteId {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&encode(&self.0))
    }
}

impl Display for BadCode {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("the invite is damaged; copy the link again")
    }
}

impl std::error::Error for BadCode {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python: `blake2s(b"invite" + bytes(range(16)))`, and so on.
    #[test]
    fn the_halves_of_a_code_are_known() {
        let code = Code(Zeroizing::new(std::array::from_fn(|index| index as u8)));
        assert_eq!(code.reveal().as_str(), "AAECAwQFBgcICQoLDA0ODw");
        assert_eq!(code.id().0, ID);
        assert_eq!(*code.psk().expose(), PSK);
    }

    const ID: [u8; 8] = [0xfc, 0xbd, 0xfa, 0x5e, 0x50, 0xc1, 0xfe, 0x1b];
    const PSK: [u8; 32] = [
        0x4f, 0xd6, 0x22, 0xad, 0x11, 0xae, 0x42, 0x92, 0xe2, 0xe2, 0x2d, 0x88, 0xaa, 0xc5, 0x74, 0x9d, 0x63,
        0xc2, 0x51, 0xa2, 0xd7, 0x5e, 0xa5, 0x4c, 0x16, 0xa8, 0x5a, 0x1d, 0x24, 0x69, 0xe7, 0x69,
    ];

    #[test]
    fn a_code_is_read_strictly_and_never_shown() {
        let code: Code = "AAECAwQFBgcICQoLDA0ODw".parse().unwrap();
        assert_eq!(format!("{code:?}"), "Code(hidden)");
        for text in [
            "",
            "AAECAwQFBgcICQoLDA0OD",
            "AAECAwQFBgcICQoLDA0ODx",
            "AAECAwQFBgcICQoLDA0ODw==",
            "AAECAwQFBgcICQoLDA0ODwA",
        ] {
            assert_eq!(text.parse::<Code>(), Err(BadCode), "{text}");
        }
        assert_ne!(code, Code::random().unwrap());
    }
}
