//! Files of lines.

use std::path::Path;

use crate::exit::Failure;

/// The lines that say something, with their numbers: all but empty ones and those that begin with `#`.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// What is said of a line that cannot be understood. `why` must not repeat what is secret in it.
pub(super) fn bad_line(path: &Path, number: usize, why: &str) -> Failure {
    Failure::local(format!("{}, line {number}: {why}; correct or remove the line", path.display()))
}

/// A text with one line more at its end, whether the last one was ended or not.
pub(super) fn with_line(text: &str, line: &str) -> String {
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{end}{line}\n")
}

/// A text without the lines with these numbers. All others stay as they are, comments too.
pub(super) fn without_lines(text: &str, numbers: &[usize]) -> String {
    let kept = text.split_inclusive('\n').enumerate().filter(|(index, _)| !numbers.contains(&(index + 1)));
    kept.map(|(_, line)| line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_empty_lines_are_counted_and_passed_over() {
        let text = "# a\n\n  b  \r\n\t\n c\n #d\ne";
        assert_eq!(lines(text).collect::<Vec<_>>(), [(3, "b"), (5, "c"), (7, "e")]);
    }

    #[test]
    fn a_line_is_added_and_taken_away_alone() {
        assert_eq!(with_line("", "a"), "a\n");
        assert_eq!(with_line("a", "b"), "a\nb\n");
        assert_eq!(with_line("a\n", "b"), "a\nb\n");
        assert_eq!(without_lines("# a\nb\r\n\nc", &[2, 3]), "# a\nc");
        assert_eq!(without_lines("a", &[1]), "");
    }
}
