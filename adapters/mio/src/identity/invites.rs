//! Invites that are not used yet.
//!
//! ```text
//!   create ──► code, in a link to somebody          a line here: id, psk, when it ends, name, rights
//!                        │
//!   first message: id, and the rest under the psk ──► find(id) ──► psk
//!                        │ it decrypts, and holds a public key
//!   enrol(id, key):  the line is removed (durable) ──► the key is allowed (durable) ──► only now an answer
//! ```
//!
//! In this order a crash costs an invite at worst; in the other, a code might let in two.

use std::{
    collections::HashMap,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use skep_core::seal::{Psk, Secret};
use zeroize::Zeroizing;

use super::{
    AllowFile, Code, Fingerprint, InviteId, Label, PublicLine, Rights,
    base64url::{decode, encode},
    lines::{bad_line, lines, with_line, without_lines},
    private::Privacy,
    watched::{Content, Watched},
};
use crate::exit::Failure;

/// What begins a line.
const KIND: &str = "skep-invite";

/// How many may be open at once.
const INVITES_MAX: usize = 1_000;

/// The longest life.
pub(crate) const LIFE_MAX: Duration = Duration::from_secs(90 * 86_400);

/// An invite that waits for its guest.
#[derive(Clone, Debug)]
pub struct Invite {
    /// The key of the first message.
    pub psk: Psk,
    /// When it ends.
    pub ends: SystemTime,
    /// What the key that it lets in will be called: its host says so, not the guest.
    pub name: Label,
    /// What that key will be allowed to do.
    pub rights: Rights,
    line: usize,
}

/// How an enrolment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enrolled {
    /// The key is let in from now on.
    Done,
    /// The key was let in before. The invite stays.
    Already,
    /// There is no such invite: it was used, or has ended.
    NoInvite,
}

/// The file of open invites.
#[derive(Debug)]
pub struct Invites(Watched<Open>);

#[derive(Debug, Default)]
struct Open(HashMap<InviteId, Invite>);

impl Content for Open {
    const PRIVACY: Privacy = Privacy::Secret;

    fn parse(path: &Path, text: &str) -> Result<Self, Failure> {
        let mut open = HashMap::new();
        for (number, line) in lines(text) {
            let (id, invite) = parse(number, line).map_err(|why| bad_line(path, number, &why))?;
            if open.insert(id, invite).is_some() {
                return Err(bad_line(path, number, "there is an earlier line with the same id"));
            }
        }
        Ok(Self(open))
    }
}

impl Invites {
    /// Reads the file; one that is not there has no invites.
    ///
    /// # Errors
    /// Others can read it, or a line is not understood.
    pub fn load(path: &Path) -> Result<Self, Failure> {
        Watched::load_or_empty(path).map(Self)
    }

    /// Makes an invite. It is on the disk when this returns. Those that have ended are removed.
    ///
    /// # Errors
    /// It would live for longer than 90 days, there are a thousand already, or the file cannot be read or written.
    pub fn create(
        &mut self,
        name: Label,
        rights: Rights,
        life: Duration,
        now: SystemTime,
    ) -> Result<Code, Failure> {
        if life > LIFE_MAX || life.is_zero() {
            return Err(Failure::usage("an invite lives for at most 90 days"));
        }
        let code = Code::random().map_err(|error| Failure::cannot("make an invite", &error))?;
        // Whole seconds, as the file has them.
        let ends = UNIX_EPOCH + Duration::from_secs(seconds(now + life));
        let line = line_of(code.id(), &Invite { psk: code.psk(), ends, name, rights, line: 0 });
        self.0.update(|open, text| {
            let ended = open.ended(now);
            if open.0.len() - ended.len() >= INVITES_MAX {
                return Err(Failure::local(format!(
                    "there are {INVITES_MAX} open invites already; remove some: skep invite remove ID"
                )));
            }
            let kept = Zeroizing::new(without_lines(text, &ended));
            Ok((Some(with_line(&kept, &line)), ()))
        })?;
        Ok(code)
    }

