//! Memories that grow, for the machines of the core.

use crate::provider::HostProvider;
use skep_core::{
    Cell, Instant, Memory, client, guard,
    rdt::{
        self, Profile,
        control::{Chosen, Controlled, Controller, News, Start},
        trace::{Happened, Trace},
    },
    seal,
    table::Slot,
    tracker::Chunk,
};
use std::time::Duration;

/// A memory that takes room when it is used and gives it back when it is not, up to `BOUND` values.
#[derive(Debug)]
pub struct Growing<T, const BOUND: usize>(Vec<T>);

impl<T, const BOUND: usize> Growing<T, BOUND> {
    /// An empty memory.
    pub const fn new() -> Self {
        Self(Vec::new())
    }
}

impl<T, const BOUND: usize> Default for Growing<T, BOUND> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const BOUND: usize> Memory<T> for Growing<T, BOUND> {
    fn values(&self) -> &[T] {
        &self.0
    }

    fn values_mut(&mut self) -> &mut [T] {
        &mut self.0
    }

    fn bound(&self) -> usize {
        BOUND
    }

    fn grow(&mut self, length: usize, fill: impl FnMut() -> T) {
        if length > self.0.len() {
            let length = length.min(BOUND);
            // No more than is asked for: it is the machines that know how much more they will want.
            self.0.reserve_exact(length - self.0.len());
            self.0.resize_with(length, fill);
        }
    }

    fn release(&mut self) {
        self.0 = Vec::new();
    }
}

/// A memory of `N` values that is there as a whole or not at all, and takes a word then.
#[derive(Debug)]
pub struct Whole<T, const N: usize>(Option<Box<[T; N]>>);

impl<T, const N: usize> Default for Whole<T, N> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T, const N: usize> Memory<T> for Whole<T, N> {
    fn values(&self) -> &[T] {
        self.0.as_ref().map_or(&[], |values| values.as_slice())
    }

    fn values_mut(&mut self) -> &mut [T] {
        self.0.as_mut().map_or(&mut [], |values| values.as_mut_slice())
    }

    fn bound(&self) -> usize {
        N
    }

    fn grow(&mut self, length: usize, mut fill: impl FnMut() -> T) {
        if length > 0 {
            self.0.get_or_insert_with(|| Box::new(std::array::from_fn(|_| fill())));
        }
    }

    fn release(&mut self) {
        self.0 = None;
    }
}

/// How much more room is to be made before one more comes: none, or a sixteenth, as the core's tables do. What is doubled may
/// stand half empty.
pub const fn room_for_more(length: usize, capacity: usize) -> usize {
    if length < capacity { 0 } else { length / 16 + 4 }
}

/// The most streams that a host carries at once.
pub const STREAMS_MAX: usize = 1 << 17;

/// The largest window of a host, in segments.
pub const WINDOW_MAX: usize = 8_192;

/// Who is told what happens on a connection, if anybody is: a word in memory, and nothing to do, if nobody is.
#[derive(Default)]
pub struct Listener(Option<Box<Listens>>);

/// Behind a pointer of one word.
type Listens = Box<dyn FnMut(Instant, &Happened) + Send>;

impl Listener {
    /// From now on this one is told.
    pub fn set(&mut self, listens: impl FnMut(Instant, &Happened) + Send + 'static) {
        self.0 = Some(Box::new(Box::new(listens)));
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(if self.0.is_some() { "Listener" } else { "nobody" })
    }
}

impl Trace for Listener {
    fn note(&mut self, now: Instant, happened: &Happened) {
        if let Some(listens) = &mut self.0 {
            listens(now, happened);
        }
    }
}

/// So few datagrams without a rest between them tell nothing of a rate.
const LITTLE: u32 = 256;

/// What more of them told is good for so long.
const STALE: Duration = Duration::from_secs(10);

/// Microseconds.
const STEP: u32 = 16;

/// A congestion controller in a memory that it has only while it knows something: most connections of a tracker say a
/// few words, and are idle for minutes.
#[derive(Debug)]
pub struct Rented {
    /// What it was started with: the window of at most [`WINDOW_MAX`], what is expected of the round trip in steps of
    /// [`STEP`].
    window: u16,
    expected: u16,
    datagram: u32,
    busy: Option<Box<Busy>>,
}

