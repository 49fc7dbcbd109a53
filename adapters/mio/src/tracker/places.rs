//! Where a tracker listens.

use std::{
    fmt::{self, Display, Formatter},
    net::SocketAddr,
};

/// All addresses of a tracker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// For sealed sessions, each with the link that leads there.
    pub sealed: Vec<(SocketAddr, String)>,
    /// For sessions without encryption.
    pub plain: Vec<SocketAddr>,
    /// For commands.
    pub commands: Vec<SocketAddr>,
    /// For who measures.
    pub numbers: Vec<SocketAddr>,
}

impl Places {
    /// The link of the first sealed address, if there is one.
    pub fn link(&self) -> Option<&str> {
        self.sealed.first().map(|(_, link)| link.as_str())
    }
}

/// A line for each, two for those that are sealed, without a line feed behind the last.
impl Display for Places {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let sealed = self.sealed.iter().map(|(at, link)| format!("listening on skep://{at}\ntracker {link}"));
        let plain = self.plain.iter();
        let plain = plain.map(|at| format!("listening on {at} for sessions (plain: not encrypted)"));
        let commands = self.commands.iter();
        let commands = commands.map(|at| format!("listening on {at} for commands (plain: not encrypted)"));
        let numbers = self.numbers.iter().map(|at| format!("numbers at http://{at}/metrics"));
        let lines: Vec<_> = sealed.chain(plain).chain(commands).chain(numbers).collect();
        formatter.write_str(&lines.join("\n"))
    }
}
