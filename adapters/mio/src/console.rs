//! The console of the commands protocol (docs/protocol.md section 3).
//!
//! ```text
//!   a line ──► Input ──► Console ──► Call ──► the server       one connection a command
//!                           │   └──► fetch ─► another console  GET_FILE
//!                           └ Door ◄────────  other consoles   while a user is connected
//! ```
//!
//! The prompt's thread runs one command after the other and waits for each, with time-outs. Who fetches from here is
//! served by the `Door`, which has threads of its own.

mod call;
mod date;
mod door;
mod fetch;
mod input;

use crate::{
    escape::escape,
    exit::{Code, Failure, reason},
    url::Host,
};
use call::Call;
use door::{Door, Published};
use input::{Input, Unclear};
use skep_core::wire::command::{Operation, REQUEST_MAX, emit, number};
use std::{
    collections::HashMap,
    fmt::{Display, Write},
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, atomic::AtomicBool},
};

/// The last line of a console.
pub const FAREWELL: &str = "+++ FINISHED +++";

/// One user's end of the protocol. It is dropped without a word to the server: see [`Console::quit`].
#[derive(Debug)]
pub struct Console {
    server: Host,
    is_dated: bool,
    /// Ends the command that is under way, as if the network had failed.
    cancelled: Arc<AtomicBool>,
    /// Who is connected.
    user: Option<String>,
    /// Open from CONNECT to DISCONNECT.
    door: Option<Door>,
    /// What each user published here. The server's word is not enough: it could name any file of this machine.
    published: HashMap<String, Published>,
    /// Where users were by the last list: good enough to fetch from them while the server is down.
    seen: Vec<Seen>,
    /// What went wrong at the last command, for which the format has no words.
    trouble: Option<Failure>,
    /// The last line was no command.
    is_unclear: bool,
}

#[derive(Debug)]
struct Seen {
    user: String,
    address: SocketAddr,
}

/// Whether there is a next command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Ask for it.
    Prompt,
    /// The user is done.
    End,
}

impl Console {
    /// A console that nobody is connected at. `is_dated`: each command has the date in it. Who sets `cancelled` ends the
    /// command that is under way, and clears it again.
    pub fn new(server: Host, is_dated: bool, cancelled: Arc<AtomicBool>) -> Self {
        Self {
            server,
            is_dated,
            cancelled,
            user: None,
            door: None,
            published: HashMap::new(),
            seen: Vec::new(),
            trouble: None,
            is_unclear: false,
        }
    }

    /// Why the last command failed, where the format's words do not say it.
    pub fn trouble(&self) -> Option<&Failure> {
        self.trouble.as_ref()
    }

    /// What the last line came to, for scripts; `None`: it was done, or the server has answered otherwise.
    pub fn failed(&self) -> Option<Code> {
        let failed = self.trouble().map(Failure::code).filter(|code| *code != Code::Refused);
        if self.is_unclear { Some(Code::Usage) } else { failed }
    }

    /// Runs what was typed, and writes what is to be shown.
    pub fn run(&mut self, line: &str, out: &mut String) -> After {
        // Writing to a string does not fail.
        let mut say = |words: std::fmt::Arguments<'_>| _ = writeln!(out, "{words}");
        let input = Input::parse(line);
        if let Ok(Input::Command { .. }) | Err(Unclear::Usage(_) | Unclear::Unknown(_)) = &input {
            self.trouble = None;
            self.is_unclear = input.is_err();
        }
        match input {
            Err(Unclear::Empty) => {}
            Err(Unclear::Usage(usage)) => say(format_args!("Syntax error. Usage: {usage}")),
            Err(Unclear::Unknown(word)) => say(format_args!("Error: command {} not valid.", escape(word))),
            Ok(Input::Quit) => {
                self.quit(out);
                return After::End;
            }
            Ok(Input::Command { operation, words }) => {
                let (result, lines) = self.command(operation, &words);
                say(format_args!("{}", input::answer(operation, result)));
                lines.iter().for_each(|line| say(format_args!("{}", escape(line))));
            }
        }
        After::Prompt
    }

    /// Disconnects who is connected, and says good-bye.
    pub fn quit(&mut self, out: &mut String) {
        self.door = None;
        if let Some(user) = self.user.take() {
            // There is nobody left to whom its answer would matter.
            let _ = self.ask(Operation::Disconnect, &[&user]);
        }
        let _ = writeln!(out, "{FAREWELL}");
    }

    /// Runs a command: its result, and the lines below it.
    fn command(&mut self, operation: Operation, words: &[&str]) -> (u8, Vec<String>) {
        let alone = |result| (result, Vec::new());
        let done = match (operation, words) {
            (Operation::Connect, &[user]) => self.connect(user).map(alone),
            (Operation::Disconnect, &[user]) => self.disconnect(user).map(alone),
            (Operation::Unregister, &[user]) => self.unregister(user).map(alone),
            (Operation::Publish | Operation::Delete, &[path, ..]) => {
                self.share(operation, path, words).map(alone)
            }
            (Operation::ListUsers, _) => self.list_users(),
            (Operation::ListContent, &[other]) => self.list_content(other),
            (Operation::GetFile, &[owner, remote, local]) => self.get_file(owner, remote, local).map(alone),
            _ => self.ask(operation, words).map(alone),
        };
        // Whatever went wrong, the format has one word for it.
        done.unwrap_or_else(|failure| {
            self.trouble = Some(failure);
            alone(operation.failure())
        })
    }