#[derive(Debug)]
struct Busy {
    controller: Chosen,
    /// How many were sent since there was nothing to send, and when the last.
    sent: u32,
    used: Instant,
    /// When it has learnt of a rate.
    learnt: Option<Instant>,
}

impl Controller for Rented {
    fn new(start: &Start) -> Self {
        let window = start.window.min(WINDOW_MAX as u32) as u16;
        let expected = start.expected.div_ceil(STEP).min(u16::MAX.into()) as u16;
        Self { window, expected, datagram: start.datagram, busy: None }
    }

    fn wake(&mut self, now: Instant, round_trip: u32, settings: &rdt::Settings) {
        match &mut self.busy {
            Some(busy) if now.since(busy.used) <= STALE => busy.sent = 0,
            _ => {
                let controller = Chosen::new(&Start {
                    now,
                    window: self.window.into(),
                    datagram: self.datagram,
                    round_trip,
                    expected: u32::from(self.expected) * STEP,
                    congestion: settings.congestion,
                    rate: settings.rate,
                    first_flight: settings.first_flight.into(),
                });
                self.busy = Some(Box::new(Busy { controller, sent: 0, used: now, learnt: None }));
            }
        }
    }

    fn sleep(&mut self) {
        self.busy.take_if(|busy| {
            if busy.sent > LITTLE {
                busy.learnt = Some(busy.used);
            }
            busy.learnt.is_none_or(|learnt| busy.used.since(learnt) > STALE)
        });
    }

    fn window(&self) -> u32 {
        self.busy.as_ref().map_or(self.window.into(), |busy| busy.controller.window())
    }

    fn allowance(&self, now: Instant) -> u32 {
        self.busy.as_ref().map_or(u32::MAX, |busy| busy.controller.allowance(now))
    }

    fn resumes(&mut self) -> Instant {
        self.busy.as_mut().map_or(Instant::FAR, |busy| busy.controller.resumes())
    }

    fn sent(&mut self, now: Instant, count: u32, newest: u32, in_flight: u32) {
        if let Some(busy) = &mut self.busy {
            busy.sent = busy.sent.saturating_add(count);
            busy.used = now;
            busy.controller.sent(now, count, newest, in_flight);
        }
    }

    fn starved(&mut self, newest: u32) {
        if let Some(busy) = &mut self.busy {
            busy.controller.starved(newest);
        }
    }

    fn acknowledged(&mut self, now: Instant, news: &News) {
        if let Some(busy) = &mut self.busy {
            busy.controller.acknowledged(now, news);
        }
    }

    fn timed_out(&mut self, now: Instant) {
        if let Some(busy) = &mut self.busy {
            busy.controller.timed_out(now);
        }
    }

    fn undo(&mut self) {
        if let Some(busy) = &mut self.busy {
            busy.controller.undo();
        }
    }

    fn state(&self, in_flight: u32) -> Controlled {
        match &self.busy {
            Some(busy) => busy.controller.state(in_flight),
            None => Controlled { window: self.window.into(), in_flight, ..Controlled::default() },
        }
    }
}

/// Room for an endpoint on a host.
#[derive(Debug)]
pub struct Host;

impl Profile for Host {
    type Connections = Growing<Slot<Self::Keep>, STREAMS_MAX>;
    type Keep = rdt::Parkable<Self, Box<rdt::Connection<Self>>>;
    type Index = Growing<Cell, STREAMS_MAX>;
    type Backlog = Growing<u32, 16>;
    type Replies = Growing<rdt::Reply, 512>;
    type Segments = Growing<rdt::Segment, WINDOW_MAX>;
    type Transmissions = Growing<[rdt::Transmission; 2], WINDOW_MAX>;
    type Stored = Growing<rdt::Mark, WINDOW_MAX>;
    type Outbox = Growing<u8, 65_536>;
    type Pieces = Growing<rdt::Piece, 8>;
    type Controller = Rented;
    type Trace = Listener;
    type Tokens = rdt::Keyed;
}

