//! `skep join`: one member of a tracker's exchange.

mod backlog;
mod command;
mod gets;
pub(in crate::commands) mod notice;
mod pauses;
mod prompt;
mod sharing;
mod typed;
mod untaken;

use super::{
    no_session::{cannot_log_in, why_unreachable},
    node::{Arrival, Node, Plan},
    signals::Signals,
    words::{counted, of_code},
};
use crate::{
    args::Join,
    escape::escape,
    exit::Failure,
    log_writer::{LogWriter, left_out},
    member::{Accept, Event, UploadId},
    url::Host,
};
use gets::Gets;
use prompt::{Names, Prompt};
use serde_json::{Value, json};
use sharing::Sharing;
use skep_core::wire::session::Code;
use std::{
    io::{IsTerminal, Write, stdin, stdout},
    time::Duration,
};

/// Bytes of lines that wait while the program that is to read them does something else: a list of many files is told at
/// once, and should fit.
const LINES_MAX: usize = 64 << 20;

/// Logs in, and stays until it is asked to end.
pub(super) fn run(join: &Join) -> Result<(), Failure> {
    let (url, name) = (join.login.url()?, join.login.who()?);
    sharing::check(join)?;
    if join.ask && !has_terminal() {
        return Err(Failure::usage("--ask needs a terminal: nowhere else could anybody answer"));
    }
    let plan = Plan {
        shared: join.directory.as_deref(),
        downloads: &join.downloads,
        replace: false,
        wants_list: true,
        accept: if join.ask { Accept::Ask } else { Accept::All },
        door: (!join.relay).then_some(join.listen.as_ref()),
        plain: join.plain,
    };
    // Who starts it at a terminal sees that it failed. Elsewhere it may have been started before the tracker, or the network.
    let waits = !has_terminal();
    let mut node = Node::new(Arrival { waits, ..Arrival::new(&url, &join.login, &name)? }, &plan)?;
    let mut signals = Signals::new(&mut node.driver)?;
    let mut stay = Stay::new(join, url.host.clone(), name, waits);
    stay.sharing = Sharing::new(join, node.driver.waker())?;
    let outcome = stay.last(&mut node, &mut signals);
    node.end()?;
    outcome
}

/// Whether somebody can be asked, and sees what is said.
fn has_terminal() -> bool {
    stdin().is_terminal() && stdout().is_terminal()
}

fn wants_prompt(join: &Join) -> bool {
    !(join.log || join.json || join.quiet) && has_terminal()
}

/// A stay at a tracker, and how it is told.
struct Stay<'a> {
    join: &'a Join,
    host: Host,
    name: String,
    /// The tracker is called until it is there.
    waits: bool,
    prompt: Option<Prompt>,
    /// For lines that are shown without a prompt.
    lines: Option<LogWriter>,
    names: Names,
    sharing: Option<Sharing>,
    gets: Gets,
    /// Who fetches from us, and what.
    serving: Vec<(UploadId, Box<str>, Box<str>)>,
    /// Who asks, and for what.
    asking: Vec<(UploadId, Box<str>, Box<str>)>,
    was_online: bool,
    /// Why the tracker was lost, or could not be reached, as it was told last.
    lost_by: Option<String>,
    /// The list is being told from its beginning.
    lists: bool,
    leaves: bool,
}

impl<'a> Stay<'a> {
    fn new(join: &'a Join, host: Host, name: String, waits: bool) -> Self {
        Self {
            join,
            host,
            name,
            waits,
            prompt: None,
            lines: (!wants_prompt(join)).then(|| {
                let words = if join.json { missing_in_json } else { left_out };
                LogWriter::unlimited(stdout(), LINES_MAX, words)
            }),
            names: Names::default(),
            sharing: None,
            gets: Gets::default(),
            serving: Vec::new(),
            asking: Vec::new(),
            was_online: false,
            lost_by: None,
            lists: true,
            leaves: false,
        }
    }

    /// Until the end.
    fn last(&mut self, node: &mut Node, signals: &mut Signals) -> Result<(), Failure> {
        loop {
            node.turn(self.patience(node))?;
            while let Some(event) = node.news.pop_front() {
                if self.hear(node, &event)? {
                    return Ok(());
                }
            }
            // What is shared stands behind the log-in, as it is told of one.
            if self.was_online {
                self.take_changes(node);
            }
            self.take_typed(node);
            for line in self.gets.begin(node).into_iter().chain(self.gets.news(node)) {
                self.tell(&line);
            }
            if signals.ask_to_end(&mut node.driver) {
                if self.leaves {
                    return Err(Failure::interrupted());
                }
                self.leave(node);
            }
        }
    }

    /// How long nothing has to be done.
    fn patience(&self, node: &Node) -> Option<Duration> {
        let untaken = self.sharing.as_ref().and_then(|sharing| sharing.untaken.patience());
        untaken.into_iter().chain(self.gets.patience(node)).min()
    }

