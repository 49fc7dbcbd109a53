//! Lines for somebody who may read them slowly, or not at all.
//!
//! ```text
//!   loop ──tell──► budget ──► queue ──► thread ──► standard error
//!                    └ spent    └ full: counted, and told in a line of its own
//! ```
//!
//! A pipe whose reader pauses takes no more, and a disk takes its time: neither holds up the loop that tells what happens.
//! Who may make lines, strangers above all, is not to fill a disk with them: that is what the budget is for.

use std::{
    fmt::{self, Debug, Display, Formatter, Write as _},
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
    thread::Builder,
    time::{Duration, Instant},
};

use indicatif::HumanCount;

/// Bytes of lines that wait to be written to standard error.
const QUEUE_MAX: usize = 1 << 20;

/// Lines that may be told at once.
pub const LINES_AT_ONCE: u32 = 1_000;

/// One more may be told every so often: 100 a second.
pub const LINE_EVERY: Duration = Duration::from_millis(10);

/// How long lines are left out before it is told how many.
const COUNTED_FOR: Duration = Duration::from_secs(1);

/// How long the end of the program waits for lines to be written.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How it is said that so many lines are missing.
pub type Words = fn(u64) -> String;

/// Writes lines on a thread of its own. Dropped, it writes what waits, but does not wait for long.
pub struct LogWriter {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    waiting: String,
    waiting_max: usize,
    budget: Option<Budget>,
    words: Words,
    /// Lines that nobody was told of, and since when there are any.
    untold: Option<(u64, Instant)>,
    left_out: u64,
    /// No more lines come.
    is_over: bool,
    /// There is no thread, or it has written everything.
    is_done: bool,
}

/// Lines that are written together. `told`: so many missing ones are told of in the last of them.
struct Batch {
    lines: String,
    told: u64,
}

/// A bucket of tokens, kept as the moment when it is full again.
struct Budget {
    full_at: Instant,
}

impl Budget {
    fn take(&mut self, now: Instant) -> bool {
        let full_at = self.full_at.max(now);
        let has_token = full_at - now <= LINE_EVERY * (LINES_AT_ONCE - 1);
        if has_token {
            self.full_at = full_at + LINE_EVERY;
        }
        has_token
    }
}

impl LogWriter {
    /// One for lines that others than the user make: as many as the budget allows, of which so many bytes wait at most.
    pub fn new(out: impl Write + Send + 'static, waiting_max: usize, words: Words) -> Self {
        Self::start(out, waiting_max, Some(Budget { full_at: Instant::now() }), words)
    }

    /// One for lines that a program has asked for: all of them, as long as it reads.
    pub fn unlimited(out: impl Write + Send + 'static, waiting_max: usize, words: Words) -> Self {
        Self::start(out, waiting_max, None, words)
    }

