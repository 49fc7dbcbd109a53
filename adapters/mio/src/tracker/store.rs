//! What a tracker keeps over a restart, in an embedded database.
//!
//! ```text
//!   loop ── Change, receipt ──► thread: everything that has come ──► one transaction, one fsync
//!        ◄── receipt, outcome ──         (many changes share it)
//! ```
//!
//! A change is confirmed when it is on the disk, and not before: a kill at any moment loses nothing that was confirmed.

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    thread::{Builder, JoinHandle},
};

use mio::Waker;
use redb::{
    Database, Key, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, Value,
    WriteTransaction, backends::FileBackend,
};

use super::account::{Account, Ban, Invite};
use crate::{
    exit::reason,
    identity::{check_own, create_whole},
};

/// Who has registered by command.
const REGISTERED: TableDefinition<'_, &str, ()> = TableDefinition::new("registered");
/// What they have published by command: whose, and what.
const PUBLISHED: TableDefinition<'_, (&str, &str), ()> = TableDefinition::new("published");
/// Names that belong to keys; values as JSON.
const ACCOUNTS: TableDefinition<'_, &str, &str> = TableDefinition::new("accounts");
/// Bans by their numbers; values as JSON.
const BANS: TableDefinition<'_, u64, &str> = TableDefinition::new("bans");
/// Invites by their ids; values as JSON.
const INVITES: TableDefinition<'_, [u8; 8], &str> = TableDefinition::new("invites");

/// The highest numbers that were given, by what they were given to.
const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");
const OF_BANS: &str = "bans";

/// The most changes in one transaction: what comes behind them waits for the next.
const BATCH: usize = 4_096;

/// What the database keeps in memory, in bytes.
const CACHE: usize = 16 << 20;

/// The mode of the database's file.
#[cfg(unix)]
const PRIVATE: u32 = 0o600;

/// One change.
#[derive(Clone, Debug)]
pub enum Change {
    /// Somebody registers by command.
    Register(Box<str>),
    /// And goes, with everything that he has published.
    Unregister(Box<str>),
    /// Somebody publishes a file by command.
    Publish(Box<str>, Box<str>),
    /// And withdraws it.
    Delete(Box<str>, Box<str>),
    /// A name belongs to a key from now on. No invite for it is good any more.
    Put(Box<str>, Account),
    /// And does not any more; nor is an invite for it good.
    Drop(Box<str>),
    /// Somebody is banned.
    Ban(Ban),
    /// And is not any more: it was lifted, or has ended.
    Lift(u64),
    /// Somebody is invited.
    Invite([u8; 8], Invite),
    /// And is not any more: the invite was taken back, or has ended.
    Uninvite([u8; 8]),
    /// Or has come: it is used up, and so are others for that name.
    Enrol([u8; 8], Box<str>, Account),
    /// Nothing changes: all that is stored by then is copied into this file, which must not be there.
    BackUp(PathBuf),
}

/// Everything that was kept.
#[derive(Debug, Default)]
pub struct Kept {
    /// Who has registered by command.
    pub registered: Vec<String>,
    /// What they have published.
    pub published: Vec<(String, String)>,
    /// Names and their keys.
    pub accounts: Vec<(String, Account)>,
    /// Bans.
    pub bans: Vec<Ban>,
    /// The highest number that a ban was given, also one that is lifted.
    pub last_ban: u64,
    /// Invites.
    pub invites: Vec<([u8; 8], Invite)>,
}

/// Why something is not stored.
#[derive(Clone, Debug)]
pub struct NotStored(String);

impl NotStored {
    pub(super) fn gone() -> Self {
        Self("the database has gone".into())
    }
}

impl std::fmt::Display for NotStored {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Who waits for the outcome of a change.
#[derive(Debug)]
enum Waiting<R> {
    Loop(R),
    Promise(SyncSender<Result<(), NotStored>>),
}

type Write<R> = (Change, Waiting<R>);
type Done<R> = (R, Result<(), NotStored>);

impl<R> Waiting<R> {
    /// Tells the outcome. Who has gone meanwhile wants none.
    fn tell(self, outcome: Result<(), NotStored>, answers: &Sender<Done<R>>) {
        match self {
            Self::Loop(receipt) => _ = answers.send((receipt, outcome)),
            Self::Promise(answer) => _ = answer.send(outcome),
        }
    }
}

/// A database, and the thread that writes it. Receipts say what a change was for.
#[derive(Debug)]
pub struct Store<R: Send + 'static> {
    writes: Option<Sender<Write<R>>>,
    done: Receiver<Done<R>>,
    worker: Option<JoinHandle<()>>,
    health: Arc<Mutex<Health>>,
}

