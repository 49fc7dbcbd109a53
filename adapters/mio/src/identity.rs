//! Who one is, and whom one trusts: keys, and the files that hold them.
//!
//! ```text
//!   ~/.config/skep/      $SKEP_HOME, or skep in $XDG_CONFIG_HOME; nobody else writes here
//!     key                the secret key                           Identity    `skep key`, `skep serve`
//!     known_hosts        where a server is, and its key           KnownHosts  `skep known`
//!     allow              public keys that may come in             AllowFile   by hand, or by an invite
//!     invites            one-time codes that are not used yet     Invites     `skep invite`
//!     accounts           keys made of passwords, and their salts  Accounts    `skep key password`
//! ```
//!
//! Each is a text with one thing a line, read strictly: a line that is not understood is an error with its number,
//! for what a typing error would let in or keep out is not to be guessed. Each is written as a whole: beside the old
//! file, made durable, and then put into its place, so that a crash leaves the old or the new one. A key is
//! trusted because a link or a file says so, never because it was the first to answer.

mod accounts;
mod allow;
mod base64url;
mod code;
mod cost;
mod durable;
mod fingerprint;
mod home;
mod invites;
mod key;
mod key_file;
mod known_hosts;
mod label;
mod lines;
mod password;
mod private;
mod public_line;
mod rights;
mod typed;
mod watched;

#[cfg(all(test, unix))]
mod tests;

pub use accounts::{Account, Accounts, fake_salt};
pub use allow::{AllowFile, Allowed};
pub use code::{BadCode, Code, InviteId};
pub use cost::{Cost, Salt, password_secret};
pub use durable::create_whole;
pub use fingerprint::{BadFingerprint, Fingerprint};
pub use home::Home;
pub(crate) use invites::LIFE_MAX;
pub use invites::{Enrolled, Invite, Invites};
pub use key_file::Identity;
pub use known_hosts::{KnownHosts, Verdict};
pub use label::Label;
pub use password::Password;
pub use private::{check_own, make_directory};
pub use public_line::PublicLine;
pub use rights::Rights;
