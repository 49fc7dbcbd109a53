//! `skep admin`: looks after a tracker that runs, on this machine or elsewhere.

mod from_afar;

#[cfg(unix)]
use std::io::Write;
use std::{path::Path, time::Duration};

use crate::{
    args::{Admin, AdminAction},
    commands::{
        output,
        tracker::{SOCKET, state_directory},
        words::counted,
    },
    escape::escape,
    exit::Failure,
    tracker::{
        account::{Account, Ban, Banned},
        order::{Answer, Open, Order, Owner, Present, Status},
    },
    url::Host,
};

/// Gives the order, and shows the answer.
pub(super) fn run(admin: &Admin) -> Result<(), Failure> {
    let order = order(&admin.action)?;
    let answer = match admin.afar.url()? {
        Some(_) if admin.state.is_some() => {
            return Err(Failure::usage("--state is for a tracker on this machine, and -s for one elsewhere"));
        }
        Some(url) => from_afar::ask(&url, &admin.afar, &order)?,
        None if admin.afar.key.is_some() => {
            return Err(Failure::usage("--key says who you are to a tracker elsewhere, which -s names"));
        }
        None => {
            let directory = match &admin.state {
                Some(state) => state.clone(),
                None => state_directory(None)?,
            };
            ask(&directory.join(SOCKET), &order, admin.afar.timeout)?
        }
    };
    if !answers(&answer, &order) {
        return Err(Failure::network("the tracker answers something else than it was asked"));
    }
    let answer = match (answer, &admin.action) {
        (Answer::Failed(why), _) => return Err(Failure::refused(escape(&why).to_string())),
        (Answer::Invited(link), AdminAction::Invite { host: Some(host), .. }) => {
            Answer::Invited(at_host(&link, host))
        }
        (answer, _) => answer,
    };
    output::print(if admin.json { json(&answer)? } else { text(&answer) })
}

/// Whether an answer is one to this order.
const fn answers(answer: &Answer, order: &Order) -> bool {
    match order {
        _ if matches!(answer, Answer::Failed(_)) => true,
        Order::Status => matches!(answer, Answer::Status(_)),
        Order::List => matches!(answer, Answer::Users(_)),
        Order::Bans => matches!(answer, Answer::Bans(_)),
        Order::Accounts => matches!(answer, Answer::Accounts(_)),
        Order::Invites => matches!(answer, Answer::Invites(_)),
        Order::Invite { .. } => matches!(answer, Answer::Invited(_)),
        Order::Kick { .. }
        | Order::Ban { .. }
        | Order::Unban { .. }
        | Order::Add { .. }
        | Order::Remove { .. }
        | Order::Role { .. }
        | Order::Backup { .. }
        | Order::Uninvite { .. } => matches!(answer, Answer::Done(_)),
    }
}

#[cfg(unix)]
fn ask(socket: &Path, order: &Order, patience: Duration) -> Result<Answer, Failure> {
    use std::{
        io::{self, BufRead, BufReader},
        os::unix::net::UnixStream,
    };
    let cannot = |error: &io::Error| {
        let place = socket.display().to_string();
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                Failure::network(format!("no tracker runs with {}", escape(&place)))
            }
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Failure::network(format!(
                "the tracker at {} did not answer in {} s",
                escape(&place),
                patience.as_secs()
            )),
            _ => Failure::cannot(format_args!("ask the tracker at {}", escape(&place)), error),
        }
    };
    let asked = UnixStream::connect(socket).and_then(|mut stream| {
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        let mut line = serde_json::to_string(order)?;
        line.push('\n');
        stream.write_all(line.as_bytes())?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer)?;
        Ok(serde_json::from_str(&answer)?)
    });
    asked.map_err(|error| cannot(&error))
}

#[cfg(not(unix))]
fn ask(_: &Path, _: &Order, _: Duration) -> Result<Answer, Failure> {
    Err(Failure::local("here skep admin works with -s LINK only, for a tracker elsewhere"))
}

