//! The sealed transport (docs/protocol.md section 7.2 and 7.5).

use super::{Broken, Greeting, Inbox, Outbox, Wrapping};
use crate::Origin;
use core::net::SocketAddr;
use skep_core::{
    limits::MESSAGE_MAX,
    seal::{
        CheckKey, KeyPair, Random, RustCrypto, Secret, TAG_LENGTH,
        greeting::{Declined, Directions, Hail, Host, Terms, greet},
        layer::{Access, Call, Caller},
        record::{FRONT, OVERHEAD, Opened},
    },
    wire::seal::{HELLO_MAX, Hello, Purpose, REPLY_MAX, Reply, Suite},
};

/// The one cipher that a device speaks.
const SUITES: &[Suite] = &[Suite::ChaCha];

/// Sealed. `A` says who may come in.
#[derive(Debug)]
pub struct Sealed<A> {
    own: KeyPair<RustCrypto>,
    check: CheckKey<RustCrypto>,
    random: Random<RustCrypto>,
    /// Who may come in.
    pub access: A,
    relays: bool,
}

/// What is kept of a sealed stream.
#[derive(Debug)]
pub struct Records {
    phase: Phase,
    /// The peer's last record has come.
    ended: bool,
    /// Our last record was made.
    finished: bool,
}

#[allow(clippy::large_enum_variant, reason = "there is no heap to put one into")]
enum Phase {
    /// HELLO is to come.
    Listening,
    /// We called: REPLY is to come.
    Calling(Hail<RustCrypto>),
    /// Records go both ways.
    Open(Directions<RustCrypto>),
    /// It is an end of a relayed transfer: what passes is sealed between the two ends.
    Relayed,
}

impl core::fmt::Debug for Phase {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(match self {
            Self::Listening => "Listening",
            Self::Calling(_) => "Calling",
            Self::Open(_) => "Open",
            Self::Relayed => "Relayed",
        })
    }
}

impl<A> Sealed<A> {
    /// For who has the key pair `own`. `seed` must be 32 random bytes, secret, and others at every start and for every
    /// carrier.
    pub fn new(own: KeyPair<RustCrypto>, seed: Secret, access: A) -> Self {
        let check = CheckKey::new(own.public(), None);
        Self { own, check, random: Random::new(seed), access, relays: false }
    }

    /// For a tracker: who begins with a zero byte instead of a handshake is an end of a relayed transfer, and is let in
    /// ([`Origin::is_attaching`]).
    #[must_use]
    pub fn relaying(self) -> Self {
        Self { relays: true, ..self }
    }

    /// A call in chunks of so many bytes: what is kept of it, and HELLO.
    pub(crate) fn hail(&mut self, call: &Call, size: usize) -> Option<(Records, [u8; HELLO_MAX], usize)> {
        let mut hello = [0; HELLO_MAX];
        let ephemeral = self.random.next();
        let (hail, length) = Hail::start(&self.own, call, &terms(size), ephemeral, &mut hello).ok()?;
        Some((Records { phase: Phase::Calling(hail), ended: false, finished: false }, hello, length))
    }
}

/// What we take: records that fill a chunk.
fn terms(size: usize) -> Terms<'static> {
    Terms { suites: SUITES, largest: u16::try_from(size.saturating_sub(FRONT)).unwrap_or(u16::MAX) }
}

impl<A: Access> Wrapping for Sealed<A> {
    type Records = Records;
    type Caller = Option<Caller>;

    const LEAST: usize = if HELLO_MAX > MESSAGE_MAX + OVERHEAD { HELLO_MAX } else { MESSAGE_MAX + OVERHEAD };

    fn listening() -> Records {
        Records { phase: Phase::Listening, ended: false, finished: false }
    }