/// Whether changes can be stored.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Transactions that failed.
    pub failed: u64,
    /// Why the last one did, if it did.
    pub trouble: Option<NotStored>,
}

impl Health {
    fn wrote(&mut self, outcome: &Result<(), NotStored>) {
        self.trouble = outcome.as_ref().err().cloned();
        self.failed += u64::from(self.trouble.is_some());
    }
}

impl<R: Send + 'static> Store<R> {
    /// Opens a database, which is made when there is none, and reads all that is in it. `waker` wakes the loop when
    /// something is done.
    ///
    /// # Errors
    /// It cannot be read, is damaged, or another process has it.
    pub fn open(path: &Path, waker: Arc<Waker>) -> Result<(Self, Kept), NotStored> {
        let mut database = open_or_make(path).map_err(not_opened)?;
        // A page that reads as empty has lost what was on it, without a word; sums of all pages are kept.
        if !database.check_integrity().map_err(|error| not_opened(error.into()))? {
            return Err(NotStored(
                "its database was damaged, and repaired: what was changed last may be missing; \
                                  start again to go on with it"
                    .into(),
            ));
        }
        let kept = read(&database).map_err(not_opened)?;
        let (writes, to_do) = channel();
        let (answers, done) = channel();
        let path = path.to_owned();
        let health = Arc::default();
        let of_worker = Arc::clone(&health);
        let work = move || work(&path, database, &to_do, &answers, &of_worker, &waker);
        let worker = Builder::new().name("skep-store".into()).spawn(work).map_err(not_stored)?;
        Ok((Self { writes: Some(writes), done, worker: Some(worker), health }, kept))
    }

    /// A store of which the disk is full.
    #[cfg(test)]
    pub(super) fn full() -> Self {
        let (writes, to_do) = channel::<Write<R>>();
        let (answers, done) = channel();
        let health = Arc::<Mutex<Health>>::default();
        let of_worker = Arc::clone(&health);
        let refuse = move || {
            for (_, waiting) in to_do {
                let outcome = Err(NotStored("the disk is full".into()));
                of_worker.lock().unwrap().wrote(&outcome);
                waiting.tell(outcome, &answers);
            }
        };
        Self { writes: Some(writes), done, worker: Some(std::thread::spawn(refuse)), health }
    }

    /// Stores a change; the outcome comes from [`Store::done`] with this receipt.
    pub fn put(&self, change: Change, receipt: R) {
        self.write(change, Waiting::Loop(receipt));
    }

    /// Stores a change; the outcome comes from what this returns, and the loop is woken when it has come.
    pub fn promise(&self, change: Change) -> Receiver<Result<(), NotStored>> {
        let (answer, outcome) = sync_channel(1);
        self.write(change, Waiting::Promise(answer));
        outcome
    }

    /// The next change whose outcome is known.
    pub fn done(&self) -> Option<Done<R>> {
        self.done.try_recv().ok()
    }

    /// Whether changes could be stored so far.
    pub fn health(&self) -> Health {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn write(&self, change: Change, waiting: Waiting<R>) {
        if let Some(writes) = &self.writes {
            // It fails only when the worker is gone, which takes a panic there.
            let _ = writes.send((change, waiting));
        }
    }
}

impl<R: Send + 'static> Drop for Store<R> {
    /// What was ordered is stored.
    fn drop(&mut self) {
        self.writes = None;
        if let Some(worker) = self.worker.take() {
            let _ = worker.join();
        }
    }
}

/// What can be done with a database that is not as it was written.
pub const DAMAGED: &str =
    "its database is damaged: put back a copy of state.redb, or move that away to begin with nothing";

fn not_stored(error: impl Into<redb::Error>) -> NotStored {
    NotStored(match error.into() {
        redb::Error::Io(error) => reason(&error),
        error => error.to_string(),
    })
}

