//! Requests to end: Ctrl-C, SIGTERM, SIGHUP.

#[cfg(unix)]
use super::spawn;
#[cfg(unix)]
use crate::ignored::is_ignored;
use crate::{
    driver::{Driver, Storage, Subject},
    exit::Failure,
};
use skep_core::stream::Service;
#[cfg(unix)]
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
    mpsc::channel,
};

/// The signals that ask the program to end. One that is ignored from the start stays so: who began it with `nohup`, or in the
/// background of a shell without job control, wants it to go on.
#[cfg(unix)]
pub(super) fn to_end() -> Vec<i32> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    [SIGINT, SIGHUP].into_iter().filter(|signal| !is_ignored(*signal)).chain([SIGTERM]).collect()
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
        asked();
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

/// Whether the program was asked to end since [`Signals`] were first taken, also while nobody looked.
#[cfg(unix)]
fn asked() -> &'static Arc<AtomicBool> {
    static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    ASKED.get_or_init(|| {
        let asked = Arc::default();
        for signal in to_end() {
            // It fails for signals that nobody can take; these are none.
            let _ = signal_hook::flag::register(signal, Arc::clone(&asked));
        }
        asked
    })
}

/// Does work for which the system may keep us waiting, but not those who want the program to end. `None`: they do, and the
/// work is left alone.
#[cfg(unix)]
pub(super) fn interruptible<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Option<T>, Failure> {
    let signals = signal_hook::iterator::Signals::new(to_end());
    let mut signals = signals.map_err(|error| Failure::cannot("set up signals", &error))?;
    if asked().load(Ordering::Relaxed) {
        return Ok(None);
    }
    let (done, outcome) = channel();
    let interrupted = done.clone();
    let wait = move || {
        if signals.forever().next().is_some() {
            let _ = interrupted.send(None);
        }
    };
    spawn("skep-signals", wait)?;
    spawn("skep-work", move || _ = done.send(Some(work())))?;
    Ok(outcome.recv().ok().flatten())
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

#[cfg(not(unix))]
pub(super) fn interruptible<T>(work: impl FnOnce() -> T) -> Result<Option<T>, Failure> {
    Ok(Some(work()))
}