    fn greet<const SIZE: usize>(
        &mut self,
        records: &mut Records,
        peer: SocketAddr,
        inbox: &mut Inbox<SIZE>,
        outbox: &mut Outbox<SIZE>,
    ) -> Greeting<Option<Caller>> {
        let raw = inbox.raw();
        if self.relays && matches!(records.phase, Phase::Listening) && raw.first() == Some(&0) {
            records.phase = Phase::Relayed;
            return Greeting::Done(None);
        }
        let needed = match records.phase {
            Phase::Listening => Hello::needed(raw),
            _ => Reply::needed(raw),
        };
        let Some(needed) = needed else { return Greeting::Refused };
        let Some(message) = raw.get(..needed) else {
            return if needed > SIZE { Greeting::Refused } else { Greeting::Unfinished };
        };
        let (directions, caller) = match &mut records.phase {
            Phase::Open(_) | Phase::Relayed => return Greeting::Refused,
            Phase::Calling(hail) => match hail.finish(message) {
                Ok(directions) => (directions, None),
                Err(_) => return Greeting::Refused,
            },
            Phase::Listening => {
                let host = Host { own: &self.own, check: &self.check };
                let mut reply = [0; REPLY_MAX];
                let (ephemeral, access) = (self.random.next(), &mut self.access);
                let greeted = greet(&host, message, peer, &terms(SIZE), ephemeral, access, &mut reply);
                let (directions, caller, length) = match greeted {
                    Ok(welcome) => welcome,
                    // It stays where it is, and is looked at again.
                    Err(Declined::Later) => return Greeting::Unfinished,
                    Err(Declined::Refused) => return Greeting::Refused,
                };
                let said = reply.get(..length).is_some_and(|reply| outbox.put(reply));
                // There are no passwords here, so nobody has business with their salts.
                if !said || caller.purpose == Purpose::Salt {
                    return Greeting::Refused;
                }
                (directions, Some(caller))
            }
        };
        inbox.open(needed, 0, 0);
        records.phase = Phase::Open(directions);
        Greeting::Done(caller)
    }

    fn origin(address: SocketAddr, caller: Option<Caller>) -> Origin {
        // Whom we call is nobody's origin.
        caller.map_or(Origin { is_attaching: true, ..Origin::at(address) }, |caller| {
            Origin::of(address, caller)
        })
    }

    fn open<const SIZE: usize>(records: &mut Records, inbox: &mut Inbox<SIZE>) -> Result<(), Broken> {
        let opener = match &mut records.phase {
            Phase::Open((_, opener)) => opener,
            Phase::Relayed => {
                inbox.open_all();
                return Ok(());
            }
            _ => return Err(Broken),
        };
        let raw = inbox.raw();
        if raw.is_empty() {
            return Ok(());
        }
        if records.ended {
            return Err(Broken);
        }
        let needed = opener.needed(raw).map_err(|_| Broken)?;
        let Some(record) = raw.get_mut(..needed) else { return Ok(()) };
        match opener.open(record).map_err(|_| Broken)? {
            Opened::Text(text) => {
                let length = text.len();
                inbox.open(FRONT, length, TAG_LENGTH);
            }
            Opened::End => {
                records.ended = true;
                inbox.open(needed, 0, 0);
            }
        }
        Ok(())
    }

    fn has_ended(records: &Records, has_socket: bool) -> bool {
        if let Phase::Relayed = records.phase { has_socket } else { records.ended }
    }

    fn around(records: &Records) -> (usize, usize) {
        if let Phase::Relayed = records.phase { (0, 0) } else { (FRONT, TAG_LENGTH) }
    }

    fn text_max(records: &Records) -> usize {
        match &records.phase {
            Phase::Open((sealer, _)) => sealer.text_max(),
            Phase::Relayed => usize::MAX,
            _ => 0,
        }
    }

    fn seal(records: &mut Records, record: &mut [u8]) -> Result<(), Broken> {
        match &mut records.phase {
            Phase::Open((sealer, _)) => sealer.seal(record).map_err(|_| Broken),
            Phase::Relayed => Ok(()),
            _ => Err(Broken),
        }
    }

    fn end(records: &mut Records, room: &mut [u8]) -> Option<usize> {
        let Phase::Open((sealer, _)) = &mut records.phase else { return None };
        if core::mem::replace(&mut records.finished, true) {
            return None;
        }
        let record = sealer.end().ok()?;
        room.get_mut(..record.len())?.copy_from_slice(&record);
        Some(record.len())
    }
}
