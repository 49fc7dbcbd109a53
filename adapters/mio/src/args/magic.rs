//! The bytes that begin each datagram of a network.

use std::str::FromStr;

use skep_core::limits::MAGIC_MAX;

/// The magic of a network, 1 to [`MAGIC_MAX`] bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Magic(Vec<u8>);

impl Magic {
    /// The one of the known peers.
    pub const KNOWN: &str = "ROSTOV";

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Default for Magic {
    fn default() -> Self {
        Self(Self::KNOWN.into())
    }
}

impl FromStr for Magic {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = match text.strip_prefix("0x") {
            Some(digits) => hexadecimal(digits)
                .ok_or("after 0x there is an even number of hexadecimal digits, like 0x524f53544f56")?,
            None => text.into(),
        };
        if bytes.is_empty() || bytes.len() > MAGIC_MAX {
            return Err(format!("it is {} bytes long; a magic has 1 to {MAGIC_MAX}", bytes.len()));
        }
        Ok(Self(bytes))
    }
}

fn hexadecimal(digits: &str) -> Option<Vec<u8>> {
    let value = |digit: &u8| char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(value(high)? << 4 | value(low)?)).collect()
}
