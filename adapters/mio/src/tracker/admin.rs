//! What admins order is done.

use std::sync::mpsc::SyncSender;

use jiff::{SignedDuration, Timestamp};
use skep_core::{
    Instant,
    seal::Public,
    stream::StreamId,
    tracker::Whereabouts,
    wire::{TEXT_MAX, session::USER_MAX},
};

use super::{
    Hub, Report,
    account::{Account, Ban, Banned, Invite, REASON_MAX, Role, check_name},
    house::House,
    hub::Receipt,
    numbers::VERSION,
    order::{Answer, Open, Order, Owner, Present, Status},
    store::{Change, NotStored},
};
use crate::identity::{Code, Fingerprint, InviteId, LIFE_MAX};

/// What an admin has ordered, while it is being stored.
#[derive(Debug)]
pub struct Ordered {
    change: Change,
    answer: Answer,
    /// What is told of it when it is done.
    told: Option<Report>,
    to: SyncSender<Answer>,
}

impl Ordered {
    /// What failed, in words.
    pub(super) fn failed(&self, error: &NotStored) -> String {
        match self.change {
            Change::BackUp(_) => error.to_string(),
            _ => format!("cannot store: {error}"),
        }
    }
}

impl Hub {
    /// Does what an admin asks for: who, when that comes over the network. The answer comes when it is stored, where it has
    /// to be.
    pub fn administer(&mut self, now: Instant, order: Order, by: Option<&str>, to: SyncSender<Answer>) {
        self.house().forget_ended();
        let told = told_of(&order).map(|what| Report::Ordered { what: what.into(), by: by.map(Into::into) });
        let answer = match order {
            Order::Status => Answer::Status(self.status()),
            Order::List => Answer::Users(self.present()),
            Order::Bans => Answer::Bans(self.house().bans.open().cloned().collect()),
            Order::Accounts => {
                let house = self.house();
                let with_password = house.names_with_password().into_iter().map(owner_by_password);
                Answer::Accounts(house.accounts().map(owner).chain(with_password).collect())
            }
            Order::Invites => {
                let house = self.house();
                let mut open: Vec<_> = house.invites().map(open).collect();
                open.sort_by(|one, other| (&one.name, one.until).cmp(&(&other.name, other.until)));
                Answer::Invites(open)
            }
            Order::Kick { name, .. } => match self.send_away(now, &name) {
                true => Answer::Done(format!("{name} is out")),
                false => Answer::Failed(format!("nobody called {name} is there")),
            },
            Order::Backup { .. } if by.is_some() => {
                Answer::Failed("a backup is ordered on the machine of the tracker".into())
            }
            _ => match self.change(order) {
                Ok((change, answer)) => {
                    let ordered = Ordered { change: change.clone(), answer, told, to };
                    self.house().store.put(change, Receipt::Order(Box::new(ordered)));
                    return;
                }
                Err(why) => Answer::Failed(why),
            },
        };
        if matches!(answer, Answer::Done(_)) {
            self.reports.extend(told);
        }
        // Who has gone meanwhile wants no answer.
        let _ = to.send(answer);
    }

    /// What an order changes once that is stored, and the answer then.
    fn change(&self, order: Order) -> Result<(Change, Answer), String> {
        let (change, answer) = match order {
            Order::Ban { who: Banned::Name(name), .. } if !(1..=TEXT_MAX).contains(&name.len()) => {
                return Err(format!("a ban needs a name, of at most {TEXT_MAX} bytes"));
            }
            Order::Ban { seconds: Some(seconds), .. } | Order::Invite { seconds, .. }
                if !(1..=LIFE_MAX.as_secs()).contains(&seconds) =>
            {
                return Err(format!("that lasts for 1 to {} seconds", LIFE_MAX.as_secs()));
            }
            Order::Ban { who, seconds, reason } => {
                if reason.len() > REASON_MAX {
                    return Err(format!("a reason has at most {REASON_MAX} bytes"));
                }
                let until = seconds.map(in_seconds);
                let ban = Ban { id: self.house().bans.next_number(), who, until, reason };
                let answer = format!("ban {}: {}", ban.id, ban.who);
                (Change::Ban(ban), answer)
            }
            Order::Unban { id } => {
                if !self.house().bans.open().any(|ban| ban.id == id) {
                    return Err(format!("there is no ban {id}"));
                }
                (Change::Lift(id), format!("ban {id} is lifted"))
            }
            Order::Add { name, account } => self.add(name, account)?,
            Order::Remove { name } => {
                self.account_to_change(&name)?;
                let answer = match self.house().invites().filter(|(_, invite)| invite.name == name).count() {
                    0 => format!("{name} belongs to nobody now"),
                    1 => {
                        format!("{name} belongs to nobody now, and the invite for it lets nobody in any more")
                    }
                    count => format!(
                        "{name} belongs to nobody now, and {count} invites for it let nobody in any more"
                    ),
                };
                (Change::Drop(name.into()), answer)
            }
            Order::Role { name, role } => {
                let account = Account { role, ..self.account_to_change(&name)? };
                let answer = format!("{name} is {}", called(role));
                (Change::Put(name.into(), account), answer)
            }
            Order::Invite { name, role, seconds } => return self.invite(name, role, seconds),
            Order::Uninvite { invite } => self.uninvite(&invite)?,
            Order::Backup { file } => {
                let answer = format!("all that is kept is in {}; keep the key with it", file.display());
                (Change::BackUp(file), answer)
            }
            Order::Status
            | Order::List
            | Order::Kick { .. }
            | Order::Bans
            | Order::Accounts
            | Order::Invites => {
                return Err("that changes nothing".into());
            }
        };
        Ok((change, Answer::Done(answer)))
    }

