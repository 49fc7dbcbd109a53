//! What tests leave out under Miri, which is some ten thousand times slower than the machine.

/// `all`; under Miri `few`, which must still go everywhere that memory could be misused.
pub(crate) const fn fewer<T: Copy>(all: T, few: T) -> T {
    if cfg!(miri) { few } else { all }
}
