//! From a password to a key: Argon2id (RFC 9106) over a salt, and its result is a secret key.
//!
//! The client computes it, and the server gets to know the public key only. Whoever has that and the salt can try
//! passwords, at this price for each: so there is a least price, which no answer of a server can lower, and a highest,
//! so that none can use up a client's memory.

use std::{
    fmt::{self, Display, Formatter},
    io,
    str::FromStr,
};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use skep_core::seal::Secret;
use zeroize::Zeroize;

use super::{
    Password,
    base64url::{decode, encode},
    key::fill,
};
use crate::exit::Failure;

/// The least memory in KiB, and the least number of passes (OWASP's minimum).
const MEMORY_MIN: u32 = 19 * 1024;
const PASSES_MIN: u32 = 2;

/// A gigabyte, and some seconds, are the most that a server can ask for.
const MEMORY_MAX: u32 = 1024 * 1024;
const PASSES_MAX: u32 = 16;
const LANES_MAX: u32 = 16;

/// What a try costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    memory: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// What new keys cost: 64 MiB and three passes, a fifth of a second.
    pub const DEFAULT: Self = Self { memory: 64 * 1024, passes: 3, lanes: 1 };

    /// The cheapest that is accepted: 19 MiB and two passes.
    pub const LEAST: Self = Self { memory: MEMORY_MIN, passes: PASSES_MIN, lanes: 1 };

    /// So much memory in KiB, so many passes and lanes.
    ///
    /// # Errors
    /// It is too cheap to protect a password, or so dear that asking for it is an attack.
    pub fn new(memory: u32, passes: u32, lanes: u32) -> Result<Self, String> {
        if memory < MEMORY_MIN || passes < PASSES_MIN || lanes == 0 {
            return Err(format!(
                "m={memory},t={passes},p={lanes} does not protect a password; at least m={MEMORY_MIN},t={PASSES_MIN},p=1 does"
            ));
        }
        if memory > MEMORY_MAX || passes > PASSES_MAX || lanes > LANES_MAX {
            return Err(format!(
                "m={memory},t={passes},p={lanes} asks for too much; at most there is m={MEMORY_MAX},t={PASSES_MAX},p={LANES_MAX}"
            ));
        }
        Ok(Self { memory, passes, lanes })
    }

    /// The memory in KiB.
    pub const fn memory(self) -> u32 {
        self.memory
    }

    /// How often the memory is gone through.
    pub const fn passes(self) -> u32 {
        self.passes
    }

    /// How many lanes the memory has.
    pub const fn lanes(self) -> u32 {
        self.lanes
    }
}

/// As in the strings of other programs: `m=65536,t=3,p=1`.
impl FromStr for Cost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "a cost is written like m=65536,t=3,p=1".to_owned();
        let mut parts = text.split(',');
        let mut number = |name: &str| {
            let digits = parts.next().and_then(|part| part.strip_prefix(name)).ok_or_else(wrong)?;
            let number: u32 = digits.parse().map_err(|_| wrong())?;
            // One text for one number.
            if number.to_string() == digits { Ok(number) } else { Err(wrong()) }
        };
        let cost = Self::new(number("m=")?, number("t=")?, number("p=")?)?;
        if parts.next().is_none() { Ok(cost) } else { Err(wrong()) }
    }
}

impl Display for Cost {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "m={},t={},p={}", self.memory, self.passes, self.lanes)
    }
}

/// 16 random bytes that make the same password another key elsewhere. Not secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Salt(pub [u8; 16]);

impl Salt {
    /// A new one.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn random() -> io::Result<Self> {
        let mut bytes = [0; 16];
        fill(&mut bytes)?;
        Ok(Self(bytes))
    }
}

impl FromStr for Salt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        decode(text)
            .map(|bytes| Self(*bytes))
            .ok_or_else(|| "a salt has 22 characters of base64url".to_owned())
    }
}

impl Display for Salt {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&encode(&self.0))
    }
}

/// The secret key of a password. Takes a while, and much memory, on purpose.
///
/// # Errors
/// There is not so much memory.
pub fn password_secret(password: &Password, salt: &Salt, cost: Cost) -> Result<Secret, Failure> {
    derive(password.as_bytes(), &salt.0, cost)
}

fn derive(password: &[u8], salt: &[u8], cost: Cost) -> Result<Secret, Failure> {
    let failed = |why: &dyn Display| Failure::local(format!("cannot make a key of the password: {why}"));
    let params =
        Params::new(cost.memory, cost.passes, cost.lanes, Some(32)).map_err(|error| failed(&error))?;
    let mut blocks: Vec<Block> = Vec::new();
    blocks
        .try_reserve_exact(params.block_count())
        .map_err(|_| failed(&format_args!("it takes {} MiB of memory", cost.memory / 1024)))?;
    blocks.resize(params.block_count(), Block::new());
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut key = [0; 32];
    let hashed = argon2.hash_password_into_with_memory(password, salt, &mut key, &mut blocks);
    // From the last blocks the key can be computed.
    for block in &mut blocks {
        block.zeroize();
    }
    hashed.map_err(|error| failed(&error))?;
    Ok(Secret::take(&mut key))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the tests of the reference implementation (`src/test.c`, Argon2id of version 0x13).
    #[test]
    fn the_known_answer_of_argon2id() {
        let cost = Cost::new(65536, 2, 1).unwrap();
        let hex: String = derive(b"password", b"somesalt", cost)
            .unwrap()
            .expose()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(hex, "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7");
    }

    #[test]
    fn too_cheap_and_too_dear_are_refused() {
        assert_eq!(Cost::new(19456, 2, 1), Ok(Cost::LEAST));
        assert!(Cost::new(MEMORY_MAX, PASSES_MAX, LANES_MAX).is_ok());
        for (memory, passes, lanes) in [(19455, 2, 1), (19456, 1, 1), (19456, 2, 0), (0, 0, 0)] {
            assert!(Cost::new(memory, passes, lanes).unwrap_err().contains("does not protect"));
        }
        for (memory, passes, lanes) in
            [(MEMORY_MAX + 1, 2, 1), (19456, 17, 1), (19456, 2, 17), (u32::MAX, 2, 1)]
        {
            assert!(Cost::new(memory, passes, lanes).unwrap_err().contains("too much"));
        }
    }

    #[test]
    fn a_cost_has_one_text() {
        for cost in [Cost::DEFAULT, Cost::LEAST] {
            assert_eq!(cost.to_string().parse(), Ok(cost));
        }
        for text in [
            "",
            "m=65536",
            "m=65536,t=3",
            "m=65536,t=3,p=1,",
            "m=065536,t=3,p=1",
            "m=+65536,t=3,p=1",
            "t=3,m=65536,p=1",
        ] {
            assert!(text.parse::<Cost>().unwrap_err().contains("is written like"), "{text}");
        }
    }

    #[test]
    fn another_salt_or_another_password_is_another_key() {
        let key = |password: &str, salt: u8| {
            *password_secret(&Password::new(password).unwrap(), &Salt([salt; 16]), Cost::LEAST)
                .unwrap()
                .expose()
        };
        assert_eq!(key("a", 1), key("a", 1));
        assert_ne!(key("a", 1), key("a", 2));
        assert_ne!(key("a", 1), key("b", 1));
    }
}
