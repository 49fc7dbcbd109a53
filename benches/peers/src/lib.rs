//! What the peers have in common: `peer serve ADDR FILE ...` sends that file to everyone who connects, `peer get ADDR FILE
//! ...` stores what comes. Nothing is printed but errors: the time is taken around the process.

use std::{env, net::SocketAddr, path::PathBuf};

/// What a peer is told to do.
#[derive(Debug)]
pub struct Task {
    /// Serve the file, or get it.
    pub serve: bool,
    /// Where the server is.
    pub address: SocketAddr,
    /// What to send, or where to store what comes.
    pub file: PathBuf,
    /// What is left of the command line: the peer's own settings.
    pub settings: Vec<String>,
}

impl Task {
    /// From the command line; ends the program with a line on its use if that is wrong.
    pub fn from_arguments() -> Self {
        Self::parse().unwrap_or_else(|| {
            eprintln!("usage: PEER serve|get ADDRESS:PORT FILE [SETTING]...");
            std::process::exit(2);
        })
    }

    fn parse() -> Option<Self> {
        let mut arguments = env::args().skip(1);
        let serve = match arguments.next()?.as_str() {
            "serve" => true,
            "get" => false,
            _ => return None,
        };
        let address = arguments.next()?.parse().ok()?;
        let file = arguments.next()?.into();
        Some(Self { serve, address, file, settings: arguments.collect() })
    }

    /// The value of the setting `name=value`, if there is one.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().find_map(|setting| setting.strip_prefix(name)?.strip_prefix('='))
    }

    /// The same, as a number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.setting(name)?.parse().ok()
    }
}
