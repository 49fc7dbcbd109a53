//! The rules of a client.

use core::time::Duration;

/// What a client goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Settings {
    /// The client wants the list of the others and their files. Without it only fetches by name are possible.
    pub wants_list: bool,
    /// Where it serves `GET_FILE` to users who are there by command; 0 for nowhere.
    pub door: u16,
    /// What becomes of a request for a file that the client shares.
    pub accept: Accept,
    /// A direct download that cannot reach its owner is asked for again, relayed.
    pub falls_back: bool,
    /// How long a connection to the tracker may take.
    pub connect_timeout: Duration,
    /// How long the tracker has to answer a log-in or a log-out.
    pub answer_timeout: Duration,
    /// How long an owner has to be ready, however often the tracker has to be asked.
    pub patience: Duration,
    /// How long the application has to say whether it accepts.
    pub accept_timeout: Duration,
    /// The first pause before another attempt to reach the tracker. Each is twice as long as the one before; up to
    /// half of it is left out at random, so that not all come back at once.
    pub pause_min: Duration,
    /// The longest pause.
    pub pause_max: Duration,
}

/// What becomes of a request for a file that the client shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Accept {
    /// The application is asked.
    Ask,
    /// Its door is open.
    Always {
        /// Where it takes TCP connections; 0 for nowhere.
        tcp: u16,
        /// Where it takes RDT connections; 0 for nowhere.
        rdt: u16,
    },
    /// It serves nobody.
    Never,
}

impl Settings {
    /// With the list; the application is asked; relayed when the owner cannot be reached.
    pub const DEFAULT: Self = Self {
        wants_list: true,
        door: 0,
        accept: Accept::Ask,
        falls_back: true,
        connect_timeout: Duration::from_secs(10),
        answer_timeout: Duration::from_secs(10),
        patience: Duration::from_secs(60),
        accept_timeout: Duration::from_secs(15),
        pause_min: Duration::from_millis(500),
        pause_max: Duration::from_secs(60),
    };
}

impl Default for Settings {
    fn default() -> Self {
        Self::DEFAULT
    }
}
