//! What leaves on a stream over TCP: bytes, ranges of files, the end.

use crate::{
    driver::{Carrier, Driver, Storage, Stream, Subject},
    net::tcp::{Bytes, Outbound},
};
use skep_core::{
    Instant,
    seal::{
        TAG_LENGTH,
        record::{FRONT, OVERHEAD},
    },
    stream::{Fault, FileId, Service, StreamId},
};
use std::{
    collections::VecDeque,
    io::{self, IoSliceMut},
};

impl<S: Service<Event: Subject>, F: Storage> Driver<S, F> {
    /// Writes a portion. Whether more may follow at once.
    pub(in crate::driver) fn flush(
        &mut self,
        now: Instant,
        key: usize,
        portion: &mut [u8],
    ) -> io::Result<bool> {
        let Some(tcp) = self.tcp(key).filter(|tcp| tcp.writable) else { return Ok(false) };
        let is_sealed = tcp.records.is_some();
        match tcp.outbound.pop_front() {
            None => Ok(false),
            Some(Outbound::Bytes(bytes)) => self.flush_bytes(now, key, bytes),
            Some(Outbound::Range { file, offset, left }) if is_sealed => {
                self.flush_sealed(now, key, (file, offset, left), portion)
            }
            Some(Outbound::Range { file, offset, left }) => {
                self.flush_plain(now, key, (file, offset, left), portion)
            }
            Some(Outbound::Finish) => self.flush_end(now, key),
        }
    }

    /// Writes bytes, as records where the stream is sealed.
    fn flush_bytes(&mut self, now: Instant, key: usize, mut left: Bytes) -> io::Result<bool> {
        let Some(tcp) = self.tcp(key) else { return Ok(false) };
        if let Some(records) = tcp.records.as_mut().filter(|_| !left.sealed) {
            left.bytes = records.seal(&left.bytes)?;
            left.sealed = true;
        }
        let count = tcp.write(&left.bytes[left.written..])?.unwrap_or(0);
        left.written += count;
        if count > 0 {
            tcp.seen.1 = now;
        }
        if left.written < left.bytes.len() {
            tcp.outbound.push_front(Outbound::Bytes(left));
            return Ok(true);
        }
        if tcp.outbound.is_empty() {
            // It is the last for a while, mostly.
            tcp.outbound = VecDeque::new();
        }
        if left.told {
            self.service.flushed(now, StreamId(key as u32));
            self.act(now);
        }
        Ok(true)
    }

    /// Writes a portion of a file as it is.
    fn flush_plain(
        &mut self,
        now: Instant,
        key: usize,
        (file, offset, left): (FileId, u64, u64),
        portion: &mut [u8],
    ) -> io::Result<bool> {
        let Some(Stream { carrier: Carrier::Tcp(tcp), .. }) = self.streams.get_mut(key) else {
            return Ok(false);
        };
        let count = left.min(portion.len() as u64) as usize;
        let bytes = &mut portion[..count];
        // Only what was read before a change of the file may leave: read, look, write.
        let read = self.files.source(file).ok_or(Fault::Failed);
        let read = read.and_then(|source| source.read_at(bytes, offset).and_then(|()| source.unchanged()));
        if let Err(fault) = read {
            self.service.moved(now, StreamId(key as u32), Err(fault));
            self.act(now);
            return Ok(true);
        }
        let written = tcp.write(bytes)?.unwrap_or(0) as u64;
        tcp.moved += written;
        let left = left - written;
        if left > 0 {
            tcp.outbound.push_front(Outbound::Range { file, offset: offset + written, left });
        } else {
            self.service.moved(now, StreamId(key as u32), Ok(()));
            self.act(now);
        }
        Ok(true)
    }

    /// Writes a portion of a file as records. What the socket does not take of them is kept: it cannot be sealed again.
    fn flush_sealed(
        &mut self,
        now: Instant,
        key: usize,
        (file, offset, left): (FileId, u64, u64),
        portion: &mut [u8],
    ) -> io::Result<bool> {
        let Some(Stream { carrier: Carrier::Tcp(tcp), .. }) = self.streams.get_mut(key) else {
            return Ok(false);
        };
        let Some(records) = &mut tcp.records else { return Ok(false) };
        let text = records.text_max();
        let size = text + OVERHEAD;
        let count = left.min((portion.len() / size * text) as u64);
        let length = count as usize + (count as usize).div_ceil(text) * OVERHEAD;
        let wire = &mut portion[..length];
        let read = self.files.source(file).ok_or(Fault::Failed).and_then(|source| {
            let mut gaps: Vec<_> = wire
                .chunks_mut(size)
                .map(|record| {
                    let end = record.len() - TAG_LENGTH;
                    IoSliceMut::new(&mut record[FRONT..end])
                })
                .collect();
            source.read_vectored_at(&mut gaps, offset)?;
            source.unchanged()
        });
        if let Err(fault) = read {
            self.service.moved(now, StreamId(key as u32), Err(fault));
            self.act(now);
            return Ok(true);
        }
        records.seal_all(wire, size)?;
        let written = tcp.write(wire)?.unwrap_or(0);
        tcp.moved += count;
        let left = left - count;
        if left > 0 {
            tcp.outbound.push_front(Outbound::Range { file, offset: offset + count, left });
        }
        if written < length {
            tcp.outbound.push_front(Bytes::own(wire[written..].to_vec()));
        }
        if left == 0 {
            self.service.moved(now, StreamId(key as u32), Ok(()));
            self.act(now);
        }
        Ok(true)
    }

    /// Finishes our direction; where it is sealed, its end is told in a record first.
    fn flush_end(&mut self, now: Instant, key: usize) -> io::Result<bool> {
        let Some(tcp) = self.tcp(key) else { return Ok(false) };
        if let Some(records) = tcp.records.as_mut().filter(|records| !records.finished) {
            let end = records.end()?;
            tcp.outbound.push_front(Outbound::Finish);
            tcp.outbound.push_front(Bytes::own(end));
            return Ok(true);
        }
        if !tcp.wire.finish() {
            tcp.outbound.push_front(Outbound::Finish);
            return Ok(false);
        }
        tcp.finished = true;
        self.check_end(now, key);
        Ok(true)
    }
}
