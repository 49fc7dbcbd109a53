//! Signals that whoever has started the program wants to mean nothing to it.

/// Whether a signal is ignored, as those are of which `nohup` or a shell without job control has said so.
pub(crate) fn is_ignored(signal: i32) -> bool {
    // SAFETY: plain data, of which zeros are a value.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: nothing is set, and what is written goes into a place of that type.
    let asked = unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut action) };
    asked == 0 && action.sa_sigaction == libc::SIG_IGN
}
