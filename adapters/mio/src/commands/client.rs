//! `skep client`: the prompt of the console.

mod lines;

#[cfg(unix)]
use super::terminal::Terminal;
use crate::{
    args::Client,
    console::{After, Console},
    exit::Failure,
};
use lines::Lines;
use std::{
    io::{self, Write, stderr, stdout},
    process::exit,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// Locked while a command runs.
type Shared = Arc<Mutex<Console>>;

pub(super) fn run(client: &Client) -> Result<(), Failure> {
    let cancelled = Arc::new(AtomicBool::new(false));
    let console = Console::new(client.host(), client.date_string, Arc::clone(&cancelled));
    let console = Arc::new(Mutex::new(console));
    #[cfg(unix)]
    signals::attend(Arc::clone(&console), Arc::clone(&cancelled), Terminal::now())?;
    let mut lines = Lines::new()?;
    while let Some(line) = lines.next()? {
        let mut console = lock(&console);
        forget(&cancelled, &lines);
        let mut out = String::new();
        let after = console.run(&line, &mut out);
        // Nobody may be reading any more; what was asked for is done nevertheless.
        let _ = say(&out);
        if after == After::End {
            end(&console, &lines);
            return Ok(());
        }
        if let Some(trouble) = console.trouble() {
            let _ = writeln!(stderr(), "skep: {trouble}");
        }
    }
    let mut out = String::new();
    let mut console = lock(&console);
    forget(&cancelled, &lines);
    console.quit(&mut out);
    let _ = say(&out);
    end(&console, &lines);
    Ok(())
}

/// A Ctrl-C that came when the last command was as good as over is not meant for what follows.
fn forget(cancelled: &AtomicBool, lines: &Lines) {
    if let Lines::Typed(_) = lines {
        cancelled.store(false, Ordering::Relaxed);
    }
}

/// A script is told whether its last command failed, or was none; why has been said. An answer, whatever it is, is no
/// failure: the format has words for it.
fn end(console: &Console, lines: &Lines) {
    if let (Lines::Piped, Some(code)) = (lines, console.failed()) {
        exit(code as i32);
    }
}

fn lock(console: &Shared) -> MutexGuard<'_, Console> {
    console.lock().unwrap_or_else(PoisonError::into_inner)
}

fn say(text: &str) -> io::Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Requests to end. At a terminal Ctrl-C ends the command that is under way, and the console when there is none.
#[cfg(unix)]
mod signals {
    use super::{Shared, Terminal, lock, say};
    use crate::{
        commands::signals::to_end,
        exit::{Code, Failure},
    };
    use signal_hook::{consts::SIGINT, iterator::Signals};
    use std::{
        io::{IsTerminal, stdin},
        process::exit,
        sync::{
            Arc, TryLockError,
            atomic::{AtomicBool, Ordering},
        },
        thread,
    };

    pub(super) fn attend(
        console: Shared,
        cancelled: Arc<AtomicBool>,
        terminal: Terminal,
    ) -> Result<(), Failure> {
        let cannot = |error| Failure::cannot("set up signals", &error);
        let mut signals = Signals::new(to_end()).map_err(cannot)?;
        let attend = move || {
            for signal in &mut signals {
                let is_busy = matches!(console.try_lock(), Err(TryLockError::WouldBlock));
                cancelled.store(true, Ordering::Relaxed);
                if is_busy && signal == SIGINT && stdin().is_terminal() {
                    // The command that is under way sees it. Whoever waited here until it is over could find the next one under
                    // way, and not hear the Ctrl-C that is meant for that.
                    continue;
                }
                let mut console = lock(&console);
                cancelled.store(false, Ordering::Relaxed);
                let mut out = "\n".to_owned();
                console.quit(&mut out);
                // The thread that waits for a line has it as it needs it.
                terminal.restore();
                let _ = say(&out);
                exit(Code::Interrupted as i32);
            }
        };
        thread::Builder::new().name("signals".into()).spawn(attend).map(drop).map_err(cannot)
    }
}
