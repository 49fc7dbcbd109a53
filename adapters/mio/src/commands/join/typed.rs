//! What the commands at the prompt do.

use super::{
    Stay,
    command::{COMMANDS, Command, Get},
    gets::Want,
    notice,
    prompt::Typed,
};
use crate::{
    commands::{list::Search, node::Node, words::counted},
    escape::escape,
    member::UploadId,
};
use skep_core::wire::session::FileInfo;
use std::collections::BTreeMap;

/// The most lines that one command prints.
const LINES_MAX: usize = 1_000;

impl Stay<'_> {
    /// Does what was typed.
    pub(super) fn take_typed(&mut self, node: &mut Node) {
        while let Some(typed) = self.prompt.as_ref().and_then(super::Prompt::typed) {
            match typed {
                // What is pasted may be several.
                Typed::Line(lines) => {
                    for line in lines.lines() {
                        match Command::read(line) {
                            Ok(command) => self.obey(node, command),
                            Err(misread) => self.tell(&escape(&misread.to_string()).to_string()),
                        }
                    }
                    if !self.leaves
                        && let Some(prompt) = &self.prompt
                    {
                        prompt.go_on();
                    }
                }
                Typed::End => self.leave(node),
            }
        }
    }

    fn obey(&mut self, node: &mut Node, command: Command) {
        match command {
            Command::Nothing => {}
            Command::Help(which) => {
                let is_meant = |word: &str| which.as_ref().is_none_or(|which| which == word);
                for (word, rest, does) in COMMANDS.iter().filter(|(word, ..)| is_meant(word)) {
                    let usage = format!("{word} {rest}");
                    self.tell(&format!("{usage:<20}{does}"));
                }
            }
            Command::Users => self.list_users(node),
            Command::Files(Some(user)) if !self.is_there(node, &user) => {
                self.tell(&format!("nobody called {} is there", escape(&user)));
            }
            Command::Files(user) => {
                self.list_files(node, |owner, _| user.as_ref().is_none_or(|user| **user == *owner));
            }
            Command::Find(pattern) => match Search::new(&pattern) {
                Ok(search) => self.list_files(node, |_, name| search.finds(name)),
                Err(failure) => self.tell(&failure.to_string()),
            },
            Command::Get(get) => self.get(node, &get),
            Command::Downloads => {
                let lines = self.gets.lines(node);
                self.list(lines, "no downloads");
            }
            Command::Cancel(what) => {
                if !self.gets.cancel(&what, node) {
                    self.tell(&format!("{} is not being fetched; see downloads", escape(&what)));
                }
            }
            Command::Who => {
                let who = self.serving.iter();
                let line = |(_, user, name): &(_, Box<str>, Box<str>)| {
                    format!("{} fetches {}", escape(user), escape(name))
                };
                let lines = who.map(line).collect();
                self.list(lines, "nobody fetches from you");
            }
            Command::Accept(user) => self.answer(node, user.as_deref(), |node, upload| {
                let now = node.driver.now();
                node.driver.service.accept(now, upload)
            }),
            Command::Refuse(user) => {
                self.answer(node, user.as_deref(), |node, upload| node.driver.service.refuse(upload));
            }
            Command::Quit => self.leave(node),
        }
    }

    /// Whether somebody of this name is there: oneself, or another.
    fn is_there(&self, node: &Node, user: &str) -> bool {
        *user == *self.name || node.driver.service.users().any(|(other, _)| *other == *user)
    }

    fn list(&mut self, lines: Vec<String>, none: &str) {
        if lines.is_empty() {
            self.tell(none);
        }
        let count = lines.len();
        let mut shown: Vec<_> = lines.into_iter().take(LINES_MAX).collect();
        if count > LINES_MAX {
            shown.push(format!("and {} more", count - LINES_MAX));
        }
        if !shown.is_empty() {
            self.tell(&shown.join("\n"));
        }
    }

    fn list_users(&mut self, node: &Node) {
        let member = &node.driver.service;
        let mut users: BTreeMap<Box<str>, (bool, usize)> =
            member.users().map(|(user, by_command)| (user, (by_command, 0))).collect();
        for (user, ..) in member.files() {
            if let Some((_, files)) = users.get_mut(&user) {
                *files += 1;
            }
        }
        let line = |(user, (by_command, files)): (Box<str>, (bool, usize))| {
            let plain = if by_command { " (by the plain commands)" } else { "" };
            format!("{}  {}{plain}", escape(&user), counted(files, "file"))
        };
        let lines = users.into_iter().map(line).collect();
        self.list(lines, "nobody else is here");
    }

    fn list_files(&mut self, node: &Node, is_wanted: impl Fn(&str, &str) -> bool) {
        let files = node.driver.service.files().filter(|(user, name, _)| is_wanted(user, name));
        let files: BTreeMap<(Box<str>, Box<str>), FileInfo> =
            files.map(|(user, name, info)| ((user, name), info)).collect();
        let line = |((user, name), info): ((Box<str>, Box<str>), FileInfo)| {
            format!("{:>12}  {}/{}", notice::length(&info), escape(&user), escape(&name))
        };
        let lines = files.into_iter().map(line).collect();
        self.list(lines, "no such files");
    }

    fn get(&mut self, node: &Node, get: &Get) {
        let relayed = get.relayed || self.join.relay;
        for (user, file) in &get.what {
            let is_pattern = file.contains(['*', '?', '[']);
            let member = &node.driver.service;
            if !is_pattern || member.find(user, file).is_some() {
                self.want(Want::new(user, file, get.local.as_deref(), relayed));
                continue;
            }
            let Ok(search) = Search::new(file) else {
                self.tell(&format!("{} is no pattern", escape(file)));
                continue;
            };
            let files = member.files().filter(|(owner, name, _)| **owner == **user && search.finds(name));
            let names: Vec<_> = files.map(|(_, name, _)| name).collect();
            if names.is_empty() {
                self.tell(&format!("{} shares nothing like {}", escape(user), escape(file)));
            }
            for name in names {
                self.want(Want::new(user, &name, None, relayed));
            }
        }
    }

    fn want(&mut self, want: Want) {
        if let Err(reason) = self.gets.want(want) {
            self.tell(&reason);
        }
    }

    /// Answers one user, or all who ask.
    fn answer(&mut self, node: &mut Node, user: Option<&str>, answer: impl Fn(&mut Node, UploadId) -> bool) {
        let is_meant = |asking: &(UploadId, Box<str>, Box<str>)| user.is_none_or(|user| *user == *asking.1);
        let (meant, others) = std::mem::take(&mut self.asking).into_iter().partition(is_meant);
        self.asking = others;
        let meant: Vec<_> = meant;
        if meant.is_empty() {
            self.tell("nobody asks");
        }
        for (upload, user, name) in meant {
            if !answer(node, upload) {
                self.tell(&format!("{} does not ask for {} any more", escape(&user), escape(&name)));
            }
        }
    }
}