/// Why a database cannot be opened, in words of our own where the library's say nothing here.
fn not_opened(error: redb::Error) -> NotStored {
    use io::ErrorKind::{InvalidData, UnexpectedEof};
    match error {
        redb::Error::DatabaseAlreadyOpen => NotStored("another tracker uses it".into()),
        redb::Error::Io(error) if !matches!(error.kind(), InvalidData | UnexpectedEof) => not_stored(error),
        redb::Error::UpgradeRequired(_) => {
            NotStored("its database has a format that this version of skep does not read".into())
        }
        error => NotStored(format!("{DAMAGED} ({error})")),
    }
}

/// Opens a database, or makes one where there is none. Only its owner can read it, as there are keys of invites in it.
fn open_or_make(path: &Path) -> Result<Database, redb::Error> {
    let is_absent = || path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    if is_absent()
        && let Err(error) = create_whole(path, begin)
        // Another process may have made it meanwhile.
        && is_absent()
    {
        return Err(error.into());
    }
    open(path)
}

/// Makes a database with nothing in it, which is on the disk then: one that was not begun to its end would be refused the
/// next time.
fn begin(path: &Path) -> io::Result<()> {
    database(make(path)?).map_err(|error| match error {
        redb::Error::Io(error) => error,
        error => io::Error::other(error),
    })?;
    sync(path)
}

/// Opens a database that there is. From a file with nothing in it a new one would be made, without a word.
fn open(path: &Path) -> Result<Database, redb::Error> {
    let file = options().open(path)?;
    #[cfg(unix)]
    make_private(&file)?;
    check_own(path, &file)?;
    if file.metadata()?.len() == 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is empty").into());
    }
    database(file)
}

/// Makes a file that there is not.
fn make(path: &Path) -> io::Result<File> {
    let mut options = options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, PRIVATE);
    options.create_new(true).open(path)
}

fn options() -> OpenOptions {
    let mut options = File::options();
    options.read(true).write(true);
    options
}

fn database(file: File) -> Result<Database, redb::Error> {
    Ok(Database::builder().set_cache_size(CACHE).create_with_backend(FileBackend::new(file)?)?)
}

/// Takes from others what an earlier mode let them do, where the file is ours to say that.
#[cfg(unix)]
fn make_private(file: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let metadata = file.metadata()?;
    let is_ours = metadata.uid() == rustix::process::geteuid().as_raw();
    if is_ours && metadata.mode() & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(PRIVATE))?;
    }
    Ok(())
}

fn work<R>(
    path: &Path,
    database: Database,
    to_do: &Receiver<Write<R>>,
    answers: &Sender<Done<R>>,
    health: &Mutex<Health>,
    waker: &Waker,
) {
    let mut database = Some(database);
    while let Ok(first) = to_do.recv() {
        // All that has come while the last transaction went to the disk goes in one.
        let writes: Vec<_> = std::iter::once(first).chain(to_do.try_iter().take(BATCH - 1)).collect();
        let outcome = match database.take().map_or_else(|| open(path), Ok) {
            Ok(open) => {
                let outcome = write(&open, writes.iter().map(|(change, _)| change));
                // After a failure, as of a full disk, a database does nothing more: it is opened again for the next.
                database = outcome.is_ok().then_some(open);
                outcome
            }
            Err(error) => Err(error),
        };
        let outcome = outcome.map_err(not_stored);
        health.lock().unwrap_or_else(PoisonError::into_inner).wrote(&outcome);
        for (change, waiting) in writes {
            let outcome = match (change, &database) {
                (Change::BackUp(to), Some(open)) => back_up(open, &to),
                (Change::BackUp(to), None) => outcome.clone().map_err(|error| not_backed_up(&to, &error)),
                _ => outcome.clone(),
            };
            waiting.tell(outcome, answers);
        }
        let _ = waker.wake();
    }
}

fn write<'c>(database: &Database, changes: impl Iterator<Item = &'c Change>) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    for change in changes {
        apply(&transaction, change)?;
    }
    transaction.commit()?;
    Ok(())
}

