//! What an operator decides about a server of files.

use core::time::Duration;

/// The rules of a [`super::Server`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Settings {
    /// Whether all uploads are refused as not allowed.
    pub read_only: bool,
    /// The longest upload, in bytes; a longer one is refused as too large before its content is read.
    pub max_upload: u64,
    /// Transfers at once, and so files in use at once; 0 counts as 1.
    pub slots: u32,
    /// What becomes of a request that finds all slots taken.
    pub when_full: WhenFull,
    /// The time a stream has to send its whole request (not the content of an upload) before it is aborted.
    pub request_timeout: Duration,
    /// A path that nothing has ended is taken as whole after so much silence: a known client ends it in no way at
    /// all.
    pub path_pause: Duration,
    /// How long an Error waits for a client that goes on sending: what it sends is discarded, because a stream that
    /// ends with bytes unread may lose the Error. Then the stream is aborted.
    pub linger: Duration,
    /// How long a client has to take the last bytes of a complete transfer and to close, before the stream is
    /// aborted. It has to be longer than emptying the transport's buffers takes on the slowest link.
    pub close_timeout: Duration,
}

/// What becomes of a request that finds all slots taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum WhenFull {
    /// It is refused as busy.
    Busy,
    /// It waits in line: first come, first served.
    #[default]
    Wait,
}

impl Settings {
    /// Uploads of any length, 8 transfers at once, the others wait; 10 s for a request, 1 s for more of a path, 5 s for
    /// an Error, 5 min for the end of a transfer.
    pub const DEFAULT: Self = Self {
        read_only: false,
        max_upload: u64::MAX,
        slots: 8,
        when_full: WhenFull::Wait,
        request_timeout: Duration::from_secs(10),
        path_pause: Duration::from_secs(1),
        linger: Duration::from_secs(5),
        close_timeout: Duration::from_secs(300),
    };
}

impl Default for Settings {
    fn default() -> Self {
        Self::DEFAULT
    }
}
