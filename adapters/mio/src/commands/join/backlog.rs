//! What is to be shown at a terminal with a prompt, and who shows it.
//!
//! The loop must not wait for a terminal, nor for an editor that prefers keys to notices. So it leaves lines here, and
//! two threads show them: while a line is typed, one that hands them to the editor; between two lines the one that
//! reads them, so that what comes of a line is shown before the prompt is back.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The lines that wait. Of more, the oldest are left out.
const LINES_MAX: usize = 1_000;

/// Lines between a program and its terminal.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<String>,
    /// Lines that were left out, as nobody took them.
    left_out: usize,
    /// A line is being typed.
    is_typing: bool,
    /// The next one may be typed.
    may_type: bool,
    /// What was taken is being shown.
    is_showing: bool,
    is_over: bool,
}

impl State {
    /// All that waits, in one piece.
    fn take(&mut self) -> Option<String> {
        if self.lines.is_empty() {
            return None;
        }
        let mut text = String::new();
        match std::mem::take(&mut self.left_out) {
            0 => {}
            count => text.push_str(&format!("{count} notices are not shown: the terminal was too slow\n")),
        }
        for line in self.lines.drain(..) {
            text.push_str(&line);
            text.push('\n');
        }
        self.is_showing = true;
        Some(text)
    }
}

impl Backlog {
    /// Leaves a line to be shown. Never waits.
    pub(super) fn push(&self, line: &str) {
        let mut state = self.state();
        if state.lines.len() == LINES_MAX {
            state.lines.pop_front();
            state.left_out += 1;
        }
        state.lines.push_back(line.to_owned());
        self.changed.notify_all();
    }

    /// Lets the next line be typed, when all is shown that came before.
    pub(super) fn go_on(&self) {
        self.state().may_type = true;
        self.changed.notify_all();
    }

    /// Shows what there is while nothing is typed, until the next line may be. `false`: there will be none.
    pub(super) fn show_until_next(&self, mut show: impl FnMut(&str)) -> bool {
        let mut state = self.state();
        state.is_typing = false;
        loop {
            if let Some(text) = state.take() {
                drop(state);
                show(&text);
                state = self.shown();
            } else if state.is_over {
                return false;
            } else if state.may_type {
                (state.may_type, state.is_typing) = (false, true);
                self.changed.notify_all();
                return true;
            } else {
                state = self.wait(state);
            }
        }
    }

    /// Shows what comes while a line is typed, until the end.
    pub(super) fn show_while_typing(&self, mut show: impl FnMut(String)) {
        let mut state = self.state();
        while !state.is_over {
            match state.is_typing.then(|| state.take()).flatten() {
                Some(text) => {
                    // The editor may keep it for the next line: nobody is to wait for that.
                    state.is_showing = false;
                    drop(state);
                    show(text);
                    state = self.state();
                }
                None => state = self.wait(state),
            }
        }
    }

    /// Nothing more will come. Waits until all is shown, but not long for a terminal that takes nothing.
    pub(super) fn end(&self, patience: Duration) {
        let waits = |state: &mut State| state.is_showing || !state.lines.is_empty();
        let waited = self.changed.wait_timeout_while(self.state(), patience, waits);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_over = true;
        self.changed.notify_all();
    }

    fn shown(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        state.is_showing = false;
        self.changed.notify_all();
        state
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::mpsc::channel, thread};

    fn shown_until_next(backlog: &Backlog) -> (Vec<String>, bool) {
        let mut texts = Vec::new();
        let is_next = backlog.show_until_next(|text| texts.push(text.to_owned()));
        (texts, is_next)
    }

    #[test]
    fn what_comes_of_a_line_is_shown_in_one_piece_before_the_next() {
        let backlog = Backlog::default();
        backlog.push("one");
        backlog.push("other");
        backlog.go_on();
        assert_eq!(shown_until_next(&backlog), (vec!["one\nother\n".to_owned()], true));
        backlog.go_on();
        assert_eq!(shown_until_next(&backlog), (vec![], true));
    }

    #[test]
    fn of_more_than_fits_the_oldest_is_left_out_with_a_word() {
        let backlog = Backlog::default();
        for number in 0..LINES_MAX + 2 {
            backlog.push(&number.to_string());
        }
        backlog.go_on();
        let (texts, _) = shown_until_next(&backlog);
        let lines: Vec<_> = texts[0].lines().collect();
        assert_eq!(lines[0], "2 notices are not shown: the terminal was too slow");
        assert_eq!((lines[1], lines.len()), ("2", LINES_MAX + 1));
    }

    #[test]
    fn an_editor_that_takes_nothing_keeps_neither_the_loop_nor_the_next_line() {
        let backlog = Backlog::default();
        backlog.go_on();
        assert!(shown_until_next(&backlog).1);
        let (has, had) = channel();
        let (takes, is_taken) = channel::<()>();
        let lines = &backlog;
        thread::scope(|scope| {
            scope.spawn(move || {
                lines.show_while_typing(|text| {
                    has.send(text).unwrap();
                    is_taken.recv().unwrap();
                });
            });
            backlog.push("a notice");
            assert_eq!(had.recv().unwrap(), "a notice\n");
            backlog.push("an answer");
            backlog.go_on();
            assert_eq!(shown_until_next(&backlog), (vec!["an answer\n".to_owned()], true));
            backlog.end(Duration::ZERO);
            takes.send(()).unwrap();
        });
        assert_eq!(shown_until_next(&backlog), (vec![], false));
    }
}