fn apply(transaction: &WriteTransaction, change: &Change) -> Result<(), redb::Error> {
    match change {
        Change::Register(user) => _ = transaction.open_table(REGISTERED)?.insert(&**user, ())?,
        Change::Unregister(user) => {
            transaction.open_table(REGISTERED)?.remove(&**user)?;
            let mut published = transaction.open_table(PUBLISHED)?;
            let mut all: Vec<String> = Vec::new();
            for entry in published.range((&**user, "")..)? {
                let (key, ()) = entry.map(|(key, value)| (key, value.value()))?;
                let (owner, path) = key.value();
                if owner != &**user {
                    break;
                }
                all.push(path.to_owned());
            }
            for path in all {
                published.remove((&**user, path.as_str()))?;
            }
        }
        Change::Publish(user, path) => {
            transaction.open_table(PUBLISHED)?.insert((&**user, &**path), ())?;
        }
        Change::Delete(user, path) => _ = transaction.open_table(PUBLISHED)?.remove((&**user, &**path))?,
        Change::Put(name, account) => put(transaction, name, account)?,
        Change::Drop(name) => {
            transaction.open_table(ACCOUNTS)?.remove(&**name)?;
            uninvite(transaction, name)?;
        }
        Change::Ban(ban) => {
            transaction.open_table(BANS)?.insert(ban.id, json(ban)?.as_str())?;
            transaction.open_table(NUMBERS)?.insert(OF_BANS, ban.id)?;
        }
        Change::Lift(id) => _ = transaction.open_table(BANS)?.remove(id)?,
        Change::Invite(id, invite) => {
            transaction.open_table(INVITES)?.insert(id, json(invite)?.as_str())?;
        }
        Change::Uninvite(id) => _ = transaction.open_table(INVITES)?.remove(id)?,
        // The invite itself is one of those for the name.
        Change::Enrol(_, name, account) => put(transaction, name, account)?,
        // When the transaction is over.
        Change::BackUp(_) => {}
    }
    Ok(())
}

/// Copies all that is stored into a file that there is not yet; it is on the disk then.
fn back_up(database: &Database, to: &Path) -> Result<(), NotStored> {
    let file = make(to).map_err(|error| not_backed_up(to, &not_stored(error)))?;
    copy(database, file).and_then(|()| Ok(sync(to)?)).map_err(|error| {
        let _ = std::fs::remove_file(to);
        not_backed_up(to, &not_stored(error))
    })
}

fn not_backed_up(to: &Path, why: &NotStored) -> NotStored {
    NotStored(format!("cannot back up to {}: {why}", to.display()))
}

fn copy(from: &Database, file: File) -> Result<(), redb::Error> {
    let copy = database(file)?;
    let (from, to) = (from.begin_read()?, copy.begin_write()?);
    copy_table(&from, &to, REGISTERED)?;
    copy_table(&from, &to, PUBLISHED)?;
    copy_table(&from, &to, ACCOUNTS)?;
    copy_table(&from, &to, BANS)?;
    copy_table(&from, &to, INVITES)?;
    copy_table(&from, &to, NUMBERS)?;
    to.commit()?;
    Ok(())
}

fn copy_table<K: Key + 'static, V: Value + 'static>(
    from: &ReadTransaction,
    to: &WriteTransaction,
    table: TableDefinition<'_, K, V>,
) -> Result<(), redb::Error> {
    let mut copy = to.open_table(table)?;
    for entry in from.open_table(table)?.iter()? {
        let (key, value) = entry?;
        copy.insert(key.value(), value.value())?;
    }
    Ok(())
}

/// A file that was made is found again after a crash, with all that was written when it was closed.
fn sync(file: &Path) -> io::Result<()> {
    File::options().write(true).open(file)?.sync_all()?;
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    if cfg!(unix) { File::open(parent.unwrap_or(Path::new(".")))?.sync_all() } else { Ok(()) }
}

fn put(transaction: &WriteTransaction, name: &str, account: &Account) -> Result<(), redb::Error> {
    transaction.open_table(ACCOUNTS)?.insert(name, json(account)?.as_str())?;
    uninvite(transaction, name)
}