fn order(action: &AdminAction) -> Result<Order, Failure> {
    Ok(match action.clone() {
        AdminAction::Status => Order::Status,
        AdminAction::List => Order::List,
        AdminAction::Kick { name, reason } => Order::Kick { name, reason },
        AdminAction::Ban { who, time, reason } => {
            let who = match (who.name, who.key, who.address) {
                (Some(name), ..) => Banned::Name(name),
                (_, Some(key), _) => Banned::Key(key),
                (.., address) => Banned::Address(address.unwrap_or_default()),
            };
            Order::Ban { who, seconds: time.map(|time| time.as_secs()), reason }
        }
        AdminAction::Bans => Order::Bans,
        AdminAction::Unban { id } => Order::Unban { id },
        AdminAction::Accounts => Order::Accounts,
        AdminAction::Add { name, key, role } => Order::Add { name, account: Account { key, role } },
        AdminAction::Remove { name } => Order::Remove { name },
        AdminAction::Role { name, role } => Order::Role { name, role },
        AdminAction::Invites => Order::Invites,
        AdminAction::Uninvite { invite } => Order::Uninvite { invite },
        AdminAction::Invite { name, role, time, .. } => Order::Invite { name, role, seconds: time.as_secs() },
        // The tracker has another current directory.
        AdminAction::Backup { file } => {
            let whole = std::path::absolute(&file);
            let cannot = |error| Failure::cannot(format_args!("tell where {} is", file.display()), &error);
            Order::Backup { file: whole.map_err(cannot)? }
        }
    })
}

fn json(answer: &Answer) -> Result<String, Failure> {
    let shown = match answer {
        Answer::Done(text) | Answer::Failed(text) | Answer::Invited(text) => serde_json::to_string(text),
        Answer::Status(status) => serde_json::to_string(status),
        Answer::Users(users) => serde_json::to_string(users),
        Answer::Bans(bans) => serde_json::to_string(bans),
        Answer::Accounts(accounts) => serde_json::to_string(accounts),
        Answer::Invites(invites) => serde_json::to_string(invites),
    };
    let shown = shown.map_err(|error| Failure::cannot("show the answer", &error.into()))?;
    Ok(shown + "\n")
}

fn text(answer: &Answer) -> String {
    match answer {
        Answer::Done(text) | Answer::Failed(text) => format!("{}\n", escape(text)),
        Answer::Invited(link) => format!("{}\n", escape(link)),
        Answer::Status(status) => format!(
            "{}, {} waiting, {}, {}, {}{}\n",
            counted(status.users as usize, "user"),
            status.waiting,
            counted(status.files, "file"),
            counted(status.transfers, "transfer"),
            counted(status.connections, "connection"),
            running(status),
        ),
        Answer::Users(users) => users.iter().map(present).collect(),
        Answer::Bans(bans) => bans.iter().map(ban).collect(),
        Answer::Accounts(accounts) => accounts.iter().map(owner).collect(),
        Answer::Invites(invites) => invites.iter().map(invite).collect(),
    }
}

/// The link with another host in it.
fn at_host(link: &str, host: &Host) -> String {
    match link.split_once('@') {
        Some((key, _)) => format!("{key}@{host}/"),
        None => link.to_owned(),
    }
}

/// Which version runs, and since when, where the tracker says that.
fn running(status: &Status) -> String {
    match (&status.version, status.since) {
        (Some(version), Some(since)) => format!("; skep {}, since {since:.0}", escape(version)),
        _ => String::new(),
    }
}

fn present(user: &Present) -> String {
    let how = match (&user.key, user.by_command) {
        (_, true) => "by command",
        (Some(key), _) => key,
        (None, _) => "no key",
    };
    let files = counted(user.files as usize, "file");
    format!("{}\t{}\t{files}\t{}\n", escape(&user.name), user.address, escape(how))
}

fn ban(ban: &Ban) -> String {
    let until = ban.until.map_or("until it is lifted".to_owned(), |until| format!("until {until:.0}"));
    let reason = if ban.reason.is_empty() { "" } else { ": " };
    format!("{}\t{}\t{until}{reason}{}\n", ban.id, ban.who, escape(&ban.reason))
}

fn invite(invite: &Open) -> String {
    let role = format!("{:?}", invite.role).to_lowercase();
    format!("{}\t{}\tuntil {:.0}\t{role}\n", escape(&invite.id), escape(&invite.name), invite.until)
}

fn owner(owner: &Owner) -> String {
    let role = format!("{:?}", owner.role).to_lowercase();
    let key = owner.key.as_deref().unwrap_or(if owner.password { "password" } else { "no key" });
    format!("{}\t{}\t{role}\n", escape(&owner.name), escape(key))
}
