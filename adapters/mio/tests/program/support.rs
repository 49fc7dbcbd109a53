//! What the tests of the program share.

mod home;
mod known;
mod middle;
mod process;
mod prompt;
mod python;
mod raw;
mod relay;
mod stub;
mod udp_only;
mod uplinks;

pub(crate) use home::{Home, Server, content};
pub(crate) use known::Known;
pub(crate) use middle::{Dice, Mischief, Storm, port_of_both, tcp_middle};
pub(crate) use process::{Ended, Process, until, until_within};
pub(crate) use prompt::{Prompt, at_terminal, shown};
pub(crate) use python::Python;
pub(crate) use raw::{CONFIRM, answer, connect, connect_from, error, request, upload};
pub(crate) use relay::Relay;
pub(crate) use stub::{Answer, Stub};
pub(crate) use udp_only::{Calls, UdpOnly};
pub(crate) use uplinks::{Leaves, Uplinks};

/// Says on the real standard error, past what the harness captures, that a test has nothing to try here.
pub(crate) fn skipped(why: &str) {
    use std::io::Write;
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "{test}: skipped: {why}");
}

/// A pipe with a name.
pub(crate) fn make_pipe(path: &std::path::Path) {
    use rustix::fs::{CWD, FileType, mknodat};
    mknodat(CWD, path, FileType::Fifo, 0o600.into(), 0).unwrap();
}

/// Plays all cases at the same time: most of them wait for the network, or for a time-out.
pub(crate) fn together<C: Send>(cases: impl IntoIterator<Item = C>, play: impl Fn(C) + Sync) {
    std::thread::scope(|scope| {
        for case in cases {
            let play = &play;
            scope.spawn(move || play(case));
        }
    });
}

/// Says that something is over, even when a test fails meanwhile: who waits for that must not wait for ever.
pub(crate) struct Over<'a>(pub(crate) &'a std::sync::atomic::AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}
