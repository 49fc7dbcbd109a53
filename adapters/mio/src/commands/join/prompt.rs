//! The prompt: a line is typed while notices are printed above it.
//!
//! Lines are read on a thread of their own. What is printed meanwhile goes through the editor, which puts it above the
//! line that is being typed: by one more thread, as the editor may take it only with the next line.

use super::{backlog::Backlog, command::COMMANDS};
use crate::{
    commands::{spawn, terminal::Terminal},
    escape::escape,
    exit::Failure,
};
use mio::Waker;
use rustyline::{
    CompletionType, Config, Context, Editor, ExternalPrinter, Helper,
    completion::{Completer, Pair},
    error::ReadlineError,
    highlight::Highlighter,
    hint::Hinter,
    history::MemHistory,
    validate::Validator,
};
use std::{
    collections::BTreeMap,
    io::{ErrorKind, Write, stdout},
    ops::Bound,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, channel},
    },
    time::Duration,
};

/// The lines that are kept to be called back.
const HISTORY_MAX: usize = 1_000;

/// The most names that are offered to complete a word.
const OFFERS_MAX: usize = 200;

const PROMPT: &str = "skep> ";

/// How long the end waits for a terminal that does not take what is left to be shown.
const FAREWELL: Duration = Duration::from_secs(1);

/// What was typed.
pub(super) enum Typed {
    Line(String),
    /// Ctrl-C, Ctrl-D, or there is no terminal any more.
    End,
}

/// A file's length, and its hash when that is known.
type Version = (u64, Option<[u8; 32]>);

/// Users, and their files as USER/FILE: what a word can be completed to, and what was told of each.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(Arc<Mutex<BTreeMap<Box<str>, Version>>>);

impl Names {
    /// `false`: it was there, and nothing says that it is another one now.
    pub(super) fn add(&self, user: &str, file: &str, version: Version) -> bool {
        let before = self.with(|names| names.insert(format!("{user}/{file}").into(), version));
        before.is_none_or(|(length, hash)| length != version.0 || hash.is_some() && hash != version.1)
    }

    pub(super) fn remove(&self, user: &str, file: &str) {
        self.with(|names| names.remove(format!("{user}/{file}").as_str()));
    }

    /// A user, with all of its files.
    pub(super) fn remove_user(&self, user: &str) {
        // A zero is what follows a slash.
        let (begin, end) = (format!("{user}/"), format!("{user}0"));
        let (begin, end): (Box<str>, Box<str>) = (begin.into(), end.into());
        self.with(|names| names.extract_if(begin..end, |_, _| true).for_each(drop));
    }

    pub(super) fn clear(&self) {
        self.with(BTreeMap::clear);
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<Box<str>, Version>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What begins so, up to the next slash.
    fn offers(&self, begin: &str) -> Vec<String> {
        self.with(|names| {
            let from = (Bound::Included(begin), Bound::Unbounded);
            let fitting =
                names.range::<str, _>(from).map(|(name, _)| name).take_while(|name| name.starts_with(begin));
            let mut offers: Vec<String> = Vec::new();
            for name in fitting {
                let end = name[begin.len()..].find('/').map_or(name.len(), |at| begin.len() + at + 1);
                if end > begin.len() && offers.last().is_none_or(|last| **last != name[..end]) {
                    offers.push(name[..end].to_owned());
                }
                if offers.len() == OFFERS_MAX {
                    break;
                }
            }
            offers
        })
    }
}

/// A prompt at the terminal.
pub(super) struct Prompt {
    typed: Receiver<Typed>,
    backlog: Arc<Backlog>,
    /// The terminal as it was.
    before: Terminal,
}

impl Prompt {
    /// Shows the prompt, and wakes the loop for every line.
    pub(super) fn new(names: Names, waker: Arc<Waker>) -> Result<Self, Failure> {
        let before = Terminal::now();
        let cannot = |error: ReadlineError| Failure::local(format!("cannot read from the terminal: {error}"));
        let config = Config::builder()
            .max_history_size(HISTORY_MAX)
            .map_err(cannot)?
            .completion_type(CompletionType::List)
            .auto_add_history(true)
            .build();
        let history = MemHistory::with_config(&config);
        let mut editor = Editor::with_history(config, history).map_err(cannot)?;
        editor.set_helper(Some(Complete(names)));
        // A terminal that cannot move its cursor (TERM=dumb) has none.
        let mut printer = editor.create_external_printer().ok();
        let backlog = Arc::new(Backlog::default());
        let (tell, typed) = channel();
        let lines = Arc::clone(&backlog);
        let read = move || {
            while lines.show_until_next(show) {
                let typed = loop {
                    match editor.readline(PROMPT) {
                        Ok(line) => break Typed::Line(line),
                        Err(ReadlineError::Signal(_)) => {}
                        // As from a terminal of another encoding. No more than the line is lost.
                        Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                            show("this is not UTF-8\n");
                        }
                        Err(_) => break Typed::End,
                    }
                };
                if tell.send(typed).is_err() {
                    return;
                }
                let _ = waker.wake();
            }
        };
        let lines = Arc::clone(&backlog);
        let print = move || {
            lines.show_while_typing(|text| match &mut printer {
                // A terminal that is gone is noticed by the thread that reads.
                Some(printer) => _ = printer.print(text),
                None => show(&format!("\n{text}{PROMPT}")),
            });
        };
        spawn("skep-prompt", read)?;
        spawn("skep-notices", print)?;
        let prompt = Self { typed, backlog, before };
        prompt.go_on();
        Ok(prompt)
    }

