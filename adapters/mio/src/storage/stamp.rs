//! What tells one state of a file from another without reading it.

use std::{fs::File, io, time::Duration};

/// Looks at the clock before it gives up on a file that is written all the time: more than a tick of the slowest
/// kernel (10 ms) in steps of one.
const LOOKS_MAX: u32 = 12;

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

    /// The stamp of a file, such that any later change gives it another one.
    ///
    /// Many kernels stamp with the time of their last tick, up to 10 ms old: a file that changed in this very tick
    /// could change again and look the same. So the tick has to pass first. Rare, and short.
    pub(super) fn settled(file: &File) -> io::Result<Self> {
        for _ in 0..LOOKS_MAX {
            let stamp = Self::of(file)?;
            if Some(stamp.changed) != tick() {
                return Ok(stamp);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Self::of(file)
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
