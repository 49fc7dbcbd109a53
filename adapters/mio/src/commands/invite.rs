//! `skep invite`: links that let somebody in.

use super::output::print;
use std::{
    io::{Write, stderr},
    time::SystemTime,
};

use crate::{
    args::{InviteAction, InviteArgs},
    exit::Failure,
    identity::{Identity, Invites, Rights},
    url,
};

pub(super) fn run(invite: &InviteArgs) -> Result<(), Failure> {
    let home = invite.who.home()?;
    let mut invites = Invites::load(&home.invites())?;
    let now = SystemTime::now();
    match &invite.action {
        InviteAction::Add { host, name, life, read_only } => {
            let identity = Identity::load_or_make(home.key())?;
            if identity.is_new() {
                let path = home.key().display().to_string();
                let _ = writeln!(stderr(), "skep: made a key in {}", crate::escape::escape(&path));
            }
            let code = invites.create(name.clone(), Rights { read_only: *read_only }, *life, now)?;
            let link = url::link(host, &identity.fingerprint(), Some(&code));
            print(format_args!("{}\n", *link))?;
        }
        InviteAction::List => {
            for (id, invite) in invites.list(now) {
                let left = invite.ends.duration_since(now).unwrap_or_default().as_secs();
                let left = match left {
                    0..3_600 => format!("{}m", left.div_ceil(60)),
                    3_600..172_800 => format!("{}h", left.div_ceil(3_600)),
                    _ => format!("{}d", left.div_ceil(86_400)),
                };
                print(format_args!("{id}  {left:>3} left  {}{}\n", invite.name, invite.rights))?;
            }
        }
        InviteAction::Remove { id } => {
            if invites.use_up(id, now)?.is_none() {
                return Err(Failure::local(format!("there is no invite {id}; it was used or has ended")));
            }
        }
    }
    Ok(())
}
