//! The sealed transport on a TCP connection: the handshake, and records in place of bytes.

use crate::provider::HostProvider;
use skep_core::{
    seal::{
        greeting::{Directions, Hail},
        layer::Call,
        record::{FRONT, OVERHEAD, Opened, Opener},
    },
    wire::{
        seal::{Hello, Reply},
        session::FRAME_MAX,
    },
};
use std::io;

/// Text in a record that is sent: eight records fill a portion.
pub(crate) const TEXT: usize = (32 << 10) - OVERHEAD;

/// The largest record that is taken, in bytes of ciphertext and tag.
pub(crate) const LARGEST: u16 = skep_core::seal::record::HOST_LARGEST;

/// Where a connection stands.
pub(crate) enum Phase {
    /// A tracker is to join us to the other side of a transfer, whom we call then, or who calls us.
    Attaching(Option<Box<Call>>),
    /// It did not take us for one of its sides.
    TurnedAway,
    /// We called: REPLY is to come.
    Calling(Box<Hail<HostProvider>>),
    /// HELLO is to come.
    Listening,
    /// Records go both ways.
    Open(Box<Directions<HostProvider>>),
}

/// What a sealed connection keeps besides what a plain one does.
pub(crate) struct Records {
    pub(crate) phase: Phase,
    /// Bytes of a record, or of a handshake's message, that is not complete.
    wire: Vec<u8>,
    /// Opened, and not yet read.
    text: Vec<u8>,
    /// The peer's last record has come.
    ended: bool,
    /// Our last record was sealed.
    pub(crate) finished: bool,
}

impl Records {
    pub(crate) const fn new(phase: Phase) -> Self {
        Self { phase, wire: Vec::new(), text: Vec::new(), ended: false, finished: false }
    }

    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open(_))
    }

    pub(crate) const fn is_attaching(&self) -> bool {
        matches!(self.phase, Phase::Attaching(_))
    }

    /// Whether something was opened that was not read.
    pub(crate) fn has_text(&self) -> bool {
        !self.text.is_empty()
    }

    /// The peer's message of the handshake, once it is complete. `read` reads into what it is given, `None` when there
    /// is nothing now.
    pub(crate) fn message(
        &mut self,
        mut read: impl FnMut(&mut [u8]) -> io::Result<Option<usize>>,
    ) -> io::Result<Option<Vec<u8>>> {
        loop {
            let needed = match self.phase {
                Phase::Attaching(_) => message_of_session(&self.wire),
                Phase::Listening => Hello::needed(&self.wire),
                _ => Reply::needed(&self.wire),
            };
            let needed = needed
                .ok_or_else(|| io::Error::other("the other side does not speak skep's sealed transport"))?;
            if needed <= self.wire.len() {
                return Ok(Some(std::mem::take(&mut self.wire)));
            }
            let before = self.wire.len();
            // No byte more than the message: what follows is a record.
            self.wire.resize(needed, 0);
            let count = read(&mut self.wire[before..]);
            self.wire.truncate(before + count.as_ref().ok().copied().flatten().unwrap_or(0));
            match count? {
                None => return Ok(None),
                Some(0) => {
                    return Err(io::Error::other("the other side closed the connection without a word"));
                }
                Some(_) => {}
            }
        }
    }

    /// Takes a message back: it is to be looked at again.
    pub(crate) fn unread(&mut self, message: Vec<u8>) {
        self.wire = message;
    }

    /// Reads at most `most` bytes of text into the beginning of `room`, which has to have room for a record and a byte;
    /// `None` when there is nothing now. 0 is the end, and the peer meant it.
    pub(crate) fn read(
        &mut self,
        room: &mut [u8],
        most: usize,
        mut read: impl FnMut(&mut [u8]) -> io::Result<Option<usize>>,
    ) -> io::Result<Option<usize>> {
        loop {
            if !self.text.is_empty() {
                let count = most.min(room.len()).min(self.text.len());
                room[..count].copy_from_slice(&self.text[..count]);
                self.text.drain(..count);
                if self.text.is_empty() {
                    self.text = Vec::new();
                }
                return Ok(Some(count));
            }
            if self.ended {
                return Ok(Some(0));
            }
            let Phase::Open(directions) = &mut self.phase else { return Ok(None) };
            let opener = &mut directions.1;
            // What is more than a record is not read, unless it is asked for: it would have to be kept.
            let end = most.max(opener.room() + 1).min(room.len());
            let target = &mut room[..end];
            let before = self.wire.len();
            target[..before].copy_from_slice(&self.wire);
            let Some(count) = read(&mut target[before..])? else { return Ok(None) };
            if count == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was cut off"));
            }
            let length = before + count;
            let (text, used) = open(opener, &mut target[..length], &mut self.ended)?;
            self.wire.clear();
            self.wire.extend_from_slice(&target[used..length]);
            if text > 0 {
                let count = text.min(most);
                self.text.extend_from_slice(&target[count..text]);
                return Ok(Some(count));
            }
        }
    }

    /// Seals a message; what goes on the wire.
    pub(crate) fn seal(&mut self, text: &[u8]) -> io::Result<Vec<u8>> {
        let Phase::Open(directions) = &mut self.phase else { return Err(io::ErrorKind::NotConnected.into()) };
        let most = directions.0.text_max().min(TEXT);
        let mut wire = Vec::with_capacity(text.len() + OVERHEAD);
        for text in text.chunks(most) {
            let start = wire.len();
            wire.resize(start + FRONT, 0);
            wire.extend_from_slice(text);
            wire.resize(start + text.len() + OVERHEAD, 0);
            directions.0.seal(&mut wire[start..]).map_err(io::Error::other)?;
        }
        Ok(wire)
    }

    /// How much text a record takes that goes to this peer.
    pub(crate) fn text_max(&self) -> usize {
        match &self.phase {
            Phase::Open(directions) => directions.0.text_max().min(TEXT),
            _ => TEXT,
        }
    }

    /// Seals records that stand back to back, each of `size` bytes but the last.
    pub(crate) fn seal_all(&mut self, records: &mut [u8], size: usize) -> io::Result<()> {
        let Phase::Open(directions) = &mut self.phase else { return Err(io::ErrorKind::NotConnected.into()) };
        records.chunks_mut(size).try_for_each(|record| directions.0.seal(record)).map_err(io::Error::other)
    }

    /// The record that says that we have finished.
    pub(crate) fn end(&mut self) -> io::Result<Vec<u8>> {
        let Phase::Open(directions) = &mut self.phase else { return Err(io::ErrorKind::NotConnected.into()) };
        self.finished = true;
        directions.0.end().map(|record| record.to_vec()).map_err(io::Error::other)
    }
}

