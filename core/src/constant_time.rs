//! Comparing secrets.

/// Whether two secrets are the same, in a time that does not say where they differ.
pub(crate) fn is_same(one: &[u8; 16], other: &[u8; 16]) -> bool {
    let differences = one.iter().zip(other).fold(0, |all, (one, other)| all | (one ^ other));
    core::hint::black_box(differences) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_the_same_only_when_every_byte_is() {
        for place in 0..16 {
            let (one, mut other) = ([7; 16], [7; 16]);
            assert!(is_same(&one, &other));
            other[place] ^= 0x80;
            assert!(!is_same(&one, &other));
        }
    }
}
