//! `skep client`.

use clap::Args;

use crate::{exit::CODES, url::Host};

const EXAMPLES: &str = "\
The console of the commands protocol (docs/protocol.md section 3), for any server that speaks it, `skep tracker \
--commands` among them. Nothing of it is encrypted, and it asks for no password. Type at the prompt, in any letter \
case:

  REGISTER <userName>                   a new account
  UNREGISTER <userName>                 the account goes, with what it published
  CONNECT <userName>                    be there, and let others fetch what you published
  DISCONNECT <userName>                 be there no longer
  PUBLISH <fileName> <description>      share a file
  DELETE <fileName>                     share it no longer
  LIST_USERS                            who is there
  LIST_CONTENT <userName>               what somebody shares
  GET_FILE <userName> <remote_fileName> <local_fileName>
  QUIT

Names of files are paths here, as you would give them to other programs. Others can fetch what was published at this \
console while it was CONNECTed, and nothing else. A file that was not received whole is not there at all.

Why a command failed stands on standard error, as the format has no words for it. Without a terminal the exit code is that \
of the last command, and 2 where the last line was none, QUIT aside; what the server answers is no failure.

Examples:
  skep client -s bee.example -p 5000
  skep client -s 10.0.0.5 -p 5000 --date-string         a server that wants the date in every command
  echo 'REGISTER ann' | skep client -s bee.example -p 5000";

/// Talk with a server of the commands protocol
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{CODES}"))]
pub struct Client {
    /// The server: a name or an address
    #[arg(short, long = "server", value_name = "HOST", value_parser = server)]
    pub server: Host,

    /// Its port
    #[arg(short, long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,

    /// Send the date and the time in each command, as some servers want it
    #[arg(long)]
    pub date_string: bool,
}

impl Client {
    /// Where the server is.
    pub fn host(&self) -> Host {
        Host { port: self.port, ..self.server.clone() }
    }
}

/// A host without a port. An address of IPv6 may stand with or without brackets here.
fn server(text: &str) -> Result<Host, String> {
    match text.parse::<std::net::Ipv6Addr>() {
        Ok(_) => Host::parse(&format!("[{text}]"), 0),
        Err(_) => Host::parse(text, 0),
    }
    .and_then(|host| if host.port == 0 { Ok(host) } else { Err("the port goes behind -p".into()) })
}
