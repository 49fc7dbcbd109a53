//! What tells one state of a file from another without reading it.

use std::{fs::File, io};

/// Size and times of a file, as fine as the system has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Bytes in the file.
    pub(super) size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    links: u64,
}

impl Stamp {
    /// The stamp of a file as it is now.
    #[cfg(unix)]
    pub(super) fn of(file: &File) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt;
        let metadata = file.metadata()?;
        Ok(Self {
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            links: metadata.nlink(),
        })
    }

    /// The stamp of a file as it is now.
    #[cfg(not(unix))]
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let since = metadata.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let modified = (since.as_secs().cast_signed(), i64::from(since.subsec_nanos()));
        Ok(Self { size: metadata.len(), modified, changed: modified, links: 1 })
    }

    /// Whether any change of the file after this stamp was taken gives it another one.
    ///
    /// Many kernels stamp with the time of their last tick, up to 10 ms old: a file that changed in this very tick
    /// could change again and look the same.
    pub(super) fn is_settled(&self) -> bool {
        Some(self.changed) != tick()
    }

    /// Whether the content is the same. The time of change moves with the number of names as well: a served file that
    /// is replaced or removed while it is read is still whole, so then the time of modification decides.
    pub(super) fn same_content(&self, later: &Self) -> bool {
        self.size == later.size
            && self.modified == later.modified
            && (self.changed == later.changed || self.links != later.links)
    }
}

/// The time that the kernel would stamp a file with now.
#[cfg(target_os = "linux")]
fn tick() -> Option<(i64, i64)> {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
    Some((now.tv_sec, now.tv_nsec))
}

/// Not known here.
#[cfg(not(target_os = "linux"))]
fn tick() -> Option<(i64, i64)> {
    None
}
