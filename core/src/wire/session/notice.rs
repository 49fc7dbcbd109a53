//! What a tracker says.

use super::{
    Code, FileInfo, Introduction, RESUME_LENGTH, TOKEN_LENGTH, Unread, Way,
    fields::{Room, address},
    finished,
    request::{PING, PONG},
};
use crate::wire::{
    Text,
    field::{array, byte, counted, long, short, word},
};
use core::net::IpAddr;
use nom::{IResult, Parser};

const WELCOME: u8 = 0x20;
const WAITING: u8 = 0x21;
const CAME: u8 = 0x22;
const LEFT: u8 = 0x23;
const SHARED: u8 = 0x24;
const UNSHARED: u8 = 0x25;
const UPTO: u8 = 0x26;
const DONE: u8 = 0x27;
const FAILED: u8 = 0x28;
const ASK: u8 = 0x29;
const GO: u8 = 0x2a;
const ENDED: u8 = 0x2b;
const BYE: u8 = 0x2c;
const UNSUPPORTED: u8 = 0x2d;
const ATTACHED: u8 = 0x2e;

const IS_FRESH: u8 = 1;
const BY_COMMAND: u8 = 1;

/// A message from a tracker.
///
/// ```text
/// 20 Welcome      | version u8 | flags u8 | user u32 | epoch u64 | resume key, 16 | silence u16, seconds |
/// 21 Waiting      | place u32 |
/// 22 Came         | user u32 | flags u8 | name |           replaces whoever had this number, files and all
/// 23 Left         | user u32 |                             with all files
/// 24 Shared       | file u32 | user u32 | file | name |    replaces whatever had this number
/// 25 Unshared     | file u32 |
/// 26 Upto         | number u64 |                           all changes up to this one have been told
/// 27 Done         | tag u32 |                              so are all earlier requests that have not failed
/// 28 Failed       | tag u32 | code u8 |
/// 29 Ask          | transfer u32 | way u8 | token, 16 | introduction | address | user name | file name |
/// 2a Go           | tag u32 | transfer u32 | way u8 | token, 16 | introduction | address | TCP port | RDT port |
/// 2b Ended        | transfer u32 | code u8 |
/// 2c Bye          | code u8 |                              the last message
/// 2d Unsupported  | kind u8 |
/// 2e Attached     |                                        what follows is the other side's
/// 7e Ping         |
/// 7f Pong         |
/// ```
///
/// An address is 4 or 6 in one byte and its 4 or 16 bytes. `Left` and `Unshared` may name what the client does not
/// know: that is no error. No two users have one name, and no two files of a user: a name that is told under another
/// number than before has lost that one, even if `Left` or `Unshared` of it comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Notice<'a> {
    /// The client is logged in.
    Welcome {
        /// The version that is spoken.
        version: u8,
        /// Bit 0 of the flags: the list that follows begins anew.
        is_fresh: bool,
        /// The client's own number.
        user: u32,
        /// Which run of the tracker the numbers of changes are of. Never 0.
        epoch: u64,
        /// What proves later that this session was the client's.
        resume: [u8; RESUME_LENGTH],
        /// The tracker is heard at least this often, in seconds, while all is well.
        silence: u16,
    },
    /// No seat is free.
    Waiting {
        /// The place in the line; 1 is the first.
        place: u32,
    },
    /// A user is there.
    Came {
        /// Its number until it leaves.
        user: u32,
        /// Bit 0 of the flags: it is there by command.
        by_command: bool,
        /// Its name.
        name: Text<'a>,
    },
    /// A user is not there any more, and shares nothing.
    Left {
        /// Its number.
        user: u32,
    },
    /// A file is shared.
    Shared {
        /// Its number until it is not shared any more.
        file: u32,
        /// Whose it is.
        user: u32,
        /// What is known of it.
        info: FileInfo,
        /// Its name.
        name: Text<'a>,
    },
    /// A file is not shared any more.
    Unshared {
        /// Its number.
        file: u32,
    },
    /// What was told is the list as it was after this change, but for the client itself.
    Upto {
        /// The number of the change.
        number: u64,
    },
    /// Requests were granted.
    Done {
        /// The last of them.
        tag: u32,
    },
    /// A request was not.
    Failed {
        /// Which one.
        tag: u32,
        /// Why.
        code: Code,
    },
    /// To an owner: somebody wants a file.
    Ask {
        /// The transfer.
        transfer: u32,
        /// How it is to travel.
        way: Way,
        /// By which the two sides know the transfer.
        token: [u8; TOKEN_LENGTH],
        /// By which they know each other.
        introduction: Option<Introduction>,
        /// Where the requester is, as the tracker sees it.
        address: IpAddr,
        /// Who it is.
        user: Text<'a>,
        /// The file.
        name: Text<'a>,
    },
    /// To a requester: the owner is ready.
    Go {
        /// Of the request.
        tag: u32,
        /// The transfer.
        transfer: u32,
        /// How it travels.
        way: Way,
        /// By which the two sides know the transfer.
        token: [u8; TOKEN_LENGTH],
        /// By which they know each other.
        introduction: Option<Introduction>,
        /// Where the owner is, as the tracker sees it.
        address: IpAddr,
        /// Its port for TCP; 0 for none.
        tcp: u16,
        /// Its port for RDT; 0 for none.
        rdt: u16,
    },
    /// A transfer is over.
    Ended {
        /// Which one.
        transfer: u32,
        /// How.
        code: Code,
    },
    /// The session is over, or there is none.
    Bye {
        /// Why.
        code: Code,
    },
    /// A message of this kind is not known.
    Unsupported {
        /// The kind.
        kind: u8,
    },
    /// Both sides have come: what follows on this stream is the other side's.
    Attached,
    /// Are you there?
    Ping,
    /// Yes.
    Pong,
}

