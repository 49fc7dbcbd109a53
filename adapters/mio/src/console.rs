//! The console of the commands protocol (docs/protocol.md section 3).
//!
//! ```text
//!   a line ──► Order ──► Console ──► Call ──► the server       one connection a command
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
mod order;

use crate::{escape::escape, url::Host};
use call::Call;
use door::{Door, Published};
use order::{Order, Unclear};
use skep_core::wire::command::{Operation, REQUEST_MAX, emit, number};
use std::{
    collections::HashMap,
    fmt::Write,
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
        }
    }

    /// Runs what was typed, and writes what is to be shown.
    pub fn run(&mut self, line: &str, out: &mut String) -> After {
        // Writing to a string does not fail.
        let mut say = |words: std::fmt::Arguments<'_>| _ = writeln!(out, "{words}");
        match Order::parse(line) {
            Err(Unclear::Empty) => {}
            Err(Unclear::Usage(usage)) => say(format_args!("Syntax error. Usage: {usage}")),
            Err(Unclear::Unknown(word)) => say(format_args!("Error: command {} not valid.", escape(word))),
            Ok(Order::Quit) => {
                self.quit(out);
                return After::End;
            }
            Ok(Order::Command { operation, words }) => {
                let (result, lines) = self.command(operation, &words);
                say(format_args!("{}", order::answer(operation, result)));
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
        let done = match (operation, words) {
            (Operation::Connect, &[user]) => self.connect(user),
            (Operation::Disconnect, &[user]) => Ok(self.disconnect(user)),
            (Operation::Unregister, &[user]) => self.unregister(user),
            (Operation::Publish | Operation::Delete, &[path, ..]) => self.share(operation, path, words),
            (Operation::ListUsers, _) => return self.list_users(),
            (Operation::ListContent, &[other]) => return self.list_content(other),
            (Operation::GetFile, &[owner, remote, local]) => self.get_file(owner, remote, local),
            _ => self.ask(operation, words),
        };
        // Whatever went wrong, the format has one word for it.
        (done.unwrap_or(operation.failure()), Vec::new())
    }

    fn connect(&mut self, user: &str) -> io::Result<u8> {
        let published = self.published.entry(user.to_owned()).or_default().clone();
        let door = Door::open(published)?;
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

    fn disconnect(&mut self, user: &str) -> u8 {
        let result = self.ask(Operation::Disconnect, &[user]).unwrap_or(Operation::Disconnect.failure());
        self.door = None;
        self.user.take_if(|connected| connected == user);
        result
    }

    fn unregister(&mut self, user: &str) -> io::Result<u8> {
        let result = self.ask(Operation::Unregister, &[user])?;
        if let Some(published) = self.published.get(user).filter(|_| result == 0) {
            published.clear();
        }
        Ok(result)
    }

    /// PUBLISH and DELETE.
    fn share(&mut self, operation: Operation, path: &str, words: &[&str]) -> io::Result<u8> {
        let Some(user) = self.user.clone() else { return Ok(order::NOT_CONNECTED) };
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

    fn list_users(&mut self) -> (u8, Vec<String>) {
        let Some(user) = self.user.clone() else { return (order::NOT_CONNECTED, Vec::new()) };
        let Ok((result, entries)) = self.list(Operation::ListUsers, &[&user], 3) else {
            return (Operation::ListUsers.failure(), Vec::new());
        };
        if result == 0 {
            self.seen = entries.chunks_exact(3).filter_map(Seen::parse).collect();
        }
        (result, entries.chunks_exact(3).map(|entry| entry.join(" ")).collect())
    }

    fn list_content(&mut self, other: &str) -> (u8, Vec<String>) {
        let Some(user) = self.user.clone() else { return (order::NOT_CONNECTED, Vec::new()) };
        let listed = self.list(Operation::ListContent, &[&user, other], 1);
        listed.unwrap_or((Operation::ListContent.failure(), Vec::new()))
    }

    fn get_file(&mut self, owner: &str, remote: &str, local: &str) -> io::Result<u8> {
        let (result, _) = self.list_users();
        if result != 0 && result != Operation::ListUsers.failure() {
            return Ok(Operation::GetFile.failure());
        }
        let Some(seen) = self.seen.iter().find(|seen| seen.user == owner) else {
            return Ok(Operation::GetFile.failure());
        };
        let mut call = Call::to(&[seen.address], &self.cancelled)?;
        call.send(&request(Operation::GetFile, false, &[remote])?)?;
        fetch::receive(&mut call, local)
    }

    /// A command whose answer is one byte.
    fn ask(&self, operation: Operation, strings: &[&str]) -> io::Result<u8> {
        self.call(operation, strings)?.result()
    }

    /// A command that is answered by a list of so many strings an entry.
    fn list(&self, operation: Operation, strings: &[&str], each: usize) -> io::Result<(u8, Vec<String>)> {
        let mut call = self.call(operation, strings)?;
        let result = call.result()?;
        Ok((result, if result == 0 { call.list(each)? } else { Vec::new() }))
    }

    /// Calls the server with a whole request.
    fn call(&self, operation: Operation, strings: &[&str]) -> io::Result<Call<'_>> {
        let request = request(operation, self.is_dated, strings)?;
        let mut call = Call::to(&self.server.resolve()?, &self.cancelled)?;
        call.send(&request)?;
        Ok(call)
    }
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

fn request(operation: Operation, is_dated: bool, strings: &[&str]) -> io::Result<Vec<u8>> {
    let mut room = [0; REQUEST_MAX];
    let date = is_dated.then(|| date::of(std::time::SystemTime::now()));
    let strings: Vec<&[u8]> = strings.iter().map(|string| string.as_bytes()).collect();
    let length = emit(operation, date.as_ref(), &strings, &mut room).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(room[..length].to_vec())
}
