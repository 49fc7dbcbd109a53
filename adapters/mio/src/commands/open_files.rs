//! How many files and connections a server may have open.

/// Raises the limit of open files to what the system lets this process have. It is mostly 1,024 before that, for the sake
/// of programs that use `select`; each connection over TCP and each transfer takes one.
pub(super) fn raise_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        // What is refused leaves things as they were: the server then takes fewer connections at once.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
}
