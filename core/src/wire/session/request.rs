//! What a client says.

use super::{Code, FileInfo, RESUME_LENGTH, Side, TOKEN_LENGTH, Unread, Way, fields::Room, finished};
use crate::wire::field::{array, byte, counted, long, short, word};
use nom::{IResult, Parser};

const LOGIN: u8 = 0x01;
const ATTACH: u8 = 0x02;
const PUBLISH: u8 = 0x03;
const WITHDRAW: u8 = 0x04;
const FETCH: u8 = 0x05;
const READY: u8 = 0x06;
const REFUSE: u8 = 0x07;
const END: u8 = 0x08;
const LOGOUT: u8 = 0x09;
pub(super) const PING: u8 = 0x7e;
pub(super) const PONG: u8 = 0x7f;

const WITHOUT_LIST: u8 = 1;

/// A message from a client. Names in it are just bytes: a bad one is answered, and has to be read for that.
///
/// ```text
/// 01 Login     | version u8 | flags u8 | epoch u64 | number u64 | resume key, 16 | door u16 | name |
/// 02 Attach    | transfer u32 | token, 16 | side u8 |
/// 03 Publish   | tag u32 | file | name |               file: flags u8, length u64, hash if bit 0 of the flags
/// 04 Withdraw  | tag u32 | name |
/// 05 Fetch     | tag u32 | way u8 | owner name | file name |
/// 06 Ready     | transfer u32 | TCP port u16 | RDT port u16 |
/// 07 Refuse    | transfer u32 | code u8 |
/// 08 End       | transfer u32 | code u8 |
/// 09 Logout    |
/// 7e Ping      |
/// 7f Pong      |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Request<'a> {
    /// The first message of a session.
    Login {
        /// The highest version that the client speaks.
        version: u8,
        /// Bit 0 of the flags is not set: the client wants the list of users and files, and its changes.
        wants_list: bool,
        /// Which run of the tracker `number` is of; 0 for a fresh list.
        epoch: u64,
        /// Up to which change the client knows the list.
        number: u64,
        /// From the last `Welcome`: it lets this session take the place of that one. Zeros for none.
        resume: [u8; RESUME_LENGTH],
        /// Where the client serves `GET_FILE` to users who are there by command; 0 for nowhere.
        door: u16,
        /// Who it is.
        name: &'a [u8],
    },
    /// The only message of a relayed stream: what follows the tracker's answer is the other side's.
    Attach {
        /// The transfer.
        transfer: u32,
        /// Its token.
        token: [u8; TOKEN_LENGTH],
        /// Whose end it is.
        side: Side,
    },
    /// The client shares a file, or shares it with another length or content than before.
    Publish {
        /// Chosen by the client, comes back with the answer.
        tag: u32,
        /// The file.
        file: FileInfo,
        /// Its name.
        name: &'a [u8],
    },
    /// The client shares a file no longer.
    Withdraw {
        /// Chosen by the client, comes back with the answer.
        tag: u32,
        /// The name of the file.
        name: &'a [u8],
    },
    /// The client wants a file.
    Fetch {
        /// Chosen by the client, comes back with the answer.
        tag: u32,
        /// How it is to travel.
        way: Way,
        /// Whose it is.
        owner: &'a [u8],
        /// The name of the file.
        name: &'a [u8],
    },
    /// As the owner: the door is open, or the relayed stream is going to be.
    Ready {
        /// The transfer.
        transfer: u32,
        /// Where it takes TCP connections; 0 for nowhere.
        tcp: u16,
        /// Where it takes RDT connections; 0 for nowhere.
        rdt: u16,
    },
    /// As the owner: no.
    Refuse {
        /// The transfer.
        transfer: u32,
        /// Why.
        code: Code,
    },
    /// As either side: the transfer is over.
    End {
        /// The transfer.
        transfer: u32,
        /// How it ended.
        code: Code,
    },
    /// The client leaves.
    Logout,
    /// Are you there?
    Ping,
    /// Yes.
    Pong,
}