    /// What an admin has ordered is stored, and is done now; or it could not be, and is not.
    pub(super) fn settle_order(&mut self, now: Instant, ordered: Ordered, outcome: Result<(), NotStored>) {
        let outcome = outcome.map_err(|error| ordered.failed(&error));
        let Ordered { change, answer, told, to } = ordered;
        if let Change::Put(name, _) | Change::Drop(name) = &change {
            self.house().release(name);
        }
        let answer = match outcome {
            Ok(()) => {
                self.enact(now, change);
                self.reports.extend(told);
                answer
            }
            Err(error) => Answer::Failed(error),
        };
        // Who has gone meanwhile wants no answer.
        let _ = to.send(answer);
    }

    /// Does what is stored.
    fn enact(&mut self, now: Instant, change: Change) {
        match change {
            Change::Ban(ban) => {
                self.house().bans.add(ban.clone());
                self.dismiss_covered(now, &ban);
            }
            Change::Lift(id) => self.house().bans.lift(id),
            Change::Put(name, account) => {
                let mut house = self.house();
                house.enter(&name, account);
                house.uninvite_all(&name);
                drop(house);
                self.dismiss_strangers(now, &name);
            }
            Change::Drop(name) => {
                let mut house = self.house();
                house.strike(&name);
                house.uninvite_all(&name);
                drop(house);
                self.send_away(now, &name);
            }
            Change::Invite(id, invite) => self.house().invite(id, invite),
            // Its guest may just have come.
            Change::Uninvite(id) => _ = self.house().uninvite(&id),
            // No admin orders these.
            Change::Register(_)
            | Change::Unregister(_)
            | Change::Publish(..)
            | Change::Delete(..)
            | Change::Enrol(..)
            // And this is done already.
            | Change::BackUp(_) => {}
        }
    }

    /// The account of a name, which stays as it is until something else of it is stored.
    fn account_to_change(&self, name: &str) -> Result<Account, String> {
        let mut house = self.house();
        if house.is_changing(name) {
            return Err(format!("{name} is being changed; try again"));
        }
        let account = house.account(name).ok_or_else(|| not_owned(&house, name))?.clone();
        house.reserve(name, account.key);
        Ok(account)
    }

    /// Gives a name to a key.
    fn add(&self, name: String, account: Account) -> Result<(Change, String), String> {
        check_name(&name).map_err(str::to_owned)?;
        let mut house = self.house();
        if house.has_password(&name) {
            return Err(has_password(&name));
        }
        if house.is_owned(&name) {
            return Err(format!("{name} belongs to a key already; remove that first"));
        }
        if let Some(other) = house.name_of(&account.key) {
            return Err(format!("this key has a name already: {other}"));
        }
        if house.is_coming(&account.key) {
            return Err("this key is about to get a name".into());
        }
        house.reserve(&name, account.key);
        let answer = format!("{name} belongs to {}", account.key);
        Ok((Change::Put(name.into(), account), answer))
    }

    /// Makes an invite; the answer is its link.
    fn invite(&self, name: String, role: Role, seconds: u64) -> Result<(Change, Answer), String> {
        check_name(&name).map_err(str::to_owned)?;
        let link = self.link.as_deref().ok_or("this tracker has no sealed port to come to")?;
        let code = Code::random().map_err(|error| error.to_string())?;
        let house = self.house();
        if house.has_password(&name) {
            return Err(has_password(&name));
        }
        if house.is_owned(&name) {
            return Err(format!("{name} belongs to a key already"));
        }
        if !house.takes_invites() {
            return Err("with --accounts fixed there are no invites: give the name to a key with add".into());
        }
        let (id, psk) = (code.id().0, *code.psk().expose());
        let invite = Invite { name, role, until: in_seconds(seconds), psk };
        let link = link.replacen('@', &format!(".{}@", code.reveal().as_str()), 1);
        Ok((Change::Invite(id, invite), Answer::Invited(link)))
    }

