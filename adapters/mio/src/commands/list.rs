//! `skep ls` and `skep find`: a short visit to a tracker.

use super::{
    join::notice,
    no_session::cannot_log_in,
    node::{Arrival, Node, Plan},
    output,
    signals::Signals,
};
use crate::{
    args::{Find, Login, Ls},
    escape::escape,
    exit::{Code as Exit, Failure},
    member::{Accept, Event},
    storage::fold,
};
use glob::{MatchOptions, Pattern};
use serde_json::json;
use skep_core::wire::session::FileInfo;
use std::{collections::BTreeMap, path::Path, time::Instant as Clock};

/// Everything that is there: users in order, whether by command, and their files in order.
type List = BTreeMap<Box<str>, (bool, BTreeMap<Box<str>, FileInfo>)>;

pub(super) fn ls(ls: &Ls) -> Result<(), Failure> {
    let mut list = visit(&ls.login)?;
    if let Some(user) = &ls.user {
        list.retain(|name, _| **name == **user);
        if list.is_empty() {
            return Err(Failure::refused(format!("nobody called {user} is there")));
        }
    }
    print(&list, ls.json)
}

pub(super) fn find(find: &Find) -> Result<(), Failure> {
    let search = Search::new(&find.pattern)?;
    let mut list = visit(&find.login)?;
    for (_, files) in list.values_mut() {
        files.retain(|name, _| search.finds(name));
    }
    list.retain(|_, (_, files)| !files.is_empty());
    print(&list, find.json)?;
    if list.is_empty() {
        return Err(Failure::new(Exit::Refused, format!("nothing is called like {}", find.pattern)));
    }
    Ok(())
}

/// Upper and lower case as one.
fn folded(name: &str) -> String {
    fold(name).collect()
}

/// A pattern of the shell.
pub(super) struct Search {
    pattern: Pattern,
    /// The same of upper and lower case as one: some letters become two by that, and `?` is one.
    folded: Pattern,
    /// It is about the whole path.
    is_path: bool,
}

impl Search {
    /// # Errors
    /// It is no pattern.
    pub(super) fn new(pattern: &str) -> Result<Self, Failure> {
        let is_plain = !pattern.contains(['*', '?', '[']);
        let wanted = if is_plain { format!("*{}*", Pattern::escape(pattern)) } else { pattern.to_owned() };
        let made = |wanted: &str| {
            Pattern::new(wanted)
                .map_err(|error| Failure::usage(format!("\"{pattern}\" is no pattern: {}", error.msg)))
        };
        let (pattern, folded) = (made(&wanted)?, made(&folded(&wanted))?);
        Ok(Self { is_path: wanted.contains('/'), pattern, folded })
    }

    pub(super) fn finds(&self, name: &str) -> bool {
        let last = name.rsplit('/').next().unwrap_or(name);
        let name = if self.is_path { name } else { last };
        let any_case = MatchOptions { case_sensitive: false, ..MatchOptions::new() };
        self.folded.matches(&folded(name)) || self.pattern.matches_with(name, any_case)
    }
}

/// Logs in, takes the list, and logs out.
fn visit(login: &Login) -> Result<List, Failure> {
    let plan = Plan {
        shared: None,
        downloads: Path::new("."),
        replace: false,
        wants_list: true,
        accept: Accept::All,
        door: None,
        plain: false,
    };
    let (url, name) = (login.url()?, login.who()?);
    let mut node = Node::new(Arrival::new(&url, login, &name)?, &plan)?;
    let mut signals = Signals::new(&mut node.driver)?;
    let host = &url.host;
    let until = Clock::now() + login.timeout;
    let mut missing = "no list";
    node.visit(|node| {
        loop {
            node.turn(Some(until.saturating_duration_since(Clock::now())))?;
            while let Some(event) = node.news.pop_front() {
                match event {
                    Event::Listed => return Ok(taken(node)),
                    Event::Waiting { .. } => missing = "no seat was free",
                    Event::Online => missing = "no list",
                    event if node.come_again(&name, &event) => {}
                    event => cannot_log_in(node, host, &event)?,
                }
            }
            if signals.ask_to_end(&mut node.driver) {
                return Err(Failure::interrupted());
            }
            if Clock::now() >= until {
                let seconds = login.timeout.as_secs();
                return Err(Failure::network(format!("{host}: {missing} in {seconds} s")));
            }
        }
    })
}

fn taken(node: &Node) -> List {
    let member = &node.driver.service;
    let mut list: List =
        member.users().map(|(user, by_command)| (user, (by_command, BTreeMap::new()))).collect();
    for (user, name, info) in member.files() {
        if let Some((_, files)) = list.get_mut(&user) {
            files.insert(name, info);
        }
    }
    list
}

fn print(list: &List, is_json: bool) -> Result<(), Failure> {
    output::print(if is_json { json(list) } else { lines(list) })
}

fn json(list: &List) -> String {
    let users: Vec<_> = list
        .iter()
        .map(|(user, (by_command, files))| {
            let files: Vec<_> = files.iter().map(|(name, info)| notice::file(name, info)).collect();
            json!({"user": user, "plain": by_command, "files": files})
        })
        .collect();
    format!("{}\n", json!({"users": users}))
}

fn lines(list: &List) -> String {
    let mut lines = String::new();
    for (user, (_, files)) in list {
        if files.is_empty() {
            lines += &format!("{:>12}  {}/\n", "-", escape(user));
        }
        for (name, info) in files {
            let length = if info.flags & FileInfo::UNKNOWN_LENGTH == 0 {
                notice::length(info)
            } else {
                "?".to_owned()
            };
            lines += &format!("{length:>12}  {}/{}\n", escape(user), escape(name));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_anywhere_and_a_pattern_where_it_fits() {
        for (pattern, name, is_found) in [
            ("bee", "photos/A Beehive.jpg", true),
            ("photos", "photos/x.jpg", false),
            ("photos/", "photos/x.jpg", true),
            ("*.JPG", "photos/x.jpg", true),
            ("*.jp", "photos/x.jpg", false),
            ("photos/*", "photos/x.jpg", true),
            ("a[b", "a[b", false),
            ("?.jpg", "photos/x.jpg", true),
        ] {
            let Ok(search) = Search::new(pattern) else {
                assert!(!is_found, "{pattern}");
                continue;
            };
            assert_eq!(search.finds(name), is_found, "{pattern} {name}");
        }
    }
}