    /// The invite with this id, unless it has ended. Looks into memory only, so it can be asked for by anybody.
    pub fn find(&self, id: &InviteId, now: SystemTime) -> Option<&Invite> {
        self.0.content().0.get(id).filter(|invite| invite.ends > now)
    }

    /// All that are open, the one that ends first in front.
    pub fn list(&self, now: SystemTime) -> Vec<(InviteId, &Invite)> {
        let open = self.0.content().0.iter().filter(|(_, invite)| invite.ends > now);
        let mut open: Vec<_> = open.map(|(id, invite)| (*id, invite)).collect();
        open.sort_by_key(|(id, invite)| (invite.ends, *id));
        open
    }

    /// Takes an invite away, so that nobody can use it any more: it is off the disk when this returns. Of all that
    /// call this, in this process or another, one gets it. Those that have ended go too.
    ///
    /// # Errors
    /// The file cannot be read or written; the invite must then be taken for used.
    pub fn use_up(&mut self, id: &InviteId, now: SystemTime) -> Result<Option<Invite>, Failure> {
        self.0.update(|open, text| {
            let mut gone = open.ended(now);
            let found = open.0.get(id).filter(|invite| invite.ends > now).cloned();
            gone.extend(found.iter().map(|invite| invite.line));
            Ok(((!gone.is_empty()).then(|| without_lines(text, &gone)), found))
        })
    }

    /// Uses an invite up and lets a key in for it. Only then may the guest be answered.
    ///
    /// # Errors
    /// A file cannot be read or written. The key may not be let in, and the invite be used.
    pub fn enrol(
        &mut self,
        allow: &mut AllowFile,
        id: &InviteId,
        key: Fingerprint,
        now: SystemTime,
    ) -> Result<Enrolled, Failure> {
        // A file with a slip of the pen in it must not cost the invite.
        allow.reload()?;
        if allow.find(&key).is_some() {
            return Ok(Enrolled::Already);
        }
        let Some(Invite { name, rights, .. }) = self.use_up(id, now)? else { return Ok(Enrolled::NoInvite) };
        allow.add(&PublicLine { key, name, rights })?;
        Ok(Enrolled::Done)
    }

    /// Reads the file again if it has changed, and says whether it had.
    ///
    /// # Errors
    /// It is not understood now; the invites of before count until it is right.
    pub fn reload_if_changed(&mut self) -> Result<bool, Failure> {
        self.0.reload_if_changed()
    }
}

impl Open {
    fn ended(&self, now: SystemTime) -> Vec<usize> {
        self.0.values().filter(|invite| invite.ends <= now).map(|invite| invite.line).collect()
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// `skep-invite ID PSK ENDS NAME [RIGHTS]`; it ends so many seconds after the beginning of 1970.
fn line_of(id: InviteId, invite: &Invite) -> Zeroizing<String> {
    let Invite { psk, ends, name, rights, .. } = invite;
    Zeroizing::new(format!("{KIND} {id} {} {} {name}{rights}", *encode(psk.expose()), seconds(*ends)))
}

fn parse(number: usize, line: &str) -> Result<(InviteId, Invite), String> {
    let mut words = line.split_whitespace();
    let mut word =
        || words.next().ok_or(format!("a line is `{KIND} ID KEY ENDS NAME`, as `skep invite` writes it"));
    if word()? != KIND {
        return Err(format!("a line begins with {KIND}"));
    }
    let id = word()?.parse().map_err(|_| "the id is damaged".to_owned())?;
    let psk = Psk::new(Secret::take(&mut *decode(word()?).ok_or("the key is damaged")?));
    let ends = word()?;
    let ends = if ends.bytes().all(|digit| digit.is_ascii_digit()) { ends.parse().ok() } else { None };
    let ends = ends.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    let ends = ends.ok_or("the time when it ends is no number of seconds")?;
    let name = word()?.parse()?;
    let rights = Rights::parse(words)?;
    Ok((id, Invite { psk, ends, name, rights, line: number }))
}
