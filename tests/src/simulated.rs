//! A network in virtual time. The same seed and the same calls: the same deliveries, to the byte.

use crate::{
    Arrival, Network, Path, Random, Seat,
    trace::{Fate, Trace},
};
use skep_core::Instant;
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

const PORT: u16 = 4_000;
/// What the queue before a slow link holds.
const QUEUE: u64 = 65_536;
/// What UDP and IPv4 put around a datagram.
const HEADERS: u64 = 28;

/// The network. Seat 0 is the server's: what goes there takes the way up, all else the way down.
pub struct Simulated {
    seed: u64,
    random: Random,
    now: Instant,
    up: Path,
    down: Path,
    /// The first datagrams, one bit each from the lowest: 1 is lost.
    pattern: u64,
    /// Datagrams that are under way, by the moment of their arrival and the order in which they were sent.
    under_way: BTreeMap<(Instant, u64), Arrival>,
    sent: u64,
    seats: usize,
    /// Datagrams that a test wants lost, by their number.
    sieve: Option<Sieve>,
    /// By how much the ports of all but the server differ from what they were at first.
    shift: u16,
    /// How many datagrams of a thousand are followed by a changed copy.
    mutation: u32,
    /// Whether corrupted datagrams arrive.
    damages: bool,
    trace: Trace,
    notes: Vec<String>,
}

type Sieve = Box<dyn FnMut(&[u8]) -> bool>;

impl Simulated {
    /// A network on which each way takes 10 ms and nothing is lost.
    pub fn new(seed: u64) -> Self {
        let path = Path { delay: Duration::from_millis(10), ..Path::default() };
        Self {
            seed,
            random: Random::new(seed),
            now: Instant::from_micros(1_000_000),
            up: path.clone(),
            down: path,
            pattern: 0,
            under_way: BTreeMap::new(),
            sent: 0,
            seats: 0,
            sieve: None,
            shift: 0,
            mutation: 0,
            damages: false,
            trace: Trace::default(),
            notes: Vec::new(),
        }
    }

    /// Changes the way to the server.
    #[must_use]
    pub fn up(mut self, change: impl FnOnce(&mut Path)) -> Self {
        change(&mut self.up);
        self
    }

    /// Changes the way from the server.
    #[must_use]
    pub fn down(mut self, change: impl FnOnce(&mut Path)) -> Self {
        change(&mut self.down);
        self
    }

    /// Changes both ways alike.
    #[must_use]
    pub fn both(self, change: impl Fn(&mut Path)) -> Self {
        self.up(&change).down(&change)
    }

    /// Makes both ways bad, as `random` has it: with losses up to that, and in so many of a thousand cases with
    /// disorder, copies and that much damage besides; all per mille.
    #[must_use]
    pub fn made_bad(self, random: &mut Random, losses: u64, rough: u32, damage: u32) -> Self {
        let loss = random.below(losses + 1) as u32;
        let delay = Duration::from_micros(random.one_of(&[50, 1_000, 10_000, 80_000]));
        let is_rough = random.happens(rough);
        self.both(|path| {
            path.loss = loss;
            path.delay = delay;
            if is_rough {
                path.jitter = delay;
                path.duplication = 100;
                path.reordering = 100;
                path.corruption = damage;
            }
        })
    }

    /// Loses those of the first 64 datagrams, counted in both directions, whose bit is set.
    #[must_use]
    pub fn pattern(mut self, lost: u64) -> Self {
        self.pattern = lost;
        self
    }

    /// Loses the datagrams for which `is_lost` holds.
    #[must_use]
    pub fn sieve(mut self, is_lost: impl FnMut(&[u8]) -> bool + 'static) -> Self {
        self.sieve = Some(Box::new(is_lost));
        self
    }

    /// The ways from now on, for a test that changes them in the middle.
    pub fn paths(&mut self) -> (&mut Path, &mut Path) {
        (&mut self.up, &mut self.down)
    }

    /// From now on so many datagrams of a thousand are followed by a copy in which some bytes are others: what UDP's
    /// checksum keeps from happening by chance, but not by malice.
    pub fn mutate(&mut self, per_mille: u32) {
        self.mutation = per_mille;
    }

    /// Corrupted datagrams arrive corrupted, as they do from a malicious network: what is sealed does not mind.
    #[must_use]
    pub fn damaging(mut self) -> Self {
        self.damages = true;
        self
    }

    /// All but the server have another port from now on, as behind a translator of addresses that was restarted: what is
    /// sent to the old one is lost.
    pub fn readdress(&mut self) {
        self.shift += 1;
    }

    fn changed(&mut self, datagram: &[u8]) -> Vec<u8> {
        let mut bytes = datagram.to_vec();
        for _ in 0..=self.random.below(3) {
            // The header is where it hurts.
            let place = self.random.below(bytes.len().min(60) as u64) as usize;
            bytes[place] ^= self.random.next() as u8;
        }
        if self.random.happens(100) {
            bytes.truncate(1 + self.random.below(bytes.len() as u64) as usize);
        }
        bytes
    }

    /// How long a datagram from the server would wait in the queue now.
    pub fn waits(&self) -> Duration {
        Duration::from_nanos(self.down.busy_until.saturating_sub(self.now.as_micros() * 1_000))
    }

