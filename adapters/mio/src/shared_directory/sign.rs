//! What the notices of the system say of a file, and whether it is complete by that.

use notify::{
    EventKind,
    event::{AccessKind, AccessMode, CreateKind, ModifyKind, RemoveKind, RenameMode},
};
use std::{
    fs::Metadata,
    time::{Duration, Instant, SystemTime},
};

/// A file that nobody was seen to close is complete when it has not changed for so long; one that was seen to be made,
/// later: who made it may not have begun to write.
pub(super) const QUIET: Duration = Duration::from_secs(1);
const QUIET_NEW: Duration = Duration::from_secs(10);

/// How long a writer is waited for. If its end was not noticed, a walk finds that notices were lost.
const WRITER: Duration = Duration::from_secs(3_600);

/// What is known of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// Closed after writing, or moved in.
    Complete,
    /// Somebody writes.
    Written,
    /// Somebody has just made it.
    New,
    /// Nothing.
    Unknown,
}

/// What a notice is about.
pub(super) enum About {
    /// These files, of which so much is known; or these directories.
    Files(Sign),
    /// Something larger: everything is to be looked at.
    Everything,
    /// Nothing that matters.
    Nothing,
}

impl About {
    pub(super) const fn new(kind: EventKind) -> Self {
        match kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => Self::Files(Sign::Complete),
            EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(_)) => Self::Nothing,
            EventKind::Modify(ModifyKind::Name(RenameMode::From))
            | EventKind::Create(CreateKind::Folder)
            | EventKind::Remove(RemoveKind::File | RemoveKind::Folder) => Self::Files(Sign::Unknown),
            EventKind::Modify(ModifyKind::Name(_)) => Self::Files(Sign::Complete),
            EventKind::Modify(_) => Self::Files(Sign::Written),
            EventKind::Create(CreateKind::File) => Self::Files(Sign::New),
            _ => Self::Everything,
        }
    }
}

impl Sign {
    /// When to look again at a file that is not complete yet.
    pub(super) fn look_again(self, metadata: &Metadata) -> Option<Instant> {
        // Elsewhere nobody tells when a file is closed.
        let sign = if cfg!(target_os = "linux") { self } else { Self::Unknown };
        let quiet = match sign {
            Self::Complete => return None,
            Self::Written => return Some(Instant::now() + WRITER),
            Self::New => QUIET_NEW,
            Self::Unknown => QUIET,
        };
        // A time of the future says nothing: then it is not waited for.
        let age = metadata.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        let age = age.unwrap_or(quiet);
        (age < quiet).then(|| Instant::now() + (quiet - age))
    }
}
