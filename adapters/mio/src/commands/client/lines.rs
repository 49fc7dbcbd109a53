//! What is typed: at a terminal with an editor and a history, otherwise plain lines.

use super::say;
use crate::exit::Failure;
use rustyline::{Config, Editor, error::ReadlineError, history::MemHistory};
use std::io::{BufRead, ErrorKind, IsTerminal, Read, Write, stderr, stdin, stdout};

const PROMPT: &str = "c> ";

/// The lines that are kept to be called back.
const HISTORY_MAX: usize = 1_000;

/// A longer line is taken for several.
const LINE_MAX: u64 = 16 << 10;

/// Where lines come from.
pub(super) enum Lines {
    Typed(Box<Editor<(), MemHistory>>),
    Piped,
}

impl Lines {
    pub(super) fn new() -> Result<Self, Failure> {
        if !(stdin().is_terminal() && stdout().is_terminal()) {
            return Ok(Self::Piped);
        }
        let editor = || {
            let config = Config::builder().max_history_size(HISTORY_MAX)?.auto_add_history(true).build();
            let history = MemHistory::with_config(&config);
            Editor::with_history(config, history)
        };
        Ok(Self::Typed(Box::new(editor().map_err(|error| cannot(&error))?)))
    }

    /// Shows the prompt and waits for a line. `None`: there are no more.
    pub(super) fn next(&mut self) -> Result<Option<String>, Failure> {
        let Self::Typed(editor) = self else { return piped() };
        loop {
            match editor.readline(PROMPT) {
                Ok(line) => return Ok(Some(line)),
                // Ctrl-C drops the line, as in a shell.
                Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => {}
                // As from a terminal of another encoding. No more than the line is lost.
                Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                    let _ = writeln!(stderr(), "skep: this is not UTF-8");
                }
                Err(ReadlineError::Eof) => return Ok(None),
                Err(error) => return Err(cannot(&error)),
            }
        }
    }
}

fn piped() -> Result<Option<String>, Failure> {
    let mut line = Vec::new();
    // Nobody may be reading any more; what is asked for is done nevertheless.
    let _ = say(PROMPT);
    let count = stdin().lock().take(LINE_MAX).read_until(b'\n', &mut line);
    let count = count.map_err(|error| Failure::cannot("read the next command", &error))?;
    Ok((count > 0).then(|| String::from_utf8_lossy(&line).into_owned()))
}

fn cannot(error: &ReadlineError) -> Failure {
    Failure::local(format!("cannot read from the terminal: {error}"))
}