/// The sealed transport on a host's socket.
pub type HostLayer = seal::Layer<
    HostProvider,
    Growing<Slot<seal::layer::Session<HostProvider>>, STREAMS_MAX>,
    Growing<Cell, STREAMS_MAX>,
    { guard::HOST_SLOTS },
    { guard::HOST_BUCKETS },
    Growing<Slot<seal::layer::Opening<HostProvider>>, STREAMS_MAX>,
>;

/// A layer for a host.
pub fn layer(
    settings: seal::layer::Settings,
    own: seal::KeyPair<HostProvider>,
    seed: seal::Secret,
) -> HostLayer {
    seal::Layer::new(settings, own, seed, Growing::new(), Growing::new())
}

/// The most downloads that a member asks for at once, and the most that others ask of it.
pub const TRANSFERS_MAX: usize = 64;

/// Room for a client of a tracker on a host.
#[derive(Debug)]
pub struct HostClient;

impl client::Profile for HostClient {
    type Users = Growing<Slot<client::User>, { 1 << 17 }>;
    type Files = Growing<Slot<client::File>, { 1 << 20 }>;
    type Index = Growing<Cell, { 1 << 20 }>;
    type Texts = Growing<Chunk, { 1 << 22 }>;
    type Shares = Growing<Slot<client::Share>, { 1 << 17 }>;
    type Fetches = Growing<Slot<client::Fetch>, TRANSFERS_MAX>;
    type Uploads = Growing<Slot<client::Upload>, TRANSFERS_MAX>;
}

/// A client of a tracker for a host. `seed` should differ at every start.
pub fn client(settings: client::Settings, seed: u64) -> client::Client<HostClient> {
    let mirror = client::Mirror::new(
        Growing::new(),
        Growing::new(),
        Growing::new(),
        Growing::new(),
        Growing::new(),
        Growing::new(),
        Growing::new(),
    );
    client::Client::new(
        settings,
        seed,
        mirror,
        Growing::new(),
        Growing::new(),
        Growing::new(),
        Growing::new(),
    )
}

/// An endpoint for a host. `seed` should differ at every start.
pub fn endpoint(settings: rdt::Settings, seed: u64) -> rdt::Endpoint<Host> {
    rdt::Endpoint::new(settings, seed, Growing::new(), Growing::new(), Growing::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use skep_core::rdt::control::Congestion;

    #[test]
    fn a_connection_takes_a_quarter_while_it_is_parked() {
        let (awake, parked) = (size_of::<rdt::Connection<Host>>(), size_of::<<Host as Profile>::Keep>());
        assert!(parked <= 128 && parked * 4 <= awake, "{parked} {awake}");
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    /// Sends so many at that moment, one flight, and all are acknowledged. Whether it keeps a controller then.
    fn keeps(rented: &mut Rented, seconds: u64, count: u32) -> bool {
        rented.wake(at(seconds), 20_000, &rdt::Settings::HOST);
        assert!(rented.window() <= 8_192 && rented.allowance(at(seconds)) > 0);
        rented.sent(at(seconds), count, count, count);
        rented.sleep();
        rented.busy.is_some()
    }

    #[test]
    fn a_controller_is_kept_only_while_it_knows_something() {
        let mut rented = Rented::new(&Start {
            now: at(0),
            window: 8_192,
            datagram: 1_472,
            round_trip: 20_000,
            expected: 0,
            congestion: Congestion::Model,
            rate: 0,
            first_flight: 768,
        });
        assert!(rented.busy.is_none());
        // A few words, again and again.
        assert!((0..500).all(|second| !keeps(&mut rented, second, 3)));
        assert!(keeps(&mut rented, 500, 300), "that was a file");
        assert!((501..510).all(|second| keeps(&mut rented, second, 3)), "it may be asked for another");
        assert!(!keeps(&mut rented, 511, 3), "that is too long ago");
        assert!(keeps(&mut rented, 512, 300) && !keeps(&mut rented, 600, 3));
    }
}
