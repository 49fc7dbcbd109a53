//! Streams over TCP: accepting, reading, writing.

use super::{Carrier, Driver, FIRST, PORTIONS_A_TURN, Sealed, Storage, Stream, Subject};
use crate::exit::reason;
use crate::net::{
    records::{Phase, Records},
    tcp::{Bytes, Outbound, Tcp, UNTAKEN_MAX},
    wire::Wire,
};
use mio::{
    Interest, Token,
    net::{TcpListener, TcpStream},
};
use skep_core::{
    Instant,
    seal::{
        TAG_LENGTH,
        record::{FRONT, OVERHEAD},
    },
    stream::{Closed, Fault, FileId, Service, StreamId},
};
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    collections::VecDeque,
    io::{self, IoSliceMut},
    net::SocketAddr,
    time::Duration,
};

/// New connections that the system keeps for a listener.
const BACKLOG: i32 = 4_096;

/// Bytes moved at once between a socket and a file.
const PORTION: usize = 256 << 10;

/// New connections taken at once from one listener.
const ACCEPTS_A_TURN: usize = 256;

/// How long a listener rests after it could not accept, for example for want of file descriptors.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// A listening socket. `[::]` takes IPv4 too.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // A restarted server gets its port at once; on Windows the option means something else.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

impl<S: Service<Event: Subject>, F: Storage> Driver<S, F> {
    pub(super) fn add_tcp(
        &mut self,
        socket: TcpStream,
        peer: SocketAddr,
        connecting: bool,
        records: Option<Records>,
    ) -> io::Result<StreamId> {
        let tcp = Tcp::new(self.now(), Wire::Socket(socket), peer, connecting, records);
        let key = self.add_stream(Carrier::Tcp(Box::new(tcp)));
        let token = Token(FIRST + (key << 2) + 2);
        if let Some(Stream { carrier: Carrier::Tcp(tcp), .. }) = self.streams.get_mut(key)
            && let Wire::Socket(socket) = &mut tcp.wire
        {
            let interest = Interest::READABLE | Interest::WRITABLE;
            if let Err(error) = self.poll.registry().register(socket, token, interest) {
                self.streams.remove(key);
                return Err(error);
            }
            tcp.writable = !connecting;
            tcp.readable = !connecting;
        }
        Ok(StreamId(key as u32))
    }

    pub(super) fn accept(&mut self, now: Instant) {
        for index in 0..self.listeners.len() {
            let listener = &mut self.listeners[index];
            if !listener.ready || listener.rests.is_some_and(|until| until > now) {
                continue;
            }
            listener.rests = None;
            for _ in 0..ACCEPTS_A_TURN {
                let listener = &mut self.listeners[index];
                match listener.socket.accept() {
                    Ok((socket, peer)) => {
                        let (label, sealed) = (listener.label, listener.sealed);
                        self.take(now, socket, peer, label, sealed);
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        listener.ready = false;
                        break;
                    }
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                    Err(_) => {
                        listener.rests = Some(now + ACCEPT_REST);
                        break;
                    }
                }
            }
        }
    }

    fn take(&mut self, now: Instant, socket: TcpStream, peer: SocketAddr, label: usize, sealed: Sealed) {
        let records = (sealed != Sealed::No).then(|| Records::new(Phase::Listening));
        let Ok(StreamId(key)) = self.add_tcp(socket, peer, false, records) else { return };
        let key = key as usize;
        if let Some(stream) = self.streams.get_mut(key) {
            stream.label = Some(label as u16);
            if let Carrier::Tcp(tcp) = &mut stream.carrier {
                tcp.undecided = matches!(sealed, Sealed::But { .. });
            }
        }
        let goes_on = if sealed == Sealed::No {
            self.open_and_act(now, key, None)
        } else {
            self.expect(now, key, peer)
        };
        if goes_on {
            self.activate(key);
        }
    }

    /// A sealed connection has a handshake before it. `false`: there is no room for that, and the connection is gone.
    fn expect(&mut self, now: Instant, key: usize, peer: SocketAddr) -> bool {
        let entered = self.handshakes.enter(now, key, peer.ip());
        let gone = match entered {
            Ok(displaced) => displaced,
            Err(()) => Some(key),
        };
        if let Some(gone) = gone {
            self.abort_stream(now, StreamId(gone as u32), Some("too many handshakes".into()));
        }
        entered.is_ok()
    }