/// Writes [`Notice::Came`] with a name in pieces; as [`Notice::emit`].
pub fn emit_came<'p>(
    out: &mut [u8],
    user: u32,
    by_command: bool,
    length: usize,
    name: impl Iterator<Item = &'p [u8]>,
) -> Option<usize> {
    let mut room = Room::begin(out, CAME);
    room.put(&user.to_be_bytes());
    room.put(&[if by_command { BY_COMMAND } else { 0 }, u8::try_from(length).ok()?]);
    for piece in name {
        room.put(piece);
    }
    room.end()
}

/// Writes [`Notice::Shared`] with a name in pieces; as [`Notice::emit`].
pub fn emit_shared<'p>(
    out: &mut [u8],
    file: u32,
    user: u32,
    info: &FileInfo,
    length: usize,
    name: impl Iterator<Item = &'p [u8]>,
) -> Option<usize> {
    let mut room = Room::begin(out, SHARED);
    room.put(&file.to_be_bytes());
    room.put(&user.to_be_bytes());
    info.put(&mut room);
    room.put(&[u8::try_from(length).ok()?]);
    for piece in name {
        room.put(piece);
    }
    room.end()
}

impl<'a> Notice<'a> {
    /// The message of this kind with these fields.
    ///
    /// # Errors
    /// [`Unread`]: it is not known, or breaks the format.
    pub fn parse(kind: u8, fields: &'a [u8]) -> Result<Self, Unread> {
        finished(match kind {
            WELCOME => (byte, byte, word, long, array, short)
                .map(|(version, flags, user, epoch, resume, silence)| Self::Welcome {
                    version,
                    is_fresh: flags & IS_FRESH != 0,
                    user,
                    epoch,
                    resume,
                    silence,
                })
                .parse(fields),
            WAITING => word.map(|place| Self::Waiting { place }).parse(fields),
            CAME => (word, byte, text)
                .map(|(user, flags, name)| Self::Came { user, by_command: flags & BY_COMMAND != 0, name })
                .parse(fields),
            LEFT => word.map(|user| Self::Left { user }).parse(fields),
            SHARED => (word, word, FileInfo::parse, text)
                .map(|(file, user, info, name)| Self::Shared { file, user, info, name })
                .parse(fields),
            UNSHARED => word.map(|file| Self::Unshared { file }).parse(fields),
            UPTO => long.map(|number| Self::Upto { number }).parse(fields),
            DONE => word.map(|tag| Self::Done { tag }).parse(fields),
            FAILED => (word, byte).map(|(tag, code)| Self::Failed { tag, code: code.into() }).parse(fields),
            ASK => (word, Way::parse, array, Introduction::parse, address, text, text)
                .map(|(transfer, way, token, introduction, address, user, name)| Self::Ask {
                    transfer,
                    way,
                    token,
                    introduction,
                    address,
                    user,
                    name,
                })
                .parse(fields),
            GO => (word, word, Way::parse, array, Introduction::parse, address, short, short)
                .map(|(tag, transfer, way, token, introduction, address, tcp, rdt)| Self::Go {
                    tag,
                    transfer,
                    way,
                    token,
                    introduction,
                    address,
                    tcp,
                    rdt,
                })
                .parse(fields),
            ENDED => {
                (word, byte).map(|(transfer, code)| Self::Ended { transfer, code: code.into() }).parse(fields)
            }
            BYE => byte.map(|code| Self::Bye { code: code.into() }).parse(fields),
            UNSUPPORTED => byte.map(|kind| Self::Unsupported { kind }).parse(fields),
            ATTACHED => Ok((fields, Self::Attached)),
            PING => Ok((fields, Self::Ping)),
            PONG => Ok((fields, Self::Pong)),
            _ => return Err(Unread::unknown(kind)),
        })
    }

