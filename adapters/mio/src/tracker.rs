//! A tracker on a host: the machine of the core, who may come in, and what people are told about it.
//!
//! ```text
//!   driver ◄──► Hub ──► Tracker (skep-core)             accounts, bans
//!                │ └───► House: who may come in? ──► Store: a database, one fsync for many changes
//!                ├── reports ──► Log
//!                ├── Orders: admins, over the network
//!                └── Desk: admins here, numbers for Prometheus (threads beside the loop, which ask it)
//! ```

pub mod account;
mod admin;
mod bans;
pub mod because;
pub mod desk;
mod guests;
pub mod house;
mod hub;
pub mod log;
mod memory;
mod numbers;
pub mod order;
mod orders;
mod places;
pub mod store;

pub use hub::{Hub, Receipt, Report, Shared};
pub use memory::{Wide, tracker};
pub use numbers::numbers;
pub use places::Places;
