//! The default provider: the crates of the RustCrypto project, and curve25519-dalek.
//!
//! Of each crate, what no panic can be reached in is used, as the linker proves (core/panic-check): where the
//! usual function has one that is never reached but that the compiler cannot rule out, the one below it is
//! called.

#[cfg(feature = "aes")]
mod aes;
mod chacha;

use super::{Provider, Public, Secret};
use blake2::{
    Blake2sVarCore,
    digest::block_api::{Block, Buffer, UpdateCore, VariableOutputCore},
};
use core::slice;
use curve25519_dalek::{montgomery::MontgomeryPoint, scalar::clamp_integer};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// The crates curve25519-dalek, chacha20, poly1305, blake2 and, with the feature `aes`, aes-gcm.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum RustCrypto {}

/// The u-coordinate of the base point (RFC 7748, section 4.1).
const BASE: [u8; 32] = {
    let mut base = [0; 32];
    base[0] = 9;
    base
};

impl Provider for RustCrypto {
    type ChaCha = chacha::ChaCha;
    #[cfg(feature = "aes")]
    type Aes = aes::Aes;
    #[cfg(not(feature = "aes"))]
    type Aes = super::Absent;
    type Numbers = [u64; super::datagram::WORDS];
    type Private<'k> = &'k Secret;

    fn private(secret: &Secret) -> &Secret {
        secret
    }

    fn public(private: &&Secret) -> Public {
        // The Montgomery ladder again, not the multiplication on the Edwards curve: a third slower on a host
        // (one of five in a handshake), and none of that curve's code in a device.
        Public(multiply(private, &BASE))
    }

    fn agree(private: &&Secret, public: &Public) -> Option<Secret> {
        let shared = Secret::take(&mut multiply(private, &public.0));
        let zero = shared.expose().ct_eq(&[0; 32]);
        (!bool::from(zero)).then_some(shared)
    }

    fn hash(parts: &[&[u8]]) -> [u8; 32] {
        let mut core = Blake2sVarCore::new_with_params(&[], &[], 0, 32);
        let mut block = Block::<Blake2sVarCore>::default();
        let mut filled = 0;
        for part in parts {
            let mut rest = part.iter();
            while rest.len() > 0 {
                // The last block, full or not, is for the end.
                if filled == block.len() {
                    core.update_blocks(slice::from_ref(&block));
                    filled = 0;
                }
                let before = rest.len();
                for (to, from) in block.iter_mut().skip(filled).zip(rest.by_ref()) {
                    *to = *from;
                }
                filled = filled.wrapping_add(before.wrapping_sub(rest.len()));
            }
        }
        let mut hash = [0; 32];
        if let Ok(mut buffer) = Buffer::<Blake2sVarCore>::try_new(block.get(..filled).unwrap_or_default()) {
            core.finalize_variable_core(&mut buffer, (&mut hash).into());
        }
        block.zeroize();
        hash
    }
}

/// X25519 (RFC 7748, section 5).
fn multiply(scalar: &Secret, point: &[u8; 32]) -> [u8; 32] {
    let mut scalar = clamp_integer(*scalar.expose());
    let bits = scalar.iter().rev().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1));
    // The highest bit is 0 and not part of it.
    let product = MontgomeryPoint(*point).mul_bits_be(bits.skip(1)).to_bytes();
    scalar.zeroize();
    product
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::miri::fewer;
    use blake2::{Blake2s256, Digest};

    #[test]
    fn the_hash_is_that_of_the_parts_joined() {
        let text: Vec<u8> = (0..=255).collect();
        for length in (0..text.len()).step_by(fewer(1, 51)) {
            let expected: [u8; 32] = Blake2s256::digest(&text[..length]).into();
            for cut in [0, 1, 32, 63, 64, 65, 128] {
                let (one, two) = text[..length].split_at(cut.min(length));
                assert_eq!(RustCrypto::hash(&[one, two]), expected, "{length} {cut}");
                assert_eq!(RustCrypto::hash(&[&[], one, &[], two, &[]]), expected);
            }
        }
    }

    #[test]
    fn an_agreement_is_that_of_the_crate_and_never_zero() {
        for byte in (0..=255).step_by(fewer(1, 256)) {
            let (scalar, point) = ([byte ^ 0x5a; 32], [byte; 32]);
            let expected = MontgomeryPoint(point).mul_clamped(scalar).to_bytes();
            let shared = RustCrypto::agree(&&Secret::new(scalar), &Public(point));
            assert_eq!(shared, (expected != [0; 32]).then(|| Secret::new(expected)));
        }
        assert!(RustCrypto::agree(&&Secret::new([1; 32]), &Public([0; 32])).is_none());
    }
}