impl<'a> Request<'a> {
    /// The message of this kind with these fields.
    ///
    /// # Errors
    /// [`Unread`]: it is not known, or breaks the format.
    pub fn parse(kind: u8, fields: &'a [u8]) -> Result<Self, Unread> {
        finished(match kind {
            LOGIN => login(fields),
            ATTACH => (word, array, Side::parse)
                .map(|(transfer, token, side)| Self::Attach { transfer, token, side })
                .parse(fields),
            PUBLISH => (word, FileInfo::parse, counted)
                .map(|(tag, file, name)| Self::Publish { tag, file, name })
                .parse(fields),
            WITHDRAW => (word, counted).map(|(tag, name)| Self::Withdraw { tag, name }).parse(fields),
            FETCH => (word, Way::parse, counted, counted)
                .map(|(tag, way, owner, name)| Self::Fetch { tag, way, owner, name })
                .parse(fields),
            READY => (word, short, short)
                .map(|(transfer, tcp, rdt)| Self::Ready { transfer, tcp, rdt })
                .parse(fields),
            REFUSE => (word, byte)
                .map(|(transfer, code)| Self::Refuse { transfer, code: code.into() })
                .parse(fields),
            END => {
                (word, byte).map(|(transfer, code)| Self::End { transfer, code: code.into() }).parse(fields)
            }
            LOGOUT => Ok((fields, Self::Logout)),
            PING => Ok((fields, Self::Ping)),
            PONG => Ok((fields, Self::Pong)),
            _ => return Err(Unread::unknown(kind)),
        })
    }

    /// Writes the message and says how many bytes that took, at most [`super::FRAME_MAX`]. `None`: there is no
    /// room, or its names are too long for one message.
    pub fn emit(&self, out: &mut [u8]) -> Option<usize> {
        let mut room = Room::begin(out, self.kind());
        match *self {
            Self::Login { version, wants_list, epoch, number, resume, door, name } => {
                room.put(&[version, if wants_list { 0 } else { WITHOUT_LIST }]);
                room.put(&epoch.to_be_bytes());
                room.put(&number.to_be_bytes());
                room.put(&resume);
                room.put(&door.to_be_bytes());
                room.put_name(name);
            }
            Self::Attach { transfer, token, side } => {
                room.put(&transfer.to_be_bytes());
                room.put(&token);
                room.put(&[side.into()]);
            }
            Self::Publish { tag, file, name } => {
                room.put(&tag.to_be_bytes());
                file.put(&mut room);
                room.put_name(name);
            }
            Self::Withdraw { tag, name } => {
                room.put(&tag.to_be_bytes());
                room.put_name(name);
            }
            Self::Fetch { tag, way, owner, name } => {
                room.put(&tag.to_be_bytes());
                room.put(&[way.into()]);
                room.put_name(owner);
                room.put_name(name);
            }
            Self::Ready { transfer, tcp, rdt } => {
                room.put(&transfer.to_be_bytes());
                room.put(&tcp.to_be_bytes());
                room.put(&rdt.to_be_bytes());
            }
            Self::Refuse { transfer, code } | Self::End { transfer, code } => {
                room.put(&transfer.to_be_bytes());
                room.put(&[code.into()]);
            }
            Self::Logout | Self::Ping | Self::Pong => {}
        }
        room.end()
    }

    const fn kind(&self) -> u8 {
        match self {
            Self::Login { .. } => LOGIN,
            Self::Attach { .. } => ATTACH,
            Self::Publish { .. } => PUBLISH,
            Self::Withdraw { .. } => WITHDRAW,
            Self::Fetch { .. } => FETCH,
            Self::Ready { .. } => READY,
            Self::Refuse { .. } => REFUSE,
            Self::End { .. } => END,
            Self::Logout => LOGOUT,
            Self::Ping => PING,
            Self::Pong => PONG,
        }
    }
}

fn login(fields: &[u8]) -> IResult<&[u8], Request<'_>, ()> {
    (byte, byte, long, long, array, short, counted)
        .map(|(version, flags, epoch, number, resume, door, name)| Request::Login {
            version,
            wants_list: flags & WITHOUT_LIST == 0,
            epoch,
            number,
            resume,
            door,
            name,
        })
        .parse(fields)
}
