//! `skep key`: who one is.

use super::output::print;

use std::io::{Write, stderr};

use crate::{
    args::{Key, KeyAction},
    exit::Failure,
    identity::{Account, Home, Identity, Label, Password, PublicLine, Rights},
};

pub(super) fn run(key: &Key) -> Result<(), Failure> {
    match &key.action {
        KeyAction::Make => {
            let home = key.who.home()?;
            show(&home, &Identity::make(home.key())?)
        }
        KeyAction::Show => {
            let home = key.who.home()?;
            show(&home, &Identity::load(home.key())?)
        }
        KeyAction::Export { name } => {
            let identity = Identity::load(key.who.home()?.key())?;
            let name = name.clone().unwrap_or_else(own_name);
            let line = PublicLine { key: identity.fingerprint(), name, rights: Rights::default() };
            print(format_args!("{line}\n"))
        }
        KeyAction::Password { name, password_file, cost, read_only } => {
            let password = Password::find_new(password_file.as_deref(), name.as_str())?;
            let account = Account::new(name.clone(), &password, *cost, Rights { read_only: *read_only })?;
            print(format_args!("{account}\n"))?;
            let _ = writeln!(
                stderr(),
                "skep: this line goes into the accounts of the server, and to nobody else"
            );
            Ok(())
        }
    }
}

fn show(home: &Home, identity: &Identity) -> Result<(), Failure> {
    let key = identity.fingerprint();
    let line = PublicLine { key, name: own_name(), rights: Rights::default() };
    let file = home.key().display().to_string();
    let file = crate::escape::escape(&file);
    print(format_args!("fingerprint  {key}\npublic key   {line}\nsecret key   in {file}\n"))
}

/// `you@this-machine`, as far as that can be found out.
fn own_name() -> Label {
    let user = std::env::var("USER").or_else(|_| std::env::var("USERNAME"));
    let user = user.ok().filter(|user| !user.is_empty()).unwrap_or_else(|| "somebody".to_owned());
    let name = match machine() {
        Some(machine) => Label::from_lossy(&format!("{user}@{machine}")),
        None => Label::from_lossy(&user),
    };
    name.unwrap_or_else(Label::somebody)
}

#[cfg(unix)]
fn machine() -> Option<String> {
    let name = rustix::system::uname();
    let name = name.nodename().to_str().ok()?;
    name.split('.').next().filter(|name| !name.is_empty()).map(str::to_owned)
}

#[cfg(not(unix))]
fn machine() -> Option<String> {
    std::env::var("COMPUTERNAME").ok().filter(|name| !name.is_empty())
}