    /// Takes note of what happens. `true`: it is over.
    fn hear(&mut self, node: &Node, event: &Event) -> Result<bool, Failure> {
        let is_new = self.note(event);
        let host = self.host.clone();
        match event {
            Event::Online => {
                self.tell_json(&json!({"event": "online", "tracker": host.to_string(), "user": self.name}));
                self.online(node)?;
                if let Some(sharing) = &mut self.sharing {
                    sharing.untaken.clear();
                }
            }
            Event::Offline { code } if !self.was_online => {
                let outcome = cannot_log_in(node, &host, event);
                let may_come = matches!(code, Code::Unreachable | Code::Gone | Code::Silent);
                match outcome {
                    Err(failure) if self.waits && may_come => self.tell_lost(failure.to_string()),
                    outcome => outcome?,
                }
            }
            Event::Offline { code } => {
                let why = match code {
                    Code::Unreachable => why_unreachable(node),
                    code => of_code(*code),
                };
                self.tell_lost(format!("lost the tracker: {why}"));
            }
            Event::Over { code } => {
                self.tell_event(event);
                return match (self.was_online, code) {
                    (true, Code::Done) => {
                        self.tell("logged out");
                        Ok(true)
                    }
                    (false, Code::Done) => Err(Failure::interrupted()),
                    _ => cannot_log_in(node, &host, event).map(|()| true),
                };
            }
            Event::Cleared => self.lists = true,
            Event::Listed if self.lists => {
                self.lists = false;
                let member = &node.driver.service;
                let (users, files) = (member.users().count(), member.files().count());
                self.tell(&others(users, files));
            }
            // Of many only the sum is told.
            Event::NotPublished { name, code: Code::Full } => {
                if let Some(sharing) = &mut self.sharing {
                    sharing.untaken.add(name);
                }
                self.tell_event(event);
                return Ok(false);
            }
            Event::Asked { user, name, .. } => {
                let (user, name) = (escape(user), escape(name));
                self.tell(&format!("{user} asks for {name}: accept {user}, or refuse {user}"));
            }
            Event::Getting { download, length, travel } => self.gets.flows(*download, *length, *travel),
            Event::Got { download, outcome } => {
                if let Some(line) = self.gets.over(*download, outcome) {
                    self.tell(&line);
                }
                return Ok(false);
            }
            _ => {}
        }
        // Of the list as it was found only the sum is told.
        let is_list = matches!(event, Event::Came { .. } | Event::Shared { .. });
        if is_new
            && !(self.lists && is_list)
            && let Some(line) = notice::line(event)
        {
            self.tell(&line);
        }
        self.tell_event(event);
        Ok(false)
    }

    /// Keeps what is asked for at the prompt. `false`: it says nothing new to people; a hash that is known by now, say.
    fn note(&mut self, event: &Event) -> bool {
        match event {
            Event::Cleared => self.names.clear(),
            Event::Came { user, .. } => _ = self.names.add(user, "", (0, None)),
            Event::Left { user } => self.names.remove_user(user),
            Event::Shared { user, name, info } => {
                return self.names.add(user, name, (info.length, info.hash));
            }
            Event::Unshared { user, name } => self.names.remove(user, name),
            Event::Asked { upload, user, name } => self.asking.push((*upload, user.clone(), name.clone())),
            Event::Serving { upload, user, name, .. } => {
                self.serving.push((*upload, user.clone(), name.clone()));
            }
            Event::Served { upload, .. } => {
                self.asking.retain(|(other, ..)| other != upload);
                self.serving.retain(|(other, ..)| other != upload);
            }
            _ => {}
        }
        true
    }

    fn online(&mut self, node: &Node) -> Result<(), Failure> {
        self.lost_by = None;
        let is_back = std::mem::replace(&mut self.was_online, true);
        if is_back {
            self.gets.tracker_returned();
        }
        let back = if is_back { "back at" } else { "logged in to" };
        self.tell(&format!("{back} {} as {}", self.host, escape(&self.name)));
        if self.prompt.is_none() && wants_prompt(self.join) {
            self.prompt = Some(Prompt::new(self.names.clone(), node.driver.waker())?);
        }
        Ok(())
    }

    /// There is no tracker. The same is not said of each call while it is away.
    fn tell_lost(&mut self, why: String) {
        if self.lost_by.as_ref() != Some(&why) {
            self.tell(&format!("{why}; calling it again"));
            self.lost_by = Some(why);
        }
    }

    fn leave(&mut self, node: &mut Node) {
        if let Some(left) = self.gets.left() {
            self.tell(&left);
        }
        self.leaves = true;
        node.driver.service.log_out(node.driver.now());
    }

    fn tell(&mut self, line: &str) {
        match &self.prompt {
            Some(prompt) => prompt.print(line),
            None if !self.join.json && !self.join.quiet => self.print(line),
            None => {}
        }
    }

    fn tell_event(&self, event: &Event) {
        if self.join.json
            && let Some(line) = notice::json(event)
        {
            self.tell_json(&line);
        }
    }

    fn tell_json(&self, line: &Value) {
        if self.join.json {
            let mut line = line.clone();
            line["time"] = now().into();
            self.print(&line.to_string());
        }
    }

    /// A line on standard output, at once. A program that does not read it does not hold up the session, nor does a terminal
    /// that is stopped.
    fn print(&self, line: &str) {
        match &self.lines {
            Some(lines) => lines.tell(&line),
            None => {
                let mut out = stdout().lock();
                // Nobody may read it any more.
                let _ = writeln!(out, "{line}").and_then(|()| out.flush());
            }
        }
    }
}

fn missing_in_json(count: u64) -> String {
    json!({"event": "left-out", "time": now(), "lines": count}).to_string()
}

/// Now, with as many digits as ever: sorted as texts, lines are in the order of their times.
fn now() -> String {
    format!("{:.6}", jiff::Timestamp::now())
}

/// Who else is there, and what they share.
fn others(users: usize, files: usize) -> String {
    let files = counted(files, "file");
    match users {
        0 => "nobody else is here".to_owned(),
        1 => format!("1 other is here, with {files}"),
        users => format!("{users} others are here, with {files}"),
    }
}
