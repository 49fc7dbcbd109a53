//! Two endpoints in memory, and a network between them that takes no time and loses nothing.

use skep_core::{
    Instant,
    rdt::{ConnectionId, Endpoint, Event, Fixed, Incoming, Language, Output, Settings, Transmit},
    stream::FileId,
    wire::rdt::Terms,
};
use std::{net::SocketAddr, time::Duration};

const FILE: FileId = FileId(0);

/// Room for the largest window that is measured.
type End = Endpoint<Fixed<1, 256>>;

/// A connection from one endpoint to another. Content goes the way that it goes in a program, from the source into
/// datagrams and out of them into the store, but for the sockets.
#[derive(Debug)]
pub struct Pair {
    caller: End,
    called: End,
    /// The connection at both ends.
    ends: (ConnectionId, ConnectionId),
    now: Instant,
    room: Vec<u8>,
    source: Vec<u8>,
    store: Vec<u8>,
}

impl Pair {
    /// A connection with this window, of skep's own kind, that transfers up to `length` bytes at a time.
    ///
    /// # Panics
    /// When the two do not connect.
    pub fn new(window: u32, length: usize) -> Self {
        let terms = Terms { window, ..Settings::HOST.terms };
        let settings = Settings { terms, window, ..Settings::HOST };
        let (mut caller, mut called) = (end(settings, 1), end(settings, 2));
        let mut now = Instant::from_micros(1);
        let mut room = vec![0; 64 << 10];
        let ours = caller.connect(now, address(2), Language::Own).expect("there is room");
        let theirs = loop {
            now = now + Duration::from_micros(1);
            exchange(now, &mut caller, &mut called, &mut room);
            if let Some((theirs, _)) = called.accept(now) {
                break theirs;
            }
        };
        while !exchange(now, &mut called, &mut caller, &mut room) {}
        let source = (0..length).map(|place| place as u8).collect();
        Self { caller, called, ends: (ours, theirs), now, room, source, store: vec![0; length] }
    }

    /// Transfers all the bytes once.
    ///
    /// # Panics
    /// When the connection breaks.
    pub fn transfer(&mut self) {
        let (ours, theirs) = self.ends;
        let length = self.source.len() as u64;
        self.called.receive(theirs, FILE, 0, length);
        assert!(self.caller.send(ours, FILE, 0, length), "there is room for a range");
        loop {
            // Half a round trip.
            self.now = self.now + Duration::from_micros(10);
            let sent = self.forth();
            self.now = self.now + Duration::from_micros(10);
            self.back();
            if sent {
                return;
            }
        }
    }

    /// Polls the caller until it waits. Whether it has sent all.
    fn forth(&mut self) -> bool {
        let mut is_sent = false;
        loop {
            match self.caller.poll(self.now, &mut self.room) {
                Output::Transmit(mut transmit) => {
                    load(&mut transmit, &self.source);
                    for datagram in transmit.bytes.chunks(transmit.size) {
                        let incoming = self.called.handle(self.now, address(1), datagram);
                        if let Ok(Some(Incoming::Store { ticket, offset, bytes, .. })) = incoming {
                            self.store[offset as usize..][..bytes.len()].copy_from_slice(bytes);
                            self.called.stored(&ticket);
                        }
                    }
                }
                Output::Event(Event::Sent(_)) => is_sent = true,
                Output::Event(event) => assert!(!matches!(event, Event::Closed(..)), "{event:?}"),
                Output::Wait(_) => return is_sent,
            }
        }
    }

    /// Brings the acknowledgements back.
    fn back(&mut self) {
        exchange(self.now, &mut self.called, &mut self.caller, &mut self.room);
    }
}

/// Polls one side until it waits, and gives the other what it sends. Whether that was nothing.
fn exchange(now: Instant, from: &mut End, to: &mut End, room: &mut [u8]) -> bool {
    let mut is_silent = true;
    loop {
        match from.poll(now, room) {
            Output::Transmit(transmit) => {
                is_silent = false;
                let sender = address(if transmit.to == address(1) { 2 } else { 1 });
                for datagram in transmit.bytes.chunks(transmit.size) {
                    // Whatever it is, it is no content: that goes forth.
                    _ = to.handle(now, sender, datagram);
                }
            }
            Output::Event(_) => {}
            Output::Wait(_) => return is_silent,
        }
    }
}

/// Copies the content into datagrams.
fn load(transmit: &mut Transmit<'_>, source: &[u8]) {
    let Some(load) = transmit.load else { return };
    let mut rest = &source[load.offset as usize..][..load.length];
    for datagram in transmit.bytes.chunks_mut(transmit.size) {
        let body = &mut datagram[load.header..];
        let (now, later) = rest.split_at(body.len());
        body.copy_from_slice(now);
        rest = later;
    }
}

fn end(settings: Settings, seed: u64) -> End {
    let (connections, index, replies) = Default::default();
    Endpoint::new(settings, seed, connections, index, replies)
}

fn address(number: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, number], 7))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_stores_what_it_sends_again_and_again() {
        for window in [1, 16, 256] {
            let mut pair = Pair::new(window, 100_000);
            for _ in 0..3 {
                pair.store.fill(0);
                pair.transfer();
                assert_eq!(pair.store, pair.source);
            }
        }
    }
}
