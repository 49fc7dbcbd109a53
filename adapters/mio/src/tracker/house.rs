//! Who may come in, and by which name.
//!
//! ```text
//!   handshake ──► Access: may this key, this guest, this invite come in?
//!   log-in    ──► judge:  banned? whose name is it? ──► let in, register first, or refuse
//! ```
//!
//! A name belongs to the key that came by it first, where accounts are open, or to the key that an admin has given it
//! or invited. Who has no key, and who comes by command, can prove nothing; they have the names that belong to no key.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::IpAddr,
    path::Path,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use skep_core::{
    Instant as Moment,
    seal::{
        Psk, Public, Secret,
        layer::{Access, Caller, Decision, SALT},
    },
    wire::seal::Purpose,
};

use super::{
    account::{Account, Ban, Invite, Role, VISIT, check_name, host_of},
    bans::Bans,
    because::Because,
    guests::{Guests, Standing},
    store::{Change, Kept, Store},
};
use crate::{
    args::Registration,
    exit::Failure,
    identity::{Accounts, Fingerprint},
    log_ins::LogIns,
    turned_away::TurnedAway,
};

/// How often it is looked whether the file of passwords was changed, and whether something has ended.
const LOOK: Duration = Duration::from_secs(1);

/// How long what has ended is kept, and means nothing: the clock may have been wrong.
const MARGIN: SignedDuration = SignedDuration::from_hours(24);

/// The most accounts that come about by themselves.
const ACCOUNTS_MAX: usize = 1 << 17;

/// What becomes of a log-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It may be.
    LetIn,
    /// It may be when there is a seat for it, and this is stored: the name belongs to the key then.
    Register(Account),
    /// That is known when the name is stored which the key is about to get.
    Later,
    /// It may not be.
    Refuse(Because),
}

/// What is known of names, keys, bans and invites.
#[derive(Debug)]
pub struct House<R: Send + 'static> {
    registration: Registration,
    accounts: BTreeMap<Box<str>, Account>,
    names: HashMap<Fingerprint, Box<str>>,
    /// Accounts that are being stored, or taken away: neither name nor key is given another meanwhile.
    coming: HashMap<Box<str>, Fingerprint>,
    coming_keys: HashSet<Fingerprint>,
    /// Who is kept out.
    pub bans: Bans,
    guests: Guests,
    /// The names of guests who have got them, until somebody asks.
    arrived: Vec<String>,
    /// Keys that are made of passwords, from the file beside the tracker's key.
    passwords: Accounts,
    /// The tracker's key, for what is made up.
    secret: Secret,
    looked: Instant,
    log_ins: LogIns,
    turned_away: TurnedAway,
    /// Who was turned away, and is still to be told of.
    untold: Vec<Caller>,
    /// How often somebody was turned away.
    refused: u64,
    /// What went wrong at its side, and is still to be told.
    failures: Vec<String>,
    began: Instant,
    /// Where all this is kept.
    pub store: Store<R>,
}

