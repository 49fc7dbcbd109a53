//! What the system says, in the words of the contract.

use std::io;

use skep_core::stream::Fault;

/// What an entry of a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link, wherever it leads.
    Link,
    /// A device, a FIFO, a socket.
    Other,
}

/// Why a file could not be opened, created or committed.
///
/// A link on the way or an escape reads as "not found": nothing was touched, and the peer learns nothing about what
/// lies outside.
pub(crate) fn fault(error: &io::Error) -> Fault {
    use io::ErrorKind::{
        AlreadyExists, CrossesDevices, FileTooLarge, InvalidFilename, InvalidInput, IsADirectory,
        NotADirectory, NotFound, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
    };
    match error.kind() {
        NotFound | NotADirectory | CrossesDevices => Fault::NotFound,
        AlreadyExists => Fault::Exists,
        StorageFull | QuotaExceeded => Fault::NoSpace,
        PermissionDenied | ReadOnlyFilesystem | IsADirectory => Fault::NotAllowed,
        FileTooLarge => Fault::TooLarge,
        InvalidFilename | InvalidInput => Fault::BadName,
        _ if is_no_file(error) => Fault::NotFound,
        _ if has_no_descriptor(error) => Fault::Busy,
        _ => Fault::Failed,
    }
}

/// Why a range of an open file could not be read or written: a name is no longer in question.
pub(super) fn moving(error: &io::Error) -> Fault {
    match fault(error) {
        known @ (Fault::NoSpace | Fault::TooLarge) => known,
        _ => Fault::Failed,
    }
}

/// A link where none may be (`ELOOP`), or a device or socket that cannot be opened (`ENXIO`, `ENODEV`). The standard
/// library has no stable names for these.
fn is_no_file(error: &io::Error) -> bool {
    #[cfg(unix)]
    return matches!(error.raw_os_error(), Some(libc::ELOOP | libc::ENXIO | libc::ENODEV));
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

/// The process (`EMFILE`) or the system (`ENFILE`) has no file descriptor left. These have no stable names, either.
fn has_no_descriptor(error: &io::Error) -> bool {
    #[cfg(unix)]
    return matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE));
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn each_error_number_has_its_fault() {
        for (numbers, expected) in [
            (&[libc::ENOENT, libc::ENOTDIR, libc::ELOOP, libc::EXDEV, libc::ENXIO][..], Fault::NotFound),
            (&[libc::EEXIST], Fault::Exists),
            (&[libc::ENOSPC, libc::EDQUOT], Fault::NoSpace),
            (&[libc::EACCES, libc::EPERM, libc::EROFS, libc::EISDIR], Fault::NotAllowed),
            (&[libc::EFBIG], Fault::TooLarge),
            (&[libc::ENAMETOOLONG, libc::EINVAL], Fault::BadName),
            (&[libc::EMFILE, libc::ENFILE], Fault::Busy),
            (&[libc::EIO], Fault::Failed),
        ] {
            for &number in numbers {
                let error = io::Error::from_raw_os_error(number);
                assert_eq!(fault(&error), expected, "{error}");
            }
        }
        assert_eq!(moving(&io::Error::from_raw_os_error(libc::EINVAL)), Fault::Failed);
        assert_eq!(moving(&io::Error::from_raw_os_error(libc::ENOSPC)), Fault::NoSpace);
    }
}
