//! The rules of a tracker.

use core::time::Duration;

/// What a tracker goes by. Every number is a most; 0 is taken for 1 where nothing else is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Settings {
    /// Sessions that are logged in at once.
    pub seats: u32,
    /// Sessions that wait in line for a seat; with 0 they are refused.
    pub waiting: u32,
    /// Who has no account beneath (its stream says who it is) may log in by any name.
    pub anonymous: bool,
    /// The application is asked about every log-in ([`Event::Asks`](super::Event::Asks)), and says whether it is one. About
    /// who has waited in line it is asked again.
    pub asks: bool,
    /// What becomes of a second log-in of the same name.
    pub same_name: SameName,
    /// Accounts that are registered by command; with 0 nobody can register.
    pub accounts: u32,
    /// Files that one user shares; with 0 nobody can publish.
    pub files_per_user: u32,
    /// Transfers that one user asks for at once.
    pub downloads_per_user: u16,
    /// Transfers that one user is asked for at once: by somebody who has some under way already, so many fewer.
    pub uploads_per_user: u16,
    /// Transfers in all.
    pub transfers: u32,
    /// How long changes wait for others, so that they go out together, after changes have gone out. The first one
    /// after a pause goes out at once.
    pub gather: Duration,
    /// How much longer they wait for each session that was told: with many sessions the changes of more time go out
    /// together, and telling them takes a part of the time only.
    pub gather_each: Duration,
    /// How long a stream has to say who it is.
    pub login_timeout: Duration,
    /// How long a session has to say that it is there when somebody logs in by its name and with its key, before he
    /// takes its place.
    pub doubt: Duration,
    /// After so long without a word a session is asked whether it is there.
    pub ping_after: Duration,
    /// After so long without a word a session is dead.
    pub dead_after: Duration,
    /// How long an owner has to say whether it is ready.
    pub answer_timeout: Duration,
    /// How long both sides of a relayed transfer have to open their streams.
    pub attach_timeout: Duration,
    /// How long nothing may move in a relayed transfer, in either direction.
    pub stall_timeout: Duration,
    /// How long a direct transfer holds its slots when nobody says that it is over.
    pub hold: Duration,
    /// How long a command may stop in the middle.
    pub command_timeout: Duration,
    /// How long a peer has to take the last message and to close.
    pub linger: Duration,
    /// How long the two sides of a relayed transfer have to take the last bytes of it and to close. It has to be
    /// longer than emptying the transport's buffers takes on the slowest link.
    pub close_timeout: Duration,
}

/// What becomes of a second log-in of the same name. One that has the first one's resume key always takes its place,
/// and one that has its key takes it when the first one is not there any more: see [`Settings::doubt`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SameName {
    /// It is refused.
    #[default]
    Refuse,
    /// It takes the place of the first.
    Replace,
}

impl Settings {
    /// For a host.
    pub const DEFAULT: Self = Self {
        seats: 100_000,
        waiting: 1_000,
        anonymous: true,
        asks: false,
        same_name: SameName::Refuse,
        accounts: 100_000,
        files_per_user: 10_000,
        downloads_per_user: 8,
        uploads_per_user: 16,
        transfers: 10_000,
        gather: Duration::from_millis(10),
        gather_each: Duration::from_micros(20),
        login_timeout: Duration::from_secs(10),
        doubt: Duration::from_secs(3),
        ping_after: Duration::from_secs(30),
        dead_after: Duration::from_secs(60),
        answer_timeout: Duration::from_secs(20),
        attach_timeout: Duration::from_secs(20),
        stall_timeout: Duration::from_secs(60),
        hold: Duration::from_secs(3_600),
        command_timeout: Duration::from_secs(10),
        linger: Duration::from_secs(5),
        close_timeout: Duration::from_secs(300),
    };
}

impl Default for Settings {
    fn default() -> Self {
        Self::DEFAULT
    }
}