/// Opens the complete records in `buffer` and moves their text together at its start: how much text there is, and how
/// many bytes of records are used up.
fn open(
    opener: &mut Opener<HostProvider>,
    buffer: &mut [u8],
    ended: &mut bool,
) -> io::Result<(usize, usize)> {
    let (mut text, mut used) = (0, 0);
    while !*ended {
        let needed = opener.needed(&buffer[used..]).map_err(io::Error::other)?;
        if needed > buffer.len() - used {
            break;
        }
        let length = match opener.open(&mut buffer[used..used + needed]).map_err(io::Error::other)? {
            Opened::Text(opened) => opened.len(),
            Opened::End => {
                *ended = true;
                0
            }
        };
        buffer.copy_within(used + FRONT..used + FRONT + length, text);
        text += length;
        used += needed;
    }
    Ok((text, used))
}

/// How many bytes there must be before a message of section 5 is whole, as far as can be told yet. `None`: it would be longer
/// than any may be.
fn message_of_session(wire: &[u8]) -> Option<usize> {
    match wire {
        [high, low, ..] => {
            Some(2 + usize::from(u16::from_be_bytes([*high, *low]))).filter(|length| *length <= FRAME_MAX)
        }
        _ => Some(2),
    }
}

impl std::fmt::Debug for Records {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Records").field("open", &self.is_open()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_for_a_message_than_any_may_have() {
        for (length, is_taken) in [(FRAME_MAX - 2, true), (FRAME_MAX - 1, false), (0xffff, false)] {
            let mut records = Records::new(Phase::Attaching(None));
            let mut largest = 0;
            let outcome = records.message(|room| {
                largest = largest.max(room.len());
                if room.len() == 2 {
                    room.copy_from_slice(&(length as u16).to_be_bytes());
                }
                Ok(Some(room.len()))
            });
            assert_eq!(
                outcome.is_ok_and(|message| message.unwrap().len() == length + 2),
                is_taken,
                "{length}"
            );
            assert!(largest <= FRAME_MAX, "{largest}");
        }
    }
}
