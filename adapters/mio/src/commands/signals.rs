//! Requests to end: Ctrl-C, SIGTERM, SIGHUP.

use crate::{
    driver::{Driver, Storage, Subject},
    exit::Failure,
};
use skep_core::stream::Service;

/// Signals that ask the program to end.
#[cfg(unix)]
pub(super) struct Signals(signal_hook_mio::v1_0::Signals);

#[cfg(unix)]
impl Signals {
    /// Takes the signals and lets `driver` wake up for them.
    pub(super) fn new<S: Service<Event: Subject>, F: Storage>(
        driver: &mut Driver<S, F>,
    ) -> Result<Self, Failure> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        let signals = signal_hook_mio::v1_0::Signals::new([SIGINT, SIGTERM, SIGHUP]);
        let mut signals = signals.map_err(|error| Failure::cannot("set up signals", &error))?;
        driver.watch_signals(&mut signals).map_err(|error| Failure::cannot("set up signals", &error))?;
        Ok(Self(signals))
    }

    /// Whether one came.
    pub(super) fn ask_to_end<S: Service<Event: Subject>, F: Storage>(
        &mut self,
        driver: &mut Driver<S, F>,
    ) -> bool {
        driver.take_signalled() && self.0.pending().next().is_some()
    }
}

/// Elsewhere the system's own ending has to do; unfinished files are swept at the next start.
#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn new<S: Service<Event: Subject>, F: Storage>(_: &mut Driver<S, F>) -> Result<Self, Failure> {
        Ok(Self)
    }

    pub(super) fn ask_to_end<S: Service<Event: Subject>, F: Storage>(
        &mut self,
        _: &mut Driver<S, F>,
    ) -> bool {
        false
    }
}