    /// Writes the message and says how many bytes that took, at most [`super::FRAME_MAX`]. `None`: there is no room.
    pub fn emit(&self, out: &mut [u8]) -> Option<usize> {
        match *self {
            Self::Welcome { version, is_fresh, user, epoch, resume, silence } => {
                let mut room = Room::begin(out, WELCOME);
                room.put(&[version, if is_fresh { IS_FRESH } else { 0 }]);
                room.put(&user.to_be_bytes());
                room.put(&epoch.to_be_bytes());
                room.put(&resume);
                room.put(&silence.to_be_bytes());
                room.end()
            }
            Self::Came { user, by_command, name } => {
                let name = name.as_bytes();
                emit_came(out, user, by_command, name.len(), core::iter::once(name))
            }
            Self::Shared { file, user, ref info, name } => {
                let name = name.as_bytes();
                emit_shared(out, file, user, info, name.len(), core::iter::once(name))
            }
            Self::Waiting { place: word } => emit_word(out, WAITING, word),
            Self::Left { user: word } => emit_word(out, LEFT, word),
            Self::Unshared { file: word } => emit_word(out, UNSHARED, word),
            Self::Done { tag: word } => emit_word(out, DONE, word),
            Self::Upto { number } => {
                let mut room = Room::begin(out, UPTO);
                room.put(&number.to_be_bytes());
                room.end()
            }
            Self::Failed { tag: word, code } => emit_outcome(out, FAILED, word, code),
            Self::Ended { transfer: word, code } => emit_outcome(out, ENDED, word, code),
            Self::Ask { transfer, way, token, ref introduction, address, user, name } => {
                let mut room = Room::begin(out, ASK);
                room.put(&transfer.to_be_bytes());
                room.put(&[way.into()]);
                room.put(&token);
                Introduction::put(introduction.as_ref(), &mut room);
                room.put_address(address);
                room.put_name(user.as_bytes());
                room.put_name(name.as_bytes());
                room.end()
            }
            Self::Go { tag, transfer, way, token, ref introduction, address, tcp, rdt } => {
                let mut room = Room::begin(out, GO);
                room.put(&tag.to_be_bytes());
                room.put(&transfer.to_be_bytes());
                room.put(&[way.into()]);
                room.put(&token);
                Introduction::put(introduction.as_ref(), &mut room);
                room.put_address(address);
                room.put(&tcp.to_be_bytes());
                room.put(&rdt.to_be_bytes());
                room.end()
            }
            Self::Bye { code } => emit_byte(out, BYE, code.into()),
            Self::Unsupported { kind } => emit_byte(out, UNSUPPORTED, kind),
            Self::Attached => Room::begin(out, ATTACHED).end(),
            Self::Ping => Room::begin(out, PING).end(),
            Self::Pong => Room::begin(out, PONG).end(),
        }
    }
}

fn emit_word(out: &mut [u8], kind: u8, word: u32) -> Option<usize> {
    let mut room = Room::begin(out, kind);
    room.put(&word.to_be_bytes());
    room.end()
}

fn emit_byte(out: &mut [u8], kind: u8, byte: u8) -> Option<usize> {
    let mut room = Room::begin(out, kind);
    room.put(&[byte]);
    room.end()
}

fn emit_outcome(out: &mut [u8], kind: u8, word: u32, code: Code) -> Option<usize> {
    let mut room = Room::begin(out, kind);
    room.put(&word.to_be_bytes());
    room.put(&[code.into()]);
    room.end()
}

fn text(bytes: &[u8]) -> IResult<&[u8], Text<'_>, ()> {
    let (rest, bytes) = counted(bytes)?;
    Text::new(bytes).map(|text| (rest, text)).map_err(|_| nom::Err::Error(()))
}
