//! Requests to end: Ctrl-C, SIGTERM, SIGHUP.

use crate::{
    driver::{Driver, Storage, Subject},
    exit::Failure,
};
use skep_core::stream::Service;

/// The signals that ask the program to end. One that is ignored from the start stays so: who began it with `nohup`, or in the
/// background of a shell without job control, wants it to go on.
#[cfg(unix)]
pub(super) fn to_end() -> Vec<i32> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    [SIGINT, SIGHUP].into_iter().filter(|signal| !is_ignored(*signal)).chain([SIGTERM]).collect()
}

#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    // SAFETY: plain data, of which zeros are a value.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: nothing is set, and what is written goes into a place of that type.
    let asked = unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut action) };
    asked == 0 && action.sa_sigaction == libc::SIG_IGN
}

/// Signals that ask the program to end.
#[cfg(unix)]
pub(super) struct Signals(signal_hook_mio::v1_0::Signals);

#[cfg(unix)]
impl Signals {
    /// Takes the signals and lets `driver` wake up for them.
    pub(super) fn new<S: Service<Event: Subject>, F: Storage>(
        driver: &mut Driver<S, F>,
    ) -> Result<Self, Failure> {
        let signals = signal_hook_mio::v1_0::Signals::new(to_end());
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
