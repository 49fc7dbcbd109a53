//! A tracker on a host: the machine of the core, who may come in, and what people are told about it.
//!
//! ```text
//!   driver ◄──► Hub ──► Tracker (skep-core)        who asks is judged by what the house knows
//!                │ reports: with names              and stored before it is told
//!                └──► House ──► accounts, bans
//! ```

mod hub;
mod memory;

pub use hub::{Hub, Report};
pub use memory::{Wide, tracker};
