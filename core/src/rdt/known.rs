//! How a known peer writes types, where known peers are spoken with at all.
//!
//! Without the feature `known-peers` the type has no value. So the compiler leaves out whatever follows from one, and
//! no other code has to ask.

use crate::wire::rdt::{Known, Magic, TypeKind};

/// A [`TypeKind`].
#[cfg(feature = "known-peers")]
pub(crate) type KnownKind = TypeKind;

/// No [`TypeKind`].
#[cfg(not(feature = "known-peers"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) enum KnownKind {}

/// The kind to speak with known peers in, if they are spoken with.
pub(crate) const fn known(kind: TypeKind) -> Option<KnownKind> {
    #[cfg(feature = "known-peers")]
    return Some(kind);
    #[cfg(not(feature = "known-peers"))]
    {
        let _ = kind;
        None
    }
}

/// The kind as it is written.
pub(crate) const fn written(kind: KnownKind) -> TypeKind {
    #[cfg(feature = "known-peers")]
    return kind;
    #[cfg(not(feature = "known-peers"))]
    match kind {}
}

/// As [`Known::parse`]: every magic is another one, if known peers are not spoken with.
pub(crate) fn parse<'d>(magic: &Magic, datagram: &'d [u8]) -> Option<Option<(KnownKind, Known<'d>)>> {
    known(TypeKind::Raw)?;
    let parsed = Known::parse(magic, datagram)?;
    Some(parsed.and_then(|(kind, packet)| Some((known(kind)?, packet))))
}