    /// Moves what there is to move on a TCP stream, for one turn.
    pub(super) fn pump_tcp(&mut self, now: Instant, key: usize) {
        let mut portion = std::mem::take(&mut self.portion);
        portion.resize(PORTION, 0);
        let outcome = self.pump(now, key, &mut portion);
        self.portion = portion;
        self.pump_tunnel(key);
        if let Err(error) = outcome {
            self.close(now, key, Closed::Broken, Some(reason(&error)));
        }
    }

    pub(super) fn tcp(&mut self, key: usize) -> Option<&mut Tcp> {
        match &mut self.streams.get_mut(key)?.carrier {
            Carrier::Tcp(tcp) => Some(tcp),
            Carrier::Rdt { .. } => None,
        }
    }

    fn pump(&mut self, now: Instant, key: usize, portion: &mut [u8]) -> io::Result<()> {
        let Some(tcp) = self.tcp(key) else { return Ok(()) };
        if tcp.connecting {
            if !tcp.writable {
                return Ok(());
            }
            if !tcp.wire.is_connected()? {
                return Ok(());
            }
            tcp.connecting = false;
            tcp.readable = true;
            if tcp.is_ready() && !self.open_and_act(now, key, None) {
                return Ok(());
            }
        }
        if self.tcp(key).is_some_and(|tcp| !tcp.is_ready()) && !self.shake_hands(now, key, portion)? {
            return Ok(());
        }
        for _ in 0..PORTIONS_A_TURN {
            let wrote = self.flush(now, key, portion)?;
            if self.tcp(key).is_some_and(|tcp| tcp.is_free()) {
                self.wake_feeder(key);
            }
            let read = self.drain(now, key, portion)?;
            if !wrote && !read {
                return Ok(());
            }
        }
        self.activate(key);
        Ok(())
    }

    /// Writes a portion. Whether more may follow at once.
    pub(super) fn flush(&mut self, now: Instant, key: usize, portion: &mut [u8]) -> io::Result<bool> {
        let Some(Stream { carrier: Carrier::Tcp(tcp), moved, .. }) = self.streams.get_mut(key) else {
            return Ok(false);
        };
        if !tcp.writable {
            return Ok(false);
        }
        let Some(outbound) = tcp.outbound.pop_front() else { return Ok(false) };
        match outbound {
            Outbound::Bytes(mut left) => {
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
                } else {
                    if tcp.outbound.is_empty() {
                        // It is the last for a while, mostly.
                        tcp.outbound = VecDeque::new();
                    }
                    if left.told {
                        self.service.flushed(now, StreamId(key as u32));
                        self.act(now);
                    }
                }
            }
            Outbound::Range { file, offset, left } if tcp.records.is_some() => {
                return self.flush_sealed(now, key, (file, offset, left), portion);
            }
            Outbound::Range { file, offset, left } => {
                let count = left.min(portion.len() as u64) as usize;
                let bytes = &mut portion[..count];
                // Only what was read before a change of the file may leave: read, look, write.
                let read = self.files.source(file).ok_or(Fault::Failed);
                let read =
                    read.and_then(|source| source.read_at(bytes, offset).and_then(|()| source.unchanged()));
                if let Err(fault) = read {
                    self.service.moved(now, StreamId(key as u32), Err(fault));
                    self.act(now);
                    return Ok(true);
                }
                let written = tcp.write(bytes)?.unwrap_or(0) as u64;
                *moved += written;
                let left = left - written;
                if left > 0 {
                    tcp.outbound.push_front(Outbound::Range { file, offset: offset + written, left });
                } else {
                    self.service.moved(now, StreamId(key as u32), Ok(()));
                    self.act(now);
                }
            }
            Outbound::Finish if tcp.records.as_ref().is_some_and(|records| !records.finished) => {
                if let Some(records) = &mut tcp.records {
                    let end = records.end()?;
                    tcp.outbound.push_front(Outbound::Finish);
                    tcp.outbound.push_front(Bytes::own(end));
                }
            }
            Outbound::Finish => {
                if !tcp.wire.finish() {
                    tcp.outbound.push_front(Outbound::Finish);
                    return Ok(false);
                }
                tcp.finished = true;
                self.check_end(now, key);
            }
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
        let Some(Stream { carrier: Carrier::Tcp(tcp), moved, .. }) = self.streams.get_mut(key) else {
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
        *moved += count;
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

    /// Reads a portion. Whether more may follow at once.
    fn drain(&mut self, now: Instant, key: usize, portion: &mut [u8]) -> io::Result<bool> {
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
            let Some(count) = tcp.read(&mut portion[..room])? else { return Ok(false) };
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
        stream.moved += count;
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
            count += tcp.read(&mut portion[before..UNTAKEN_MAX])?.unwrap_or(0);
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
    pub(super) fn check_end(&mut self, now: Instant, key: usize) {
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