    /// What was typed and not taken yet. After a line [`Prompt::go_on`] is to be called.
    pub(super) fn typed(&self) -> Option<Typed> {
        self.typed.try_recv().ok()
    }

    /// The prompt comes back.
    pub(super) fn go_on(&self) {
        self.backlog.go_on();
    }

    /// Prints a line above the one that is being typed. Never waits.
    pub(super) fn print(&self, line: &str) {
        self.backlog.push(line);
    }
}

impl Drop for Prompt {
    fn drop(&mut self) {
        self.backlog.end(FAREWELL);
        // The thread may still wait for a line, with the terminal as it needs it.
        self.before.restore();
    }
}

/// Shows a text while nothing is typed.
fn show(text: &str) {
    let mut out = stdout().lock();
    // A terminal that is gone is noticed by the thread that reads.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Completes commands, users and files.
struct Complete(Names);

impl Completer for Complete {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        Ok(complete(&self.0, &line[..at]))
    }
}

/// Where the word at the end of a line begins, and what it can be completed to.
fn complete(names: &Names, line: &str) -> (usize, Vec<Pair>) {
    let start = word_at_end(line);
    let typed = line[start..].replace('\\', "");
    if line[..start].trim().is_empty() {
        let fitting =
            COMMANDS.iter().filter(|(command, ..)| command.starts_with(&*typed.to_ascii_lowercase()));
        let offers = fitting.map(|(command, rest, _)| {
            let space = if rest.is_empty() { "" } else { " " };
            Pair { display: (*command).to_owned(), replacement: format!("{command}{space}") }
        });
        return (start, offers.collect());
    }
    let users_only = ["files", "accept", "refuse"];
    let is_user = users_only.iter().any(|command| line.trim_start().starts_with(command));
    let offers = names.offers(&typed).into_iter().map(|offer| {
        let offer = if is_user { offer.trim_end_matches('/').to_owned() } else { offer };
        Pair { display: escape(&offer).to_string(), replacement: quoted(&offer) }
    });
    (start, offers.collect())
}

/// Where the last word begins. A space behind a backslash belongs to it.
fn word_at_end(line: &str) -> usize {
    let mut start = 0;
    let mut is_quoted = false;
    for (at, character) in line.char_indices() {
        match character {
            _ if is_quoted => is_quoted = false,
            '\\' => is_quoted = true,
            ' ' => start = at + 1,
            _ => {}
        }
    }
    start
}

/// A word such that it is read as one.
fn quoted(word: &str) -> String {
    let mut quoted = String::with_capacity(word.len());
    for character in word.chars() {
        if matches!(character, ' ' | '\\' | '\'' | '"' | '#') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}

impl Hinter for Complete {
    type Hint = String;
}

impl Highlighter for Complete {}

impl Validator for Complete {}

impl Helper for Complete {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_new_until_its_hash_is_known_and_when_it_is_another_one() {
        let names = Names::default();
        let (one, other) = (Some([1; 32]), Some([2; 32]));
        for (version, is_new) in [
            ((7, None), true),
            ((7, None), false),
            ((7, one), false),
            ((7, None), true),
            ((7, other), false),
            ((7, one), true),
            ((8, one), true),
        ] {
            assert_eq!(names.add("ana", "file", version), is_new, "{version:?}");
        }
    }

    #[test]
    fn commands_users_and_files_are_completed() {
        let names = Names::default();
        for (user, file) in [("ana", ""), ("ana", "a b.txt"), ("ana", "sub/x"), ("ana", "sub/y"), ("ben", "")]
        {
            names.add(user, file, (1, None));
        }
        let offers = |line: &str| {
            let (start, offers) = complete(&names, line);
            (start, offers.into_iter().map(|offer| offer.replacement).collect::<Vec<_>>())
        };
        assert_eq!(offers("fi"), (0, vec!["files ".into(), "find ".into()]));
        assert_eq!(offers("get "), (4, vec!["ana/".into(), "ben/".into()]));
        assert_eq!(offers("get ana/"), (4, vec!["ana/a\\ b.txt".into(), "ana/sub/".into()]));
        assert_eq!(offers("get ben/ ana/a\\ b"), (9, vec!["ana/a\\ b.txt".into()]));
        assert_eq!(offers("files b"), (6, vec!["ben".into()]));
        assert_eq!(shlex::split("ana/a\\ b.txt").unwrap(), ["ana/a b.txt"]);
        names.remove_user("ana");
        assert_eq!(offers("get a"), (4, vec![]));
    }
}
