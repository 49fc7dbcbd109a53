//! What the machines of the core are made of on a host.

use crate::{memory::Growing, on_demand_controller::OnDemandController, provider::HostProvider};
use skep_core::{
    Cell, Instant, client, guard,
    rdt::{
        self, Profile,
        trace::{Happened, Trace},
    },
    seal,
    table::Slot,
    tracker::Chunk,
};

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

    fn listens(&self) -> bool {
        self.0.is_some()
    }
}

/// Room for an endpoint on a host.
#[derive(Debug)]
pub struct Host;

impl Profile for Host {
    type Connections = Growing<Slot<Self::Keep>, STREAMS_MAX>;
    type Keep = rdt::Parkable<Box<rdt::Connection<Self>>>;
    type Index = Growing<Cell, STREAMS_MAX>;
    type Backlog = Growing<u32, 16>;
    type Replies = Growing<rdt::Reply, 512>;
    type Segments = Growing<rdt::Segment, WINDOW_MAX>;
    type Transmissions = Growing<[rdt::Transmission; 2], WINDOW_MAX>;
    type Stored = Growing<rdt::Mark, WINDOW_MAX>;
    type Outbox = Growing<u8, 65_536>;
    type Pieces = Growing<rdt::Piece, 8>;
    type Controller = OnDemandController;
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

    #[test]
    fn a_connection_takes_a_seventh_while_it_is_parked() {
        let (awake, parked) = (size_of::<rdt::Connection<Host>>(), size_of::<<Host as Profile>::Keep>());
        assert!(parked <= 80 && parked * 7 <= awake, "{parked} {awake}");
    }
}
