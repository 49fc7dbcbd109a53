//! `skep known`: the keys of servers.

use super::output::print;
use std::io::{Write, stderr};

use crate::{
    args::{Known, KnownAction, link_or},
    exit::Failure,
    identity::KnownHosts,
};

pub(super) fn run(known: &Known) -> Result<(), Failure> {
    let mut hosts = KnownHosts::load(&known.who.home()?.known_hosts())?;
    match &known.action {
        KnownAction::Add { link, link_file } => {
            let link = link_or(link.as_ref(), "a link", link_file.as_deref())?;
            let Some(key) = link.key else {
                return Err(Failure::usage(format!(
                    "there is no key in {link}; a link is like skep://KEY@host/"
                )));
            };
            let is_new = hosts.add(&link.host, key)?;
            let what = if is_new { "is known now" } else { "was known already" };
            let _ = writeln!(stderr(), "skep: {} {what}", link.host);
        }
        KnownAction::List => {
            for (host, key) in hosts.list() {
                print(format_args!("{host} {key}\n"))?;
            }
        }
        KnownAction::Remove { host } => {
            if !hosts.remove(host)? {
                return Err(Failure::local(format!("{host} is not known; see: skep known list")));
            }
        }
    }
    Ok(())
}
