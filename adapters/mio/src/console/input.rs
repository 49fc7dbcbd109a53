//! What is typed at the console, and the words for what came of it.

use skep_core::wire::command::Operation;

/// The result that says that the user is not connected, of all commands that need one who is.
pub(super) const NOT_CONNECTED: u8 = 2;

/// A line that was understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Input<'l> {
    Command { operation: Operation, words: Vec<&'l str> },
    Quit,
}

/// A line that was not.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unclear<'l> {
    Empty,
    /// There are too many words, or too few; this would have been right.
    Usage(&'static str),
    Unknown(&'l str),
}

const USAGES: [(Operation, &str, usize); 9] = [
    (Operation::Register, "REGISTER <userName>", 1),
    (Operation::Unregister, "UNREGISTER <userName>", 1),
    (Operation::Connect, "CONNECT <userName>", 1),
    (Operation::Disconnect, "DISCONNECT <userName>", 1),
    (Operation::Publish, "PUBLISH <fileName> <description>", 2),
    (Operation::Delete, "DELETE <fileName>", 1),
    (Operation::ListUsers, "LIST_USERS", 0),
    (Operation::ListContent, "LIST_CONTENT <userName>", 1),
    (Operation::GetFile, "GET_FILE <userName> <remote_fileName> <local_fileName>", 3),
];

impl<'l> Input<'l> {
    /// Words are divided by white space; the last one of PUBLISH is the rest of the line.
    pub(super) fn parse(line: &'l str) -> Result<Self, Unclear<'l>> {
        let line = line.trim();
        let (name, rest) = first_word(line);
        if name.is_empty() {
            return Err(Unclear::Empty);
        }
        if name.eq_ignore_ascii_case("QUIT") {
            return if rest.is_empty() { Ok(Self::Quit) } else { Err(Unclear::Usage("QUIT")) };
        }
        let known = Operation::parse(name.as_bytes())
            .and_then(|operation| USAGES.iter().find(|(known, ..)| *known == operation));
        let &(operation, usage, count) = known.ok_or(Unclear::Unknown(name))?;
        let words = match operation {
            Operation::Publish => {
                let (path, text) = first_word(rest);
                [path, text].into_iter().filter(|word| !word.is_empty()).collect()
            }
            _ => rest.split_whitespace().collect::<Vec<_>>(),
        };
        if words.len() == count { Ok(Self::Command { operation, words }) } else { Err(Unclear::Usage(usage)) }
    }
}

/// The first word of a trimmed text, and the rest, trimmed.
fn first_word(text: &str) -> (&str, &str) {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word, rest.trim_start())
}

/// What the console says to a result. One that the command does not have is taken for its last.
pub(super) fn answer(operation: Operation, result: u8) -> &'static str {
    let answers: &[&'static str] = match operation {
        Operation::Register => &["REGISTER OK", "USERNAME IN USE", "REGISTER FAIL"],
        Operation::Unregister => &["UNREGISTER OK", "USER DOES NOT EXIST", "UNREGISTER FAIL"],
        Operation::Connect => {
            &["CONNECT OK", "CONNECT FAIL, USER DOES NOT EXIST", "USER ALREADY CONNECTED", "CONNECT FAIL"]
        }
        Operation::Disconnect => &[
            "DISCONNECT OK",
            "DISCONNECT FAIL, USER DOES NOT EXIST",
            "DISCONNECT FAIL, USER NOT CONNECTED",
            "DISCONNECT FAIL",
        ],
        Operation::Publish => &[
            "PUBLISH OK",
            "PUBLISH FAIL, USER DOES NOT EXIST",
            "PUBLISH FAIL, USER NOT CONNECTED",
            "PUBLISH FAIL, CONTENT ALREADY PUBLISHED",
            "PUBLISH FAIL",
        ],
        Operation::Delete => &[
            "DELETE OK",
            "DELETE FAIL, USER DOES NOT EXIST",
            "DELETE FAIL, USER NOT CONNECTED",
            "DELETE FAIL, CONTENT NOT PUBLISHED",
            "DELETE FAIL",
        ],
        Operation::ListUsers => &[
            "LIST_USERS OK",
            "LIST_USERS FAIL, USER DOES NOT EXIST",
            "LIST_USERS FAIL, USER NOT CONNECTED",
            "LIST_USERS FAIL",
        ],
        Operation::ListContent => &[
            "LIST_CONTENT OK",
            "LIST_CONTENT FAIL, USER DOES NOT EXIST",
            "LIST_CONTENT FAIL, USER NOT CONNECTED",
            "LIST_CONTENT FAIL, REMOTE USER DOES NOT EXIST",
            "LIST_CONTENT FAIL",
        ],
        Operation::GetFile => &["GET_FILE OK", "GET_FILE FAIL, FILE NOT EXIST", "GET_FILE FAIL"],
    };
    answers.get(usize::from(result)).or(answers.last()).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command<'l>(operation: Operation, words: &[&'l str]) -> Result<Input<'l>, Unclear<'l>> {
        Ok(Input::Command { operation, words: words.to_vec() })
    }

    #[test]
    fn commands_are_understood_in_any_letter_case() {
        assert_eq!(Input::parse("register Ana"), command(Operation::Register, &["Ana"]));
        assert_eq!(Input::parse("  List_Users \r\n"), command(Operation::ListUsers, &[]));
        assert_eq!(Input::parse("GET_file eva a/b  c"), command(Operation::GetFile, &["eva", "a/b", "c"]));
        assert_eq!(Input::parse("quit"), Ok(Input::Quit));
        assert_eq!(Input::parse(" \n"), Err(Unclear::Empty));
        assert_eq!(Input::parse("fly away"), Err(Unclear::Unknown("fly")));
    }

    #[test]
    fn a_description_is_the_rest_of_the_line() {
        assert_eq!(
            Input::parse("publish  /tmp/x  a text,  with words\n"),
            command(Operation::Publish, &["/tmp/x", "a text,  with words"])
        );
    }

    #[test]
    fn a_wrong_number_of_words_is_answered_by_the_right_one() {
        for (operation, usage, count) in USAGES {
            let line = |words: usize| format!("{} {}", operation.name(), "w ".repeat(words));
            assert!(Input::parse(&line(count)).is_ok(), "{usage}");
            if operation != Operation::Publish {
                assert_eq!(Input::parse(&line(count + 1)), Err(Unclear::Usage(usage)));
            }
            if count > 0 {
                assert_eq!(Input::parse(&line(count - 1)), Err(Unclear::Usage(usage)));
            }
        }
        assert_eq!(Input::parse("quit now"), Err(Unclear::Usage("QUIT")));
    }

    #[test]
    fn every_failure_is_the_last_word() {
        for (operation, ..) in USAGES {
            let last = answer(operation, operation.failure());
            assert_eq!(last, format!("{} FAIL", operation.name()));
            assert_eq!(answer(operation, operation.failure() + 1), last);
            assert_eq!(answer(operation, 255), last);
            assert_eq!(answer(operation, 0), format!("{} OK", operation.name()));
        }
    }
}