/// Takes back all invites for a name.
fn uninvite(transaction: &WriteTransaction, name: &str) -> Result<(), redb::Error> {
    let is_for_it = |text: &str| parse::<Invite>(text).is_ok_and(|invite| invite.name == name);
    transaction.open_table(INVITES)?.retain(|_, invite| !is_for_it(invite))?;
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<String, redb::Error> {
    serde_json::to_string(value).map_err(|error| redb::Error::Io(io::Error::other(error)))
}

fn parse<'t, T: serde::Deserialize<'t>>(text: &'t str) -> Result<T, redb::Error> {
    serde_json::from_str(text)
        .map_err(|error| redb::Error::Io(io::Error::new(io::ErrorKind::InvalidData, error)))
}

fn read(database: &Database) -> Result<Kept, redb::Error> {
    // Every table is there from now on.
    let transaction = database.begin_write()?;
    transaction.open_table(REGISTERED)?;
    transaction.open_table(PUBLISHED)?;
    transaction.open_table(ACCOUNTS)?;
    transaction.open_table(BANS)?;
    transaction.open_table(INVITES)?;
    transaction.open_table(NUMBERS)?;
    transaction.commit()?;
    let mut kept = Kept::default();
    let transaction = database.begin_read()?;
    for entry in transaction.open_table(REGISTERED)?.iter()? {
        kept.registered.push(entry?.0.value().to_owned());
    }
    for entry in transaction.open_table(PUBLISHED)?.iter()? {
        let (key, _) = entry?;
        let (user, path) = key.value();
        kept.published.push((user.to_owned(), path.to_owned()));
    }
    for entry in transaction.open_table(ACCOUNTS)?.iter()? {
        let (name, account) = entry?;
        kept.accounts.push((name.value().to_owned(), parse(account.value())?));
    }
    for entry in transaction.open_table(BANS)?.iter()? {
        kept.bans.push(parse(entry?.1.value())?);
    }
    // Databases of before know the bans alone.
    let given = transaction.open_table(NUMBERS)?.get(OF_BANS)?.map_or(0, |given| given.value());
    kept.last_ban = kept.bans.iter().map(|ban| ban.id).fold(given, u64::max);
    for entry in transaction.open_table(INVITES)?.iter()? {
        let (id, invite) = entry?;
        kept.invites.push((id.value(), parse(invite.value())?));
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Poll, Token};

    fn open(path: &Path) -> (Store<u32>, Kept) {
        try_open(path).unwrap()
    }

    fn try_open(path: &Path) -> Result<(Store<u32>, Kept), NotStored> {
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        Store::open(path, waker)
    }

    fn account() -> Account {
        let key = "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo".parse().unwrap();
        Account { key, role: super::super::account::Role::User }
    }

    #[test]
    fn what_was_stored_is_there_again_and_what_was_removed_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.redb");
        let account = account();
        let (store, kept) = open(&path);
        assert!(kept.registered.is_empty());
        for user in ["ana", "bob", "bobby"] {
            store.put(Change::Register(user.into()), 0);
            for file in ["x", "y"] {
                store.put(Change::Publish(user.into(), file.into()), 0);
            }
        }
        store.put(Change::Unregister("bob".into()), 1);
        store.put(Change::Delete("ana".into(), "x".into()), 2);
        store.put(Change::Put("eva".into(), account.clone()), 3);
        drop(store);
        let (_, kept) = open(&path);
        assert_eq!(kept.registered, ["ana", "bobby"]);
        let of = |user: &str, file: &str| (user.to_owned(), file.to_owned());
        assert_eq!(kept.published, [of("ana", "y"), of("bobby", "x"), of("bobby", "y")]);
        assert_eq!(kept.accounts, [("eva".to_owned(), account)]);
    }

    #[test]
    fn a_copy_that_is_made_amid_a_flood_of_changes_has_all_that_was_stored_before_and_replaces_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let [path, copy] = ["state.redb", "copy"].map(|name| directory.path().join(name));
        let (store, _) = open(&path);
        let ban = |id: u64| {
            let who = super::super::account::Banned::Name(id.to_string());
            Change::Ban(Ban { id, who, until: None, reason: String::new() })
        };
        (1..=2_000).for_each(|id| store.put(ban(id), 0));
        let outcome = store.promise(Change::BackUp(copy.clone()));
        (2_001..=20_000).for_each(|id| store.put(ban(id), 0));
        outcome.recv().unwrap().unwrap();
        let again = store.promise(Change::BackUp(copy.clone())).recv().unwrap();
        assert!(again.unwrap_err().to_string().contains("exists"));
        drop(store);
        let (_store, kept) = open(&copy);
        let count = kept.bans.len() as u64;
        assert!((2_000..=20_000).contains(&count) && kept.last_ban == count, "{count}");
        assert_eq!(open(&path).1.bans.len(), 20_000);
    }

    #[test]
    fn every_change_is_answered_once_with_its_receipt() {
        let directory = tempfile::tempdir().unwrap();
        let (store, _) = open(&directory.path().join("state.redb"));
        for number in 0..1_000 {
            store.put(Change::Register(number.to_string().into()), number);
        }
        let mut answered = Vec::new();
        while answered.len() < 1_000 {
            answered.extend(store.done().map(|(receipt, outcome)| {
                outcome.unwrap();
                receipt
            }));
        }
        assert_eq!(answered, (0..1_000).collect::<Vec<_>>());
    }

    #[test]
    #[cfg(unix)]
    fn a_database_can_be_read_by_nobody_else_wherever_it_lies() {
        use std::{
            fs::{Permissions, metadata, set_permissions},
            os::unix::fs::PermissionsExt,
        };
        let directory = tempfile::tempdir().unwrap();
        set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        let path = directory.path().join("state.redb");
        let mode = || metadata(&path).unwrap().permissions().mode() & 0o777;
        drop(open(&path));
        assert_eq!(mode(), 0o600);
        // One that others could read until now.
        set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        drop(open(&path));
        assert_eq!(mode(), 0o600);
        // And what is no file at all.
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/null", &path).unwrap();
        let error = try_open(&path).err().unwrap().to_string();
        assert!(error.contains("not a regular file"), "{error}");
    }

    #[test]
    fn a_file_with_nothing_in_it_is_no_new_database_and_one_that_is_gone_is_not_made_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.redb");
        std::fs::write(&path, b"").unwrap();
        let error = try_open(&path).err().unwrap().to_string();
        assert!(error.starts_with(DAMAGED) && error.contains("it is empty"), "{error}");
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
        std::fs::remove_file(&path).unwrap();
        assert!(super::open(&path).is_err() && !path.exists());
    }

    #[test]
    fn a_database_has_its_name_when_it_was_begun_to_its_end_and_not_before() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.redb");
        let died = create_whole(&path, |fresh| {
            make(fresh)?;
            assert!(!path.exists());
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(died.is_err() && !path.exists());
        // What a kill has left of one that was being made is no database.
        let left = directory.path().join(".state.redb.new");
        std::fs::write(&left, b"").unwrap();
        drop(open(&path));
        assert!(path.exists() && !left.exists());
        // Nor is one replaced that came about meanwhile.
        assert!(create_whole(&path, begin).is_err());
    }

    #[test]
    fn invites_for_a_name_go_when_a_key_gets_it_and_when_it_is_taken_away() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.redb");
        let account = account();
        let (until, role) = (jiff::Timestamp::MAX, account.role);
        let (ann, ben) = ("ann".to_owned(), "ben".to_owned());
        let changes: [fn(Account) -> Change; 3] = [
            |account| Change::Enrol([0; 8], "ann".into(), account),
            |account| Change::Put("ann".into(), account),
            |_| Change::Drop("ann".into()),
        ];
        for change in changes {
            let (store, _) = open(&path);
            for (number, name) in [(0, &ann), (1, &ann), (2, &ben)] {
                let invite = Invite { name: name.clone(), role, until, psk: [4; 32] };
                store.put(Change::Invite([number; 8], invite), 0);
            }
            store.put(change(account.clone()), 0);
            drop(store);
            let left = open(&path).1.invites;
            assert_eq!(
                left.iter().map(|(id, invite)| (id[0], &invite.name)).collect::<Vec<_>>(),
                [(2, &ben)]
            );
        }
    }

    #[test]
    fn a_database_is_one_process_s_and_garbage_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.redb");
        let (_store, _) = open(&path);
        assert!(try_open(&path).is_err());
        let other = directory.path().join("other");
        std::fs::write(&other, b"no database at all, but long enough to be read as one").unwrap();
        assert!(try_open(&other).is_err());
    }
}
