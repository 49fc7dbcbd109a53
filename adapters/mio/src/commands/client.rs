//! `skep client`: the prompt of the console.

use crate::{
    args::Client,
    console::{After, Console},
    exit::Failure,
};
use std::{
    io::{self, BufRead, Read, Write, stdin, stdout},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
};

const PROMPT: &str = "c> ";

/// A longer line is taken for several.
const LINE_MAX: u64 = 16 << 10;

/// Locked while a command runs.
type Shared = Arc<Mutex<Console>>;

pub(super) fn run(client: &Client) -> Result<(), Failure> {
    let cancelled = Arc::new(AtomicBool::new(false));
    let console = Console::new(client.host(), client.date_string, Arc::clone(&cancelled));
    let console = Arc::new(Mutex::new(console));
    #[cfg(unix)]
    signals::attend(Arc::clone(&console), cancelled)?;
    loop {
        let line = match say(PROMPT).and_then(|()| read_line()) {
            Ok(Some(line)) => line,
            Ok(None) => break,
            Err(error) => return Err(Failure::cannot("read the next command", &error)),
        };
        let mut console = lock(&console);
        let mut out = String::new();
        let after = console.run(&line, &mut out);
        // Nobody may be reading any more; what was asked for is done nevertheless.
        let _ = say(&out);
        if after == After::End {
            return Ok(());
        }
    }
    let mut out = String::new();
    lock(&console).quit(&mut out);
    let _ = say(&out);
    Ok(())
}

fn lock(console: &Shared) -> MutexGuard<'_, Console> {
    console.lock().unwrap_or_else(PoisonError::into_inner)
}

fn say(text: &str) -> io::Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// The next line, or `None` at the end of all.
fn read_line() -> io::Result<Option<String>> {
    let mut line = Vec::new();
    let count = stdin().lock().take(LINE_MAX).read_until(b'\n', &mut line)?;
    Ok((count > 0).then(|| String::from_utf8_lossy(&line).into_owned()))
}

/// Requests to end. At a terminal Ctrl-C ends the command that is under way, and the console when there is none.
#[cfg(unix)]
mod signals {
    use super::{Shared, lock, say};
    use crate::exit::{Code, Failure};
    use signal_hook::{
        consts::{SIGHUP, SIGINT, SIGTERM},
        iterator::Signals,
    };
    use std::{
        io::{IsTerminal, stdin},
        process::exit,
        sync::{
            Arc, TryLockError,
            atomic::{AtomicBool, Ordering},
        },
        thread,
    };

    pub(super) fn attend(console: Shared, cancelled: Arc<AtomicBool>) -> Result<(), Failure> {
        let cannot = |error| Failure::cannot("set up signals", &error);
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(cannot)?;
        let attend = move || {
            for signal in &mut signals {
                let is_busy = matches!(console.try_lock(), Err(TryLockError::WouldBlock));
                cancelled.store(true, Ordering::Relaxed);
                // The command that is under way sees it, and gives the console back.
                let mut console = lock(&console);
                cancelled.store(false, Ordering::Relaxed);
                if !(is_busy && signal == SIGINT && stdin().is_terminal()) {
                    let mut out = "\n".to_owned();
                    console.quit(&mut out);
                    let _ = say(&out);
                    exit(Code::Interrupted as i32);
                }
            }
        };
        thread::Builder::new().name("signals".into()).spawn(attend).map(drop).map_err(cannot)
    }
}
