//! File transfer over any stream: a server of many streams, and a client of one.
//!
//! ```text
//!    client                          server
//!      │ Request ───────────────────► │ Open            Each stream carries one request. Content goes from
//!      │ ◄─────────────────── Download │                 storage to stream and from stream to storage; the
//!      │ ◄════════════════════ content │ Release         machines say only which range goes where.
//!      │
//!      │ Upload, content ═══════════► │ Create
//!      │ ◄──────────── Confirm or Error │ Commit, Release
//! ```

mod client;
mod counters;
mod event;
mod progress;
mod request;
mod server;
mod session;
mod settings;
#[cfg(test)]
mod tests;

pub use client::Client;
pub use counters::Counters;
pub use event::{Event, Outcome};
pub use progress::{Failure, Progress};
pub use server::Server;
pub use session::Session;
pub use settings::{Settings, WhenFull};

/// What is spoken on a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Dialect {
    /// Messages with headers: downloads and uploads (docs/protocol.md section 1).
    #[default]
    Files,
    /// A bare path, answered by bare content (docs/protocol.md section 4).
    #[cfg(feature = "known-peers")]
    Path,
    /// `GET_FILE` between peers: downloads only (docs/protocol.md section 3).
    #[cfg(feature = "known-peers")]
    GetFile,
}

impl Dialect {
    /// Asked by this, and not by the variant: where that is left out, so is all that hangs on the answer.
    const fn is_path(self) -> bool {
        match self {
            Self::Files => false,
            #[cfg(feature = "known-peers")]
            other => matches!(other, Self::Path),
        }
    }

    const fn is_get_file(self) -> bool {
        match self {
            Self::Files => false,
            #[cfg(feature = "known-peers")]
            other => matches!(other, Self::GetFile),
        }
    }
}

/// Where a peer may upload to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Uploads {
    /// Wherever the names that it gives lead.
    #[default]
    Anywhere,
    /// Only into the directory `drop`: its names are taken to be below that.
    Drop,
    /// Nowhere: its uploads are not allowed.
    Nowhere,
}

impl Uploads {
    const fn below(self) -> &'static str {
        match self {
            Self::Drop => "drop/",
            Self::Anywhere | Self::Nowhere => "",
        }
    }
}

/// Which way the content of a transfer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Direction {
    /// From the server to the client.
    Download,
    /// From the client to the server.
    Upload,
}