    fn start(
        out: impl Write + Send + 'static,
        waiting_max: usize,
        budget: Option<Budget>,
        words: Words,
    ) -> Self {
        let state = State {
            waiting: String::new(),
            waiting_max,
            budget,
            words,
            untold: None,
            left_out: 0,
            is_over: false,
            is_done: false,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let of_thread = Arc::clone(&shared);
        let started = Builder::new().name("skep-log".into()).spawn(move || of_thread.write(out));
        if started.is_err() {
            // Nothing can be told without it, and nobody is to wait for that.
            let mut state = shared.lock();
            (state.waiting_max, state.is_done) = (0, true);
        }
        Self { shared }
    }

    /// Has a line written soon, or leaves it out. It never waits.
    pub fn tell(&self, line: &dyn Display) {
        self.shared.lock().take(line, Instant::now());
        self.shared.changed.notify_all();
    }

    /// From now on it is said in these words that lines are missing.
    pub fn say_in(&self, words: Words) {
        self.shared.lock().words = words;
    }

    /// Lines that were left out so far.
    pub fn left_out(&self) -> u64 {
        self.shared.lock().left_out
    }

    /// Takes no more lines, and waits until all are written: not for long. `false`: some are not.
    pub fn finish(&self) -> bool {
        let mut state = self.shared.lock();
        state.is_over = true;
        self.shared.changed.notify_all();
        let waited = self.shared.changed.wait_timeout_while(state, LAST_WORDS, |state| !state.is_done);
        waited.unwrap_or_else(PoisonError::into_inner).0.is_done
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Debug for LogWriter {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LogWriter").field("left_out", &self.left_out()).finish_non_exhaustive()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes whatever there is to write, until no more lines come.
    fn write(&self, mut out: impl Write) {
        let mut is_torn = false;
        while let Some(Batch { lines, told }) = self.next() {
            // What comes behind a part of a line is a line of its own.
            is_torn = is_torn && write_some(&mut out, b"\n") == 0;
            let written = if is_torn { 0 } else { write_some(&mut out, lines.as_bytes()) };
            let (taken, lost) = lines.as_bytes().split_at(written);
            is_torn = taken.last().map_or(is_torn, |last| *last != b'\n');
            let lost = lost.iter().filter(|byte| **byte == b'\n').count() as u64;
            if lost > 0 {
                self.lock().lose(lost, told, Instant::now());
            }
        }
        self.lock().is_done = true;
        self.changed.notify_all();
    }

    /// All lines that wait, when there are any.
    fn next(&self) -> Option<Batch> {
        let mut state = self.lock();
        loop {
            let untold = state.untold.map_or(0, |(count, _)| count);
            let patience = state.tell_untold(Instant::now());
            if !state.waiting.is_empty() {
                let told = if state.untold.is_none() { untold } else { 0 };
                return Some(Batch { lines: std::mem::take(&mut state.waiting), told });
            }
            if state.is_over {
                return None;
            }
            state = match patience {
                Some(patience) => {
                    let waited = self.changed.wait_timeout(state, patience);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

impl State {
    /// Puts a line into the queue, or counts it.
    fn take(&mut self, line: &dyn Display, now: Instant) {
        let has_room = !self.is_over && self.waiting.len() < self.waiting_max;
        if has_room && self.budget.as_mut().is_none_or(|budget| budget.take(now)) {
            // Writing to a string does not fail.
            let _ = writeln!(self.waiting, "{line}");
        } else {
            self.left_out += 1;
            self.untold.get_or_insert((0, now)).0 += 1;
        }
    }

    /// So many lines were not taken, of which the last one, if any were `told`, was to say how many were missing before.
    fn lose(&mut self, lines: u64, told: u64, now: Instant) {
        let lost = lines - u64::from(told > 0);
        self.left_out += lost;
        // At the end nobody is left to be told.
        if !self.is_over {
            self.untold.get_or_insert((0, now)).0 += lost + told;
        }
    }

    /// Says how many lines are missing, if it is time for that; or how long it still is until then.
    fn tell_untold(&mut self, now: Instant) -> Option<Duration> {
        let (count, since) = self.untold?;
        let waited = now.saturating_duration_since(since);
        if waited < COUNTED_FOR && !self.is_over {
            return Some(COUNTED_FOR - waited);
        }
        self.untold = None;
        let words = (self.words)(count);
        let _ = writeln!(self.waiting, "{words}");
        None
    }
}

/// Writes as much as is taken: how many bytes.
fn write_some(out: &mut impl Write, bytes: &[u8]) -> usize {
    let mut written = 0;
    while written < bytes.len() {
        match out.write(&bytes[written..]) {
            Ok(count @ 1..) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            _ => break,
        }
    }
    // What is not taken now is not known to be lost: it was counted as written.
    let _ = out.flush();
    written
}

static STANDARD_ERROR: OnceLock<LogWriter> = OnceLock::new();

/// The one for standard error, which all parts of a server share.
pub fn standard_error() -> &'static LogWriter {
    STANDARD_ERROR
        .get_or_init(|| LogWriter::new(io::stderr(), QUEUE_MAX, |count| format!("skep: {}", left_out(count))))
}

static COMPLAINT: OnceLock<fn(&str) -> String> = OnceLock::new();

/// From now on it is said in these words on standard error what is wrong.
pub fn complain_in(words: fn(&str) -> String) {
    // One command decides that, once.
    let _ = COMPLAINT.set(words);
}

/// The line that says on standard error what is wrong.
pub fn complaint(what: &dyn Display) -> String {
    match COMPLAINT.get() {
        Some(words) => words(&what.to_string()),
        None => format!("skep: {what}"),
    }
}

/// Says something to who runs a server.
pub fn say(message: &dyn Display) {
    standard_error().tell(&complaint(message));
}

/// Waits until all that was said on standard error is written: for the end of the program, and not for long. `false`:
/// nobody reads it.
pub fn finish() -> bool {
    STANDARD_ERROR.get().is_none_or(LogWriter::finish)
}

/// That so many lines are missing.
pub fn left_out(count: u64) -> String {
    let lines = if count == 1 { "line" } else { "lines" };
    format!("{} {lines} left out", HumanCount(count))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// What was written, each time when it is let.
    struct Slow {
        written: Arc<Mutex<String>>,
        begun: Sender<()>,
        may_go_on: Receiver<()>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.begun.send(());
            // Without anybody to let it, it goes on.
            let _ = self.may_go_on.recv();
            self.written.lock().unwrap().push_str(std::str::from_utf8(bytes).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Somebody slow, what he has written, when he begins to, and who lets him.
    fn slow() -> (Slow, Arc<Mutex<String>>, Receiver<()>, Sender<()>) {
        let (written, (begun, begins), (go_on, may_go_on)) = (Arc::default(), channel(), channel());
        (Slow { written: Arc::clone(&written), begun, may_go_on }, written, begins, go_on)
    }

    /// Waits until all is written, however long that takes here.
    fn wait_for(writer: &LogWriter) {
        while !writer.finish() {}
    }

    /// Lines that were told, and those that are said to be missing.
    fn count(written: &str) -> (u64, u64) {
        let missing = written.lines().filter_map(|line| line.strip_suffix(" left out"));
        let missing = missing.map(|line| line.split(' ').next().unwrap().replace(',', ""));
        let told = written.lines().filter(|line| !line.ends_with(" left out")).count();
        (told as u64, missing.map(|number| number.parse::<u64>().unwrap()).sum())
    }

    #[test]
    fn who_reads_no_further_holds_up_nobody_and_learns_how_much_he_has_missed() {
        let (out, written, begins, go_on) = slow();
        let writer = LogWriter::unlimited(out, 5_000, left_out);
        writer.tell(&"first");
        begins.recv().unwrap();
        for number in 1_000..10_000 {
            writer.tell(&number);
        }
        // Five bytes each.
        assert_eq!(writer.left_out(), 8_000);
        drop(go_on);
        wait_for(&writer);
        let written = written.lock().unwrap();
        assert!(written.starts_with("first\n1000\n1001\n"), "{written}");
        assert!(written.ends_with("1999\n8,000 lines left out\n"), "{written}");
    }

    #[test]
    fn lines_are_missing_in_one_place_and_come_again_behind_it() {
        let (out, written, begins, go_on) = slow();
        let writer = LogWriter::unlimited(out, 5, left_out);
        writer.tell(&"first");
        begins.recv().unwrap();
        writer.tell(&"kept");
        writer.tell(&"lost");
        go_on.send(()).unwrap();
        begins.recv().unwrap();
        writer.tell(&"later");
        drop(go_on);
        wait_for(&writer);
        let written = written.lock().unwrap();
        let lines: Vec<_> = written.lines().filter(|line| !line.ends_with("left out")).collect();
        assert_eq!((lines, count(&written)), (vec!["first", "kept", "later"], (3, 1)));
    }

    #[test]
    fn what_nobody_reads_does_not_keep_the_program_from_ending() {
        let (out, _, begins, _go_on) = slow();
        let writer = LogWriter::unlimited(out, 1 << 20, left_out);
        writer.tell(&"first");
        begins.recv().unwrap();
        assert!(!writer.finish());
    }

    /// Takes so many bytes, and no more before it is let.
    #[derive(Clone)]
    struct Narrow {
        written: Arc<Mutex<String>>,
        room: Arc<Mutex<usize>>,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut room = self.room.lock().unwrap();
            let count = bytes.len().min(*room);
            if count == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            *room -= count;
            self.written.lock().unwrap().push_str(std::str::from_utf8(&bytes[..count]).unwrap());
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_not_taken_is_counted_and_what_comes_behind_a_part_of_a_line_begins_a_new_one() {
        let out = Narrow { written: Arc::default(), room: Arc::new(Mutex::new(8)) };
        let writer = LogWriter::unlimited(out.clone(), 1 << 20, left_out);
        writer.tell(&"first\nsecond\nthird");
        let until = |lines| {
            while writer.left_out() < lines {
                std::thread::yield_now();
            }
        };
        until(2);
        writer.tell(&"fourth");
        until(3);
        // Even what says so is lost at first.
        std::thread::sleep(COUNTED_FOR * 3 / 2);
        *out.room.lock().unwrap() = 1_000;
        writer.tell(&"fifth");
        wait_for(&writer);
        let written = out.written.lock().unwrap();
        assert!(written.starts_with("first\nse\n") && written.contains("\nfifth\n"), "{written}");
        assert_eq!(written.matches("\n3 lines left out\n").count(), 1, "{written}");
        assert_eq!(writer.left_out(), 3);
    }

    #[test]
    fn a_flood_of_lines_is_counted_and_not_written() {
        let (out, written, _begins, go_on) = slow();
        drop(go_on);
        let writer = LogWriter::new(out, 1 << 20, left_out);
        for number in 0..100_000 {
            writer.tell(&format_args!("line {number}"));
        }
        let left_out = writer.left_out();
        wait_for(&writer);
        let (told, missing) = count(&written.lock().unwrap());
        assert_eq!((told + missing, missing), (100_000, left_out));
        assert!(told >= LINES_AT_ONCE.into() && missing > 0, "{told}");
    }

    #[test]
    fn a_budget_is_so_many_lines_at_once_and_then_so_many_a_second() {
        let begin = Instant::now();
        let mut budget = Budget { full_at: begin };
        let mut taken =
            |millis| (0..2_000).filter(|_| budget.take(begin + Duration::from_millis(millis))).count();
        assert_eq!([0, 9, 10, 1_010].map(&mut taken), [1_000, 0, 1, 100]);
        assert_eq!(taken(1_000_000), 1_000);
    }

    #[test]
    fn it_is_told_at_most_once_a_second_how_many_lines_are_missing() {
        let writer = LogWriter::new(io::sink(), 0, left_out);
        let mut state = writer.shared.lock();
        let begin = Instant::now();
        state.take(&"one", begin);
        assert_eq!(state.tell_untold(begin), Some(COUNTED_FOR));
        state.take(&"another", begin + COUNTED_FOR / 2);
        assert_eq!(state.tell_untold(begin + COUNTED_FOR), None);
        assert_eq!(std::mem::take(&mut state.waiting), "2 lines left out\n");
        state.take(&"third", begin + COUNTED_FOR);
        assert_eq!(state.tell_untold(begin + COUNTED_FOR), Some(COUNTED_FOR));
    }
}
