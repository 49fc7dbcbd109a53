//! What comes on a stream over TCP: for the machine, into a file, and the end.

use crate::{
    driver::{Carrier, Driver, Storage, Subject},
    net::tcp::UNTAKEN_MAX,
};
use skep_core::{
    Instant,
    stream::{Closed, Fault, Service, StreamId},
};
use std::io;

impl<S: Service<Event: Subject>, F: Storage> Driver<S, F> {
    /// Reads a portion. Whether more may follow at once.
    pub(super) fn drain(&mut self, now: Instant, key: usize, portion: &mut [u8]) -> io::Result<bool> {
        let Some(stream) = self.streams.get_mut(key) else { return Ok(false) };
        if stream.is_splicing() {
            self.drain_spliced(now, key, portion)
        } else if stream.is_receiving() {
            self.drain_to_file(now, key, portion)
        } else {
            self.offer(now, key, portion)
        }
    }

    /// Moves content from the socket into its file.
    fn drain_to_file(&mut self, now: Instant, key: usize, portion: &mut [u8]) -> io::Result<bool> {
        let Some(stream) = self.streams.get_mut(key) else { return Ok(false) };
        let Some(&mut content) = stream.receiving() else { return Ok(false) };
        let Carrier::Tcp(tcp) = &mut stream.carrier else { return Ok(false) };
        let most = content.left.unwrap_or(u64::MAX).min(portion.len() as u64) as usize;
        let bytes: &[u8] = if most == 0 {
            &[]
        } else if tcp.untaken.is_empty() {
            if !tcp.has_input() && !tcp.ended {
                return Ok(false);
            }
            // Records come whole: what they hold beyond the content is kept.
            let room = if tcp.records.is_some() { portion.len() } else { most };
            let Some(count) = tcp.read(portion, room)? else { return Ok(false) };
            if count > most {
                tcp.untaken.extend_from_slice(&portion[most..count]);
            }
            &portion[..count.min(most)]
        } else {
            let count = most.min(tcp.untaken.len());
            portion[..count].copy_from_slice(&tcp.untaken[..count]);
            tcp.untaken.drain(..count);
            &portion[..count]
        };
        if bytes.is_empty() && most > 0 {
            self.end_receiving(now, key);
            self.act(now);
            return Ok(true);
        }
        let written = self.files.part(content.file).ok_or(Fault::Failed);
        let outcome = written.and_then(|part| part.write_at(bytes, content.offset));
        let count = bytes.len() as u64;
        stream.advance(count);
        let left = content.left.map(|left| left - count);
        if let Some(receiving) = stream.receiving() {
            receiving.offset += count;
            receiving.left = left;
        }
        if outcome.is_err() || left == Some(0) {
            stream.take_receiving();
            self.service.moved(now, StreamId(key as u32), outcome);
            self.act(now);
        }
        Ok(true)
    }

    /// Offers bytes to the machine.
    fn offer(&mut self, now: Instant, key: usize, portion: &mut [u8]) -> io::Result<bool> {
        let Some(tcp) = self.tcp(key) else { return Ok(false) };
        let before = tcp.untaken.len();
        portion[..before].copy_from_slice(&tcp.untaken);
        // To discard, or to receive, more is read at once; what is not taken must be kept.
        let mut count = before;
        if before < UNTAKEN_MAX && tcp.has_input() && !tcp.ended {
            count += tcp.read(&mut portion[before..], UNTAKEN_MAX - before)?.unwrap_or(0);
        }
        let ended = tcp.ended;
        let mut taken = 0;
        if count > 0 {
            taken = self.service.received(now, StreamId(key as u32), &portion[..count]).min(count);
            if let Some(tcp) = self.tcp(key) {
                tcp.untaken.clear();
                tcp.untaken.extend_from_slice(&portion[taken..count]);
                if tcp.untaken.is_empty() {
                    tcp.untaken = Vec::new();
                }
            }
            self.act(now);
        }
        if ended {
            self.tell_end(now, key);
        }
        Ok(taken > 0 || count > before)
    }

    /// The peer has finished, and the machine has seen everything before that.
    fn tell_end(&mut self, now: Instant, key: usize) {
        let Some(stream) =
            self.streams.get_mut(key).filter(|stream| !stream.is_receiving() && !stream.is_splicing())
        else {
            return;
        };
        if !std::mem::replace(&mut stream.told_end, true) {
            self.service.finished(now, StreamId(key as u32));
            self.act(now);
            self.activate(key);
        }
        self.check_end(now, key);
    }

    /// Closes a stream whose two directions are finished.
    pub(in crate::driver) fn check_end(&mut self, now: Instant, key: usize) {
        let Some(stream) = self.streams.get(key) else { return };
        if let Carrier::Tcp(tcp) = &stream.carrier
            && tcp.finished
            && stream.told_end
            && !stream.is_receiving()
            && !stream.is_splicing()
        {
            let how = if tcp.untaken.is_empty() { Closed::Done } else { Closed::Broken };
            self.close(now, key, how, None);
        }
    }
}
