//! The maxima that several parts of the core share.

/// The longest name of a file on the wire, in bytes: the whole relative path. A longer one is a bad name.
pub const NAME_MAX: usize = 255;

/// The longest message besides content: an upload's header (type, length, name length, name).
pub const MESSAGE_MAX: usize = 512;

/// The longest magic that a network can have, in bytes; the known one has six.
pub const MAGIC_MAX: usize = 8;

const _: () = assert!(1 + 8 + 2 + NAME_MAX <= MESSAGE_MAX);