    fn connect(&mut self, user: &str) -> Result<u8, Failure> {
        let published = self.published.entry(user.to_owned()).or_default().clone();
        let door = Door::open(published)
            .map_err(|error| Failure::cannot_on_network("listen for those who fetch from here", &error))?;
        let result = self.ask(Operation::Connect, &[user, &door.port().to_string()])?;
        if result == 0 {
            let before = self.user.replace(user.to_owned());
            self.door = Some(door);
            if let Some(before) = before.filter(|before| before != user) {
                // It was not asked for, so its answer is not shown.
                let _ = self.ask(Operation::Disconnect, &[&before]);
            }
        }
        Ok(result)
    }

    fn disconnect(&mut self, user: &str) -> Result<u8, Failure> {
        let result = self.ask(Operation::Disconnect, &[user]);
        self.door = None;
        self.user.take_if(|connected| connected == user);
        result
    }

    fn unregister(&mut self, user: &str) -> Result<u8, Failure> {
        let result = self.ask(Operation::Unregister, &[user])?;
        if let Some(published) = self.published.get(user).filter(|_| result == 0) {
            published.clear();
        }
        Ok(result)
    }

    /// PUBLISH and DELETE.
    fn share(&mut self, operation: Operation, path: &str, words: &[&str]) -> Result<u8, Failure> {
        let Some(user) = self.user.clone() else { return Ok(input::NOT_CONNECTED) };
        let strings: Vec<&str> = [user.as_str()].into_iter().chain(words.iter().copied()).collect();
        let result = self.ask(operation, &strings)?;
        let published = self.published.entry(user).or_default();
        match (operation, result) {
            // Published already: it may be that an earlier answer was lost, or an earlier console has ended.
            (Operation::Publish, 0 | 3) => published.insert(path),
            (Operation::Delete, 0 | 3) => published.remove(path),
            _ => {}
        }
        Ok(result)
    }

    fn list_users(&mut self) -> Result<(u8, Vec<String>), Failure> {
        let Some(user) = self.user.clone() else { return Ok((input::NOT_CONNECTED, Vec::new())) };
        let (result, entries) = self.list(Operation::ListUsers, &[&user], 3)?;
        if result == 0 {
            self.seen = entries.chunks_exact(3).filter_map(Seen::parse).collect();
        }
        Ok((result, entries.chunks_exact(3).map(|entry| entry.join(" ")).collect()))
    }

    fn list_content(&mut self, other: &str) -> Result<(u8, Vec<String>), Failure> {
        let Some(user) = self.user.clone() else { return Ok((input::NOT_CONNECTED, Vec::new())) };
        self.list(Operation::ListContent, &[&user, other], 1)
    }

    fn get_file(&mut self, owner: &str, remote: &str, local: &str) -> Result<u8, Failure> {
        let listed = self.list_users();
        match &listed {
            Ok((0, _)) | Err(_) => {}
            Ok((result, _)) if *result == Operation::ListUsers.failure() => {}
            Ok((result, _)) => return Err(Failure::refused(input::answer(Operation::ListUsers, *result))),
        }
        let Some(seen) = self.seen.iter().find(|seen| seen.user == owner) else {
            listed?;
            return Err(Failure::refused(format!("nobody of the name {owner} is connected")));
        };
        let request = request(Operation::GetFile, false, &[remote])?;
        let failed = |error| unreached(format_args!("{owner} at {}", seen.address), &error);
        let mut call = Call::to(&[seen.address], &self.cancelled).map_err(failed)?;
        call.send(&request).map_err(failed)?;
        fetch::receive(&mut call, local, failed)
    }

    /// A command whose answer is one byte.
    fn ask(&self, operation: Operation, strings: &[&str]) -> Result<u8, Failure> {
        self.list(operation, strings, 0).map(|(result, _)| result)
    }

    /// A command that is answered by a result and, where all is well, a list of so many strings an entry.
    fn list(
        &self,
        operation: Operation,
        strings: &[&str],
        each: usize,
    ) -> Result<(u8, Vec<String>), Failure> {
        let request = request(operation, self.is_dated, strings)?;
        let answered = self.server.resolve().and_then(|addresses| {
            let mut call = Call::to(&addresses, &self.cancelled)?;
            call.send(&request)?;
            let result = call.result()?;
            let has_list = result == 0 && each > 0;
            Ok((result, if has_list { call.list(each)? } else { Vec::new() }))
        });
        answered.map_err(|error| unreached(&self.server, &error))
    }
}

/// Somebody did not answer, or not as the format has it.
fn unreached(whom: impl Display, error: &io::Error) -> Failure {
    let why = match error.kind() {
        io::ErrorKind::UnexpectedEof => "ended without a whole answer".to_owned(),
        io::ErrorKind::InvalidData => "the answer was not understood".to_owned(),
        io::ErrorKind::TimedOut => "no answer".to_owned(),
        io::ErrorKind::Interrupted => "interrupted".to_owned(),
        _ => reason(error),
    };
    Failure::network(format!("{whom}: {why}"))
}

impl Seen {
    /// An entry of the list: user, address, port. Port 0 is nobody's.
    fn parse(entry: &[String]) -> Option<Self> {
        let [user, address, port] = entry else { return None };
        let address: IpAddr = address.parse().ok()?;
        let port = u16::try_from(number(port.as_bytes())?).ok().filter(|&port| port != 0)?;
        Some(Self { user: user.clone(), address: (address, port).into() })
    }
}

fn request(operation: Operation, is_dated: bool, strings: &[&str]) -> Result<Vec<u8>, Failure> {
    let mut room = [0; REQUEST_MAX];
    let date = is_dated.then(|| date::of(std::time::SystemTime::now()));
    let strings: Vec<&[u8]> = strings.iter().map(|string| string.as_bytes()).collect();
    let length = emit(operation, date.as_ref(), &strings, &mut room);
    let length = length
        .ok_or_else(|| Failure::usage("a name, a path and a text have at most 255 bytes, and no NUL"))?;
    Ok(room[..length].to_vec())
}