    /// Takes an invite back, by its number or the name that it is for.
    fn uninvite(&self, which: &str) -> Result<(Change, String), String> {
        let house = self.house();
        let is_meant = |open: &Open| open.name == which || open.id == which;
        let found: Vec<_> = house.invites().filter(|invite| is_meant(&open(*invite))).collect();
        match found[..] {
            [(&id, invite)] => {
                let answer = format!("the invite for {} lets nobody in any more", invite.name);
                Ok((Change::Uninvite(id), answer))
            }
            [] => Err(format!("there is no invite {which}; it was used or has ended")),
            _ => Err(format!("there are {} invites for {which}; say the number of one", found.len())),
        }
    }

    /// Ends the sessions that a ban covers.
    fn dismiss_covered(&mut self, now: Instant, ban: &Ban) {
        let mut present = self.present();
        present.retain(|there| {
            let key = there.key.as_ref().and_then(|key| key.parse::<Fingerprint>().ok());
            self.house().covers(ban, &there.name, key.as_ref(), there.address)
        });
        for there in present {
            self.dismiss(now, &there.name);
        }
        for (stream, name, there) in self.waiters() {
            let key = key_of(&there);
            if self.house().covers(ban, &name, key.as_ref(), there.address) {
                self.tracker.turn_away(now, stream);
            }
        }
    }

    /// Those who wait for a seat.
    pub(super) fn waiters(&self) -> Vec<(StreamId, Box<str>, Whereabouts)> {
        let waiter = |stream| {
            let mut room = [0; USER_MAX];
            let (name, there) = self.tracker().waiter(stream, &mut room)?;
            Some((stream, name.as_str().into(), there))
        };
        self.tracker().waiters().filter_map(waiter).collect()
    }

    fn status(&self) -> Status {
        let tracker = self.tracker();
        Status {
            users: tracker.online(),
            waiting: tracker.waiting(),
            files: tracker.files(),
            transfers: tracker.transfers(),
            connections: tracker.links(),
            version: Some(VERSION.into()),
            since: Some(self.began),
        }
    }

    fn present(&self) -> Vec<Present> {
        let tracker = self.tracker();
        let present = tracker.users().filter_map(|user| {
            let there = tracker.whereabouts(user)?;
            Some(Present {
                name: self.name(user).into(),
                address: there.address,
                by_command: there.stream.is_none(),
                key: key_of(&there).map(|key| key.to_string()),
                files: there.files,
            })
        });
        present.collect()
    }
}

/// Why an order about the account of a name cannot be done.
fn not_owned(house: &House<Receipt>, name: &str) -> String {
    if house.has_password(name) { has_password(name) } else { format!("no key has the name {name}") }
}

const fn as_called(role: Role) -> &'static str {
    match role {
        Role::User => "",
        Role::Admin => " as an admin",
    }
}

pub(super) fn key_of(there: &Whereabouts) -> Option<Fingerprint> {
    there.key.and_then(|key| Fingerprint::new(Public(key)).ok())
}

fn has_password(name: &str) -> String {
    format!("{name} has a password: change that in the file `accounts` beside the tracker's key")
}

fn owner((name, account): (&str, &Account)) -> Owner {
    Owner { name: name.into(), key: Some(account.key.to_string()), role: account.role, password: false }
}

fn owner_by_password(name: &str) -> Owner {
    Owner { name: name.into(), key: None, role: Role::User, password: true }
}

fn open((id, invite): (&[u8; 8], &Invite)) -> Open {
    let Invite { name, role, until, .. } = invite.clone();
    Open { id: InviteId(*id).to_string(), name, role, until }
}

fn in_seconds(seconds: u64) -> Timestamp {
    let span = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    Timestamp::now().checked_add(span).unwrap_or(Timestamp::MAX)
}

fn called(role: Role) -> &'static str {
    match role {
        Role::User => "a user",
        Role::Admin => "an admin",
    }
}

/// What is told of an order that is carried out.
fn told_of(order: &Order) -> Option<String> {
    let because = |reason: &str| if reason.is_empty() { String::new() } else { format!(": {reason}") };
    let what = match order {
        Order::Status | Order::List | Order::Bans | Order::Accounts | Order::Invites => return None,
        Order::Kick { name, reason } => format!("kick {name}{}", because(reason)),
        Order::Ban { who, seconds: None, reason } => format!("ban {who}{}", because(reason)),
        Order::Ban { who, seconds: Some(seconds), reason } => {
            format!("ban {who} for {seconds} s{}", because(reason))
        }
        Order::Unban { id } => format!("lift ban {id}"),
        Order::Add { name, account } => format!("add {name} {}{}", account.key, as_called(account.role)),
        Order::Remove { name } => format!("remove {name}"),
        Order::Role { name, role } => format!("make {name} {}", called(*role)),
        Order::Invite { name, role, .. } => format!("invite {name}{}", as_called(*role)),
        Order::Uninvite { invite } => format!("take back the invite {invite}"),
        Order::Backup { file } => format!("back up to {}", file.display()),
    };
    Some(what)
}

#[cfg(test)]
mod tests;
