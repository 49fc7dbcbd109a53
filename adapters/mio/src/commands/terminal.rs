//! The terminal as it was, to be put back: an editor of lines changes it.

/// How a terminal is set.
#[cfg(unix)]
pub(super) struct Terminal(Option<rustix::termios::Termios>);

#[cfg(unix)]
impl Terminal {
    /// As it is now.
    pub(super) fn now() -> Self {
        Self(rustix::termios::tcgetattr(std::io::stdin()).ok())
    }

    /// As it was again.
    pub(super) fn restore(&self) {
        if let Some(before) = &self.0 {
            // At once: a terminal that takes no output would keep us.
            let _ =
                rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, before);
        }
    }
}

#[cfg(not(unix))]
pub(super) struct Terminal;

#[cfg(not(unix))]
impl Terminal {
    pub(super) const fn now() -> Self {
        Self
    }

    pub(super) const fn restore(&self) {}
}
