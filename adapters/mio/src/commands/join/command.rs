//! What is typed at the prompt.

use std::fmt::{self, Display, Formatter};

/// A line that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Nothing was typed.
    Nothing,
    /// Of everything, or of one word.
    Help(Option<String>),
    Users,
    /// Files, of one user or of all.
    Files(Option<String>),
    Find(String),
    Get(Get),
    /// Downloads that are under way, or wait.
    Downloads,
    Cancel(String),
    /// Who fetches from us.
    Who,
    /// Of one user, or of everybody who asks.
    Accept(Option<String>),
    Refuse(Option<String>),
    Quit,
}

/// What is to be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Get {
    /// USER/FILE, or USER/PATTERN.
    pub(super) what: Vec<(String, String)>,
    /// What it is to be called here.
    pub(super) local: Option<String>,
    pub(super) relayed: bool,
}

/// What can be typed: words, what follows them, what they do.
pub(super) const COMMANDS: &[(&str, &str, &str)] = &[
    ("users", "", "who is here"),
    ("files", "[USER]", "what is shared, by one or by all"),
    ("find", "PATTERN", "files whose names fit: *.iso, or a part of the name"),
    ("get", "USER/FILE...", "fetch; -o NAME calls it so here, -r fetches through the tracker"),
    ("downloads", "", "how far they are"),
    ("cancel", "USER/FILE", "give a download up"),
    ("who", "", "who fetches from you"),
    ("accept", "[USER]", "let who asks have what he asks for (with --ask)"),
    ("refuse", "[USER]", "do not"),
    ("help", "[COMMAND]", "this list, or what it says of one"),
    ("quit", "", "log out and leave"),
];

/// What people say besides, and what they mean: the words of other programs.
const ALIASES: &[(&str, &str)] = &[
    ("ls", "files"),
    ("list", "files"),
    ("leave", "quit"),
    ("exit", "quit"),
    ("bye", "quit"),
    ("?", "help"),
];

/// Why a line was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Misread {
    Unknown(String),
    Quotes,
    Usage(&'static str),
}

impl Display for Misread {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(word) => write!(formatter, "there is no command {word}; try help"),
            Self::Quotes => formatter.write_str("a quotation mark is missing"),
            Self::Usage(word) => {
                let found = COMMANDS.iter().find(|(command, ..)| command == word);
                let (word, rest, _) = found.unwrap_or(&("help", "", ""));
                formatter.write_str(format!("it is: {word} {rest}").trim_end())
            }
        }
    }
}

/// The word of a command, however it is said.
fn known(said: &str) -> Option<&'static str> {
    let said = said.to_ascii_lowercase();
    let said = ALIASES.iter().find(|(alias, _)| *alias == said).map_or(&*said, |(_, word)| word);
    COMMANDS.iter().map(|(word, ..)| *word).find(|word| *word == said)
}

impl Command {
    /// Reads a line. Words are as in a shell: with a space in them they stand in quotation marks.
    pub(super) fn read(line: &str) -> Result<Self, Misread> {
        let words = shlex::split(line).ok_or(Misread::Quotes)?;
        let mut words = words.into_iter();
        let Some(first) = words.next() else { return Ok(Self::Nothing) };
        let rest: Vec<_> = words.collect();
        let word = known(&first).ok_or(Misread::Unknown(first))?;
        let usage = || Misread::Usage(word);
        let none = |command: Self| if rest.is_empty() { Ok(command) } else { Err(usage()) };
        let at_most_one = || if rest.len() > 1 { Err(usage()) } else { Ok(rest.first().cloned()) };
        let one = || at_most_one()?.ok_or_else(usage);
        match word {
            "users" => none(Self::Users),
            "files" => Ok(Self::Files(at_most_one()?)),
            "find" => Ok(Self::Find(one()?)),
            "get" => Ok(Self::Get(Get::read(&rest).ok_or_else(usage)?)),
            "downloads" => none(Self::Downloads),
            "cancel" => Ok(Self::Cancel(one()?)),
            "who" => none(Self::Who),
            "accept" => Ok(Self::Accept(at_most_one()?)),
            "refuse" => Ok(Self::Refuse(at_most_one()?)),
            "quit" => none(Self::Quit),
            _ => match at_most_one()? {
                Some(word) => Ok(Self::Help(Some(known(&word).ok_or(Misread::Unknown(word))?.to_owned()))),
                None => Ok(Self::Help(None)),
            },
        }
    }
}

impl Get {
    fn read(words: &[String]) -> Option<Self> {
        let mut get = Self { what: Vec::new(), local: None, relayed: false };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "-r" | "--relay" => get.relayed = true,
                "-o" | "--output" => get.local = Some(words.next()?.clone()),
                word => {
                    let (user, file) = word.split_once('/').filter(|(_, file)| !file.is_empty())?;
                    get.what.push((user.to_owned(), file.to_owned()));
                }
            }
        }
        (!get.what.is_empty() && (get.local.is_none() || get.what.len() == 1)).then_some(get)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn got(what: &[(&str, &str)], local: Option<&str>, relayed: bool) -> Result<Command, Misread> {
        let what = what.iter().map(|(user, file)| ((*user).to_owned(), (*file).to_owned())).collect();
        Ok(Command::Get(Get { what, local: local.map(str::to_owned), relayed }))
    }

    #[test]
    fn lines_are_read_as_a_shell_reads_them() {
        assert_eq!(Command::read("  "), Ok(Command::Nothing));
        assert_eq!(Command::read("USERS"), Ok(Command::Users));
        assert_eq!(Command::read("ls ana"), Ok(Command::Files(Some("ana".into()))));
        assert_eq!(Command::read("Exit"), Ok(Command::Quit));
        assert_eq!(Command::read("help"), Ok(Command::Help(None)));
        assert_eq!(Command::read("? LS"), Ok(Command::Help(Some("files".into()))));
        assert_eq!(Command::read("files 'a b'"), Ok(Command::Files(Some("a b".into()))));
        assert_eq!(Command::read("get ana/a/b.txt"), got(&[("ana", "a/b.txt")], None, false));
        assert_eq!(
            Command::read(r#"get ana/x "ben/a b" -r"#),
            got(&[("ana", "x"), ("ben", "a b")], None, true)
        );
        assert_eq!(Command::read("get ana/x -o y"), got(&[("ana", "x")], Some("y"), false));
    }

    #[test]
    fn what_is_not_understood_says_how_it_is_written() {
        for (line, told) in [
            ("dance", "there is no command dance; try help"),
            ("help dance", "there is no command dance; try help"),
            ("quit now", "it is: quit"),
            ("files a b", "it is: files [USER]"),
            ("find", "it is: find PATTERN"),
            ("get", "it is: get USER/FILE..."),
            ("get ana", "it is: get USER/FILE..."),
            ("get ana/ ", "it is: get USER/FILE..."),
            ("get ana/x ben/y -o z", "it is: get USER/FILE..."),
            ("who 'is", "a quotation mark is missing"),
        ] {
            assert_eq!(Command::read(line).unwrap_err().to_string(), told);
        }
    }
}