    /// A hash of all that was sent so far, and when, and what became of it.
    pub fn hash(&self) -> u64 {
        self.trace.hash
    }

    /// How many datagrams were sent so far.
    pub fn count(&self) -> u64 {
        self.sent
    }

    fn fate(&mut self, is_up: bool, datagram: &[u8]) -> Option<(Fate, Instant)> {
        let by_pattern = self.pattern.checked_shr((self.sent - 1).min(64) as u32).unwrap_or(0) & 1 == 1;
        let by_sieve = self.sieve.as_mut().is_some_and(|sieve| sieve(datagram));
        let path = if is_up { &mut self.up } else { &mut self.down };
        let random = &mut self.random;
        let is_cut = path.cuts.iter().any(|cut| cut.contains(&self.now));
        let is_lost = random.happens(path.loss);
        let is_damaged = !is_lost && random.happens(path.corruption);
        let is_lost = is_lost || is_damaged && !self.damages;
        let is_long = path.carries > 0 && datagram.len() > path.carries;
        if by_pattern || by_sieve || is_cut || is_lost || is_long {
            return None;
        }
        let mut at = self.now;
        if path.rate > 0 {
            let takes = |bytes: u64| bytes * 1_000_000_000 / path.rate;
            let nanos = self.now.as_micros() * 1_000;
            let begin = path.busy_until.max(nanos);
            let queue = if path.queue > 0 { path.queue } else { QUEUE };
            if begin - nanos > takes(queue) {
                return None;
            }
            path.busy_until = begin + takes(datagram.len() as u64 + HEADERS);
            at = Instant::from_micros(path.busy_until.div_ceil(1_000));
        }
        at = at + path.delay + Duration::from_micros(random.below(path.jitter.as_micros() as u64 + 1));
        if random.happens(path.reordering) {
            at = at + Duration::from_micros(random.below(path.delay.as_micros() as u64 * 3 + 1));
        }
        let is_twice = random.happens(path.duplication);
        let fate = match (is_damaged, is_twice) {
            (true, _) => Fate::Damaged,
            (false, true) => Fate::Twice,
            (false, false) => Fate::Sent,
        };
        Some((fate, at))
    }
}

impl Network for Simulated {
    fn join(&mut self) -> Seat {
        self.seats += 1;
        Seat(self.seats - 1)
    }

    fn seats(&self) -> usize {
        self.seats
    }

    fn address(&self, seat: Seat) -> SocketAddr {
        SocketAddr::from((
            Ipv4Addr::from_bits(0x0a00_0001 + seat.0 as u32),
            PORT + if seat.0 > 0 { self.shift } else { 0 },
        ))
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn send(&mut self, from: Seat, to: SocketAddr, datagram: &[u8]) {
        assert!(!datagram.is_empty(), "an empty datagram");
        let SocketAddr::V4(address) = to else { panic!("{to} is not on this network") };
        let seat = Seat(address.ip().to_bits().wrapping_sub(0x0a00_0001) as usize);
        self.sent += 1;
        let outcome = self.fate(seat == Seat(0), datagram);
        let fate = outcome.map_or(Fate::Lost, |(fate, _)| fate);
        self.trace.note(self.now, from, seat, fate, datagram);
        let Some((fate, at)) = outcome.filter(|_| to == self.address(seat)) else { return };
        let from = self.address(from);
        if self.random.happens(self.mutation) {
            let bytes = self.changed(datagram);
            self.under_way.insert((at, self.sent << 8 | 255), Arrival { seat, from, bytes });
        }
        let copies = if fate == Fate::Twice { 2 } else { 1 };
        for copy in 0..copies {
            let at = at + Duration::from_micros(copy * self.random.below(5_000));
            let bytes = if fate == Fate::Damaged { self.changed(datagram) } else { datagram.to_vec() };
            let arrival = Arrival { seat, from, bytes };
            self.under_way.insert((at, self.sent << 8 | copy), arrival);
        }
    }

    fn next(&mut self, until: Option<Instant>) -> Option<Arrival> {
        let first =
            self.under_way.first_entry().filter(|first| until.is_none_or(|until| first.key().0 <= until));
        match first {
            Some(first) => {
                self.now = self.now.max(first.key().0);
                Some(first.remove())
            }
            None => {
                self.now = self.now.max(until.unwrap_or(self.now));
                None
            }
        }
    }

    fn next_at_once(&mut self, seat: Seat) -> Option<Arrival> {
        let first = self.under_way.first_entry()?;
        (first.key().0 <= self.now && first.get().seat == seat).then(|| first.remove())
    }

    fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    fn is_virtual(&self) -> bool {
        true
    }

    fn note(&mut self, text: &str) {
        self.notes.push(format!("{:12.3} ms  {text}", self.now.as_micros() as f64 / 1e3));
        if self.notes.len() > 60 {
            self.notes.remove(0);
        }
    }
}

/// Who sees a test fail wants to know how it came to that.
impl Drop for Simulated {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}, pattern {:b}, {} datagrams", self.seed, self.pattern, self.sent);
            eprintln!("{}{}", self.trace.text(), self.notes.join("\n"));
        }
    }
}
