//! The program `skep`: reads the command line, runs the command, ends with its exit code.

use std::{
    io::{Write, stderr},
    process::{ExitCode, Termination},
};

use skep::{args::Args, commands, exit::Failure, log_writer};

fn main() -> ExitCode {
    let args = Args::of_process();
    let outcome = take_limits_as_errors().and_then(|()| commands::run(&args.command));
    let is_read = log_writer::finish();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if is_read {
                // `eprintln!` would panic when nobody reads standard error any more.
                let _ = writeln!(stderr(), "{}", log_writer::complaint(&failure));
            }
            failure.report()
        }
    }
}

/// Beyond its size limit (`ulimit -f`) a write should fail, not kill a server: a signal that is taken does that. Rust
/// ignores SIGPIPE already, so that a peer that leaves is an error of its own connection.
#[cfg(unix)]
fn take_limits_as_errors() -> Result<(), Failure> {
    signal_hook::flag::register(libc::SIGXFSZ, std::sync::Arc::default())
        .map(drop)
        .map_err(|error| Failure::cannot("set up signals", &error))
}

#[cfg(not(unix))]
fn take_limits_as_errors() -> Result<(), Failure> {
    Ok(())
}
