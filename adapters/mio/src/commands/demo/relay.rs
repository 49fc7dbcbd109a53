//! A network in a box: a relay that delays packets and loses some.
//!
//! ```text
//!   socket ──► receiver ── lost? ──► queue ──► sender, when the time has come ──► the same socket
//! ```

use super::{ANY, TICK};
use crate::args::Demo;
use socket2::SockRef;
use std::{
    io,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Packets that may be under way; more are lost, as in every router.
const QUEUE: usize = 16_384;

/// What the socket's receive buffer is asked to be.
const BUFFER: usize = 4 << 20;

/// A relay between the server and whoever speaks to [`Relay::address`]. Dropped, it ends.
pub(super) struct Relay {
    pub(super) address: SocketAddr,
    lost: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// A packet on its way.
struct Packet {
    due: Instant,
    to: SocketAddr,
    bytes: Box<[u8]>,
}

/// The receiver's half.
struct Inlet {
    socket: UdpSocket,
    server: SocketAddr,
    delay: Duration,
    /// The share that is lost.
    loss: f64,
    seed: u64,
    lost: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    queue: SyncSender<Packet>,
}

impl Relay {
    pub(super) fn start(server: SocketAddr, demo: &Demo) -> io::Result<Self> {
        let socket = UdpSocket::bind(ANY)?;
        // A smaller one loses more than was asked for, which is no harm.
        let _ = SockRef::from(&socket).set_recv_buffer_size(BUFFER);
        socket.set_read_timeout(Some(TICK))?;
        let address = socket.local_addr()?;
        let outlet = socket.try_clone()?;
        let (queue, queued) = sync_channel(QUEUE);
        let (lost, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let mut inlet = Inlet {
            socket,
            server,
            delay: demo.delay,
            loss: demo.loss / 100.0,
            seed: demo.seed,
            lost: Arc::clone(&lost),
            stop: Arc::clone(&stop),
            queue,
        };
        let spawn = |name: &str| thread::Builder::new().name(name.into());
        let mut relay = Self { address, lost, stop, threads: Vec::new() };
        relay.threads.push(spawn("relay in").spawn(move || inlet.run())?);
        relay.threads.push(spawn("relay out").spawn(move || deliver(&outlet, &queued))?);
        Ok(relay)
    }

    /// Packets lost so far, both ways.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Inlet {
    /// Takes packets in. Which are lost depends on their numbers alone, counted in each direction.
    fn run(&mut self) {
        let (mut there, mut back) = (Random::new(self.seed), Random::new(!self.seed));
        let mut client = None;
        let mut room = [0; 65_535];
        while !self.stop.load(Ordering::Relaxed) {
            // Besides that nothing came: an ICMP message about a peer that is gone, which is the peer's affair.
            let Ok((count, from)) = self.socket.recv_from(&mut room) else { continue };
            let (to, random) = if from == self.server {
                (client, &mut back)
            } else {
                client = Some(from);
                (Some(self.server), &mut there)
            };
            let is_lost = random.share() < self.loss;
            let packet = to.filter(|_| !is_lost).map(|to| Packet {
                due: Instant::now() + self.delay,
                to,
                bytes: room[..count].into(),
            });
            if packet.is_none_or(|packet| self.queue.try_send(packet).is_err()) {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Sends packets on when their time has come, which is in the order in which they came: the delay is the same for
/// all. Ends with the receiver.
fn deliver(socket: &UdpSocket, queue: &Receiver<Packet>) {
    while let Ok(packet) = queue.recv() {
        thread::sleep(packet.due.saturating_duration_since(Instant::now()));
        let _ = socket.send_to(&packet.bytes, packet.to);
    }
}

/// SplitMix64: small, and the same everywhere.
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// From 0 to, but not, 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_spread_evenly_and_the_same_for_a_seed() {
        let (mut one, mut other) = (Random::new(1), Random::new(1));
        let below = (0..10_000).filter(|_| one.share() < 0.05).count();
        assert!((400..600).contains(&below), "{below}");
        assert_eq!(below, (0..10_000).filter(|_| other.share() < 0.05).count());
    }
}
