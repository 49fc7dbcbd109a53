//! What several benchmarks share.
//!
//! ```text
//! cargo bench -p skep-benches              all of them, in less than two minutes
//! cargo bench -p skep-benches -- wire      those with `wire` in their names
//! ```

mod hub;
mod pair;
mod relay;

pub use hub::Hub;
pub use pair::Pair;
pub use relay::Relay;
pub mod loopback;