impl<R: Send + 'static> House<R> {
    /// What was kept. `passwords` is the file of the keys that are made of passwords.
    ///
    /// # Errors
    /// That file is not understood.
    pub fn new(
        registration: Registration,
        store: Store<R>,
        kept: Kept,
        passwords: &Path,
        secret: &Secret,
    ) -> Result<Self, Failure> {
        let passwords = Accounts::load(passwords)?;
        let mut house = Self {
            registration,
            accounts: BTreeMap::new(),
            names: HashMap::new(),
            coming: HashMap::new(),
            coming_keys: HashSet::new(),
            bans: Bans::new(kept.bans, kept.last_ban),
            guests: Guests::new(kept.invites),
            arrived: Vec::new(),
            passwords,
            secret: secret.clone(),
            looked: Instant::now(),
            log_ins: LogIns::new(),
            turned_away: TurnedAway::new(),
            untold: Vec::new(),
            refused: 0,
            failures: Vec::new(),
            began: Instant::now(),
            store,
        };
        for (name, account) in kept.accounts {
            house.enter(&name, account);
        }
        house.forget_ended();
        Ok(house)
    }

    /// The name that belongs to a key.
    pub fn name_of(&self, key: &Fingerprint) -> Option<&str> {
        let kept = self.names.get(key).map(|name| &**name);
        kept.or_else(|| Some(self.passwords.find(key)?.name.as_str()))
    }

    /// The name of a key that may give orders from an address: its account has the role for that, and no ban covers it.
    pub fn admin(&self, key: &Fingerprint, address: IpAddr) -> Option<Box<str>> {
        let name = self.names.get(key)?;
        let is_admin = self.accounts.get(name)?.role == Role::Admin;
        (is_admin && !self.is_banned(name, Some(key), address)).then(|| name.clone())
    }

    /// Whether a guest with an invite gets a name: not where admins enter all that there are.
    pub fn takes_invites(&self) -> bool {
        self.registration != Registration::Fixed
    }

    /// Whether a key is about to get a name.
    pub fn is_coming(&self, key: &Fingerprint) -> bool {
        self.coming_keys.contains(key)
    }

    /// What becomes of a log-in by this name, which somebody has registered by command, or not.
    pub fn judge(
        &mut self,
        name: &str,
        key: Option<[u8; 32]>,
        address: IpAddr,
        is_registered: bool,
    ) -> Judgement {
        let key = key.map(|key| Fingerprint::new(Public(key)));
        let key = match key.transpose() {
            Ok(key) => key,
            Err(_) => return Judgement::Refuse(Because::NoAccount),
        };
        if check_name(name).is_err() {
            return Judgement::Refuse(Because::BadName);
        }
        if let Some(ban) = self.ban_of(name, key.as_ref(), address) {
            return Judgement::Refuse(Because::Banned(ban));
        }
        if let Some(key) = &key
            && self.name_of(key).is_some()
        {
            return match self.is_his(key, name) {
                false => Judgement::Refuse(Because::KeyHasName),
                true if self.comes_in(key, address) => Judgement::LetIn,
                true => Judgement::Refuse(Because::TooManyTries),
            };
        }
        if key.as_ref().is_some_and(|key| self.is_coming(key)) {
            return Judgement::Later;
        }
        if self.is_owned(name) {
            if let Some(key) = &key {
                let now = self.now();
                self.log_ins.failed(now, key.key(), address);
            }
            return Judgement::Refuse(Because::NameOfAnotherKey);
        }
        match (self.registration, key) {
            (Registration::Open, None) => Judgement::LetIn,
            // It goes on belonging to nobody.
            (Registration::Open, Some(_)) if is_registered || self.accounts.len() >= ACCOUNTS_MAX => {
                Judgement::LetIn
            }
            (Registration::Open, Some(key)) => Judgement::Register(Account { key, role: Role::User }),
            (Registration::Invite | Registration::Fixed, _) => Judgement::Refuse(Because::NoAccount),
        }
    }

    /// What becomes of whoever wants to be there by command, by a name that he has registered so.
    pub fn judge_command(&self, name: &str, address: IpAddr) -> Judgement {
        match self.ban_of(name, None, address) {
            Some(ban) => Judgement::Refuse(Because::Banned(ban)),
            None if self.is_owned(name) => Judgement::Refuse(Because::NameOfAnotherKey),
            None => Judgement::LetIn,
        }
    }

    /// Whether somebody with the key of an account may log in from there now, and that he does: a password is tried so
    /// many times.
    fn comes_in(&mut self, key: &Fingerprint, from: IpAddr) -> bool {
        if self.names.contains_key(key) {
            return true;
        }
        let now = self.now();
        let may = self.log_ins.may(now, key.key(), from);
        if may {
            self.log_ins.came_in(key.key(), from);
        }
        may
    }

    /// Whom the door has turned away since the last call.
    pub fn take_turned_away(&mut self) -> Vec<Caller> {
        std::mem::take(&mut self.untold)
    }

    /// How often the door has turned somebody away, also who was not told of.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// What went wrong since the last call, besides what somebody is answered.
    pub fn take_failures(&mut self) -> Vec<String> {
        std::mem::take(&mut self.failures)
    }

    /// What becomes of a caller, before he says by which name he wants to log in.
    fn judge_caller(&mut self, caller: &Caller, is_proven: bool) -> Decision {
        let is_open = self.registration == Registration::Open;
        let may = match (caller.purpose, &caller.key) {
            // Where accounts are open a log-in is judged by its name, too.
            (Purpose::Member, Some(_)) if is_open => true,
            (Purpose::Member, Some(key)) => return self.admits(key, caller.address.ip(), is_proven),
            (Purpose::Guest, _) => is_open,
            (Purpose::Enrol { invite }, Some(key)) => return self.enrol(invite, key),
            _ => false,
        };
        Decision::admit_if(may)
    }

    /// Whether a member may come in where that takes an account.
    fn admits(&mut self, key: &Public, from: IpAddr, is_proven: bool) -> Decision {
        let Ok(fingerprint) = Fingerprint::new(*key) else { return Decision::Refuse };
        let now = self.now();
        let may = match self.name_of(&fingerprint).is_some() {
            true if self.names.contains_key(&fingerprint) => true,
            // Without passwords an unknown key is no try at one.
            false if self.passwords.is_empty() => false,
            // A try counts for the prefix that it really comes from.
            _ if !is_proven => return Decision::Prove,
            true => self.log_ins.may(now, key, from),
            false => {
                self.log_ins.failed(now, key, from);
                false
            }
        };
        Decision::admit_if(may)
    }

    fn now(&self) -> Moment {
        Moment::from_micros(u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// Whether a name belongs to a key, or is about to: by itself, or as a visit's of somebody.
    pub fn is_owned(&self, name: &str) -> bool {
        self.is_taken(name) || name.match_indices(VISIT).any(|(end, _)| self.is_taken(&name[..end]))
    }

    fn is_taken(&self, name: &str) -> bool {
        self.accounts.contains_key(name) || self.coming.contains_key(name) || self.passwords.has_name(name)
    }

    /// Whether a name is that of a key, or of a visit of its owner.
    pub fn is_his(&self, key: &Fingerprint, name: &str) -> bool {
        self.name_of(key).is_some_and(|own| self.names_of(name).contains(&own))
    }

    /// Whether who comes by a name is the user of this one, or his visit: `eva~3` may be somebody's own.
    pub fn is_of(&self, name: &str, user: &str) -> bool {
        self.names_of(name).contains(&user)
    }

    /// A name, and whose visit it is; the same again where it is nobody's.
    fn names_of<'n>(&self, name: &'n str) -> [&'n str; 2] {
        [name, host_of(name).filter(|_| !self.is_taken(name)).unwrap_or(name)]
    }

    /// Whether somebody is banned, by any of what he comes with.
    pub fn is_banned(&self, name: &str, key: Option<&Fingerprint>, address: IpAddr) -> bool {
        self.ban_of(name, key, address).is_some()
    }

    /// The number of the ban of somebody, by any of what he comes with.
    fn ban_of(&self, name: &str, key: Option<&Fingerprint>, address: IpAddr) -> Option<u64> {
        self.bans.covering(self.names_of(name), key, address)
    }

    /// A key as the log has it. That of a password is not told, as with it passwords can be tried at home.
    pub fn key_for_log(&self, key: Option<Fingerprint>) -> Option<Box<str>> {
        let key = key.filter(|key| self.passwords.find(key).is_none())?;
        Some(key.to_string().into())
    }

    /// Whether a ban covers somebody.
    pub fn covers(&self, ban: &Ban, name: &str, key: Option<&Fingerprint>, address: IpAddr) -> bool {
        ban.covers(self.names_of(name), key, address, Timestamp::now())
    }

    /// The names that have a password, in order.
    pub fn names_with_password(&self) -> Vec<&str> {
        self.passwords.names()
    }

    /// Whether a name has a password. Such names are the file's of accounts, and no order changes that.
    pub fn has_password(&self, name: &str) -> bool {
        self.passwords.has_name(name)
    }

    /// Whether it is being stored what becomes of a name.
    pub fn is_changing(&self, name: &str) -> bool {
        self.coming.contains_key(name)
    }

    /// It is being stored what becomes of a name and its key.
    pub fn reserve(&mut self, name: &str, key: Fingerprint) {
        self.coming.insert(name.into(), key);
        self.coming_keys.insert(key);
    }

    /// It is stored, or could not be.
    pub fn release(&mut self, name: &str) {
        if let Some(key) = self.coming.remove(name) {
            self.coming_keys.remove(&key);
        }
    }

    /// An account is stored, or could not be.
    pub fn settle(&mut self, name: &str, account: Account, is_stored: bool) {
        self.release(name);
        if is_stored {
            self.enter(name, account);
            self.uninvite_all(name);
        }
    }

    /// No invite for a name is good any more.
    pub fn uninvite_all(&mut self, name: &str) {
        self.guests.uninvite_all(name);
    }

    /// A name belongs to a key.
    pub fn enter(&mut self, name: &str, account: Account) {
        self.strike(name);
        self.names.insert(account.key, name.into());
        self.accounts.insert(name.into(), account);
    }

    /// A name does not belong to a key any more.
    pub fn strike(&mut self, name: &str) -> Option<Account> {
        let account = self.accounts.remove(name)?;
        if self.names.get(&account.key).is_some_and(|own| &**own == name) {
            // A key has one name. Of one that was stored with several, another one holds from now on.
            let mut others = self.accounts.iter().filter(|(_, other)| other.key == account.key);
            match others.next() {
                Some((other, _)) => self.names.insert(account.key, other.clone()),
                None => self.names.remove(&account.key),
            };
        }
        Some(account)
    }

    /// The accounts, by name.
    pub fn accounts(&self) -> impl Iterator<Item = (&str, &Account)> {
        self.accounts.iter().map(|(name, account)| (&**name, account))
    }

    /// An account by its name.
    pub fn account(&self, name: &str) -> Option<&Account> {
        self.accounts.get(name)
    }

    /// Somebody is invited.
    pub fn invite(&mut self, id: [u8; 8], invite: Invite) {
        self.guests.invite(id, invite);
    }

    /// An invite is taken back. `false`: it does not wait for a guest any more.
    pub fn uninvite(&mut self, id: &[u8; 8]) -> bool {
        self.guests.uninvite(id)
    }

    /// The invites that wait for a guest.
    pub fn invites(&self) -> impl Iterator<Item = (&[u8; 8], &Invite)> {
        self.guests.all()
    }

    /// A guest has come with an invite: he is let in when it is stored that it is used up, and that his key has the
    /// name.
    fn enrol(&mut self, id: [u8; 8], key: &Public) -> Decision {
        if !self.takes_invites() {
            return Decision::Refuse;
        }
        let Ok(key) = Fingerprint::new(*key) else { return Decision::Refuse };
        self.settle_guests();
        match self.guests.ask(&id, &key) {
            Some(Standing::UnderWay) => return Decision::Later,
            Some(Standing::Over { is_stored: true }) => return Decision::Admit,
            Some(Standing::Over { is_stored: false } | Standing::Taken) => return Decision::Refuse,
            None => {}
        }
        // That the guest holds the key is not proven by an invite. One that may come in has to show it.
        let is_known = self.name_of(&key).is_some() || self.is_coming(&key);
        let Some(invite) = self.guests.open(&id).filter(|_| !is_known) else { return Decision::Refuse };
        let (name, account) = (invite.name.clone(), Account { key, role: invite.role });
        if self.is_owned(&name) {
            return Decision::Refuse;
        }
        self.reserve(&name, account.key);
        let outcome = self.store.promise(Change::Enrol(id, name.into(), account.clone()));
        self.guests.begin(id, account, outcome);
        Decision::Later
    }

    /// Gives their names to the guests of whom that is stored by now.
    pub fn settle_guests(&mut self) {
        for (name, account, outcome) in self.guests.settled() {
            if let Err(error) = &outcome {
                self.failures.push(format!("cannot store that {name} has come by an invite: {error}"));
            }
            self.settle(&name, account, outcome.is_ok());
            if outcome.is_ok() {
                self.arrived.push(name);
            }
        }
    }

    /// The names that guests have got since the last call.
    pub fn take_arrived(&mut self) -> Vec<String> {
        self.settle_guests();
        std::mem::take(&mut self.arrived)
    }

    /// Forgets the bans and invites that have ended a while ago, in the database, too: there are keys in it that nobody
    /// needs.
    pub fn forget_ended(&mut self) {
        let now = Timestamp::now();
        let before = now.checked_sub(MARGIN).unwrap_or(now);
        let bans = self.bans.take_ended(before).into_iter().map(Change::Lift);
        for change in bans.chain(self.guests.take_ended(before).into_iter().map(Change::Uninvite)) {
            // Nobody waits for that. What cannot be removed now is removed at the next start.
            drop(self.store.promise(change));
        }
    }

    /// Takes what was changed in the file of passwords since the last look, and forgets what has ended since.
    fn look(&mut self) {
        if self.looked.elapsed() < LOOK {
            return;
        }
        self.looked = Instant::now();
        self.forget_ended();
        if let Err(failure) = self.passwords.reload_if_changed() {
            self.failures.push(failure.to_string());
        }
    }
}

impl<R: Send + 'static> Access for House<R> {
    fn decide(&mut self, caller: &Caller, is_proven: bool) -> Decision {
        self.look();
        let decision = self.judge_caller(caller, is_proven);
        if decision == Decision::Refuse {
            self.refused += 1;
            let now = self.now();
            if self.turned_away.is_news(now, caller) {
                self.untold.push(*caller);
            }
        }
        decision
    }

    fn invite(&mut self, id: &[u8; 8]) -> Option<Psk> {
        self.guests.psk(id)
    }

    fn salt(&mut self, name: &[u8]) -> Option<[u8; SALT]> {
        self.look();
        if self.passwords.is_empty() {
            return None;
        }
        Some(self.passwords.answer(std::str::from_utf8(name).ok()?, &self.secret))
    }
}

#[cfg(test)]
mod tests;
