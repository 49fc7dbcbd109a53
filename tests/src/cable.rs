//! The usual case on two boards, with a cable between their network cards.

mod exchange;
mod forge;
mod relay;
mod wiring;

pub use exchange::Exchange;
pub use forge::Forger;
use relay::End;
pub use relay::Relay;
pub(crate) use wiring::udp;
pub use wiring::{PlainRdt, PlainTcp, SealedRdt, SealedTcp, Wiring};

use crate::{
    Board, BoardStorage, Card, Handle, Network, Scenario, Seat, Sessions, Way, World,
    board::{Whom, ip},
    download,
    scenario::NAME,
    upload,
};
use skep_core::{
    Instant,
    files::{self, Progress},
    wire::seal::Purpose,
};
use skep_smoltcp::{Stack, storage::Storage};
use std::{net::SocketAddr, time::Duration};

/// The port that servers listen on.
pub(crate) const PORT: u16 = 7_537;

/// A board that serves files.
pub type ServerBoard<W, F = BoardStorage> = Board<files::Server<Sessions>, W, F>;
/// A board that fetches or sends one.
pub type ClientBoard<W, F = BoardStorage> = Board<files::Client, W, F>;

impl Scenario {
    /// Plays it between two boards. Of the habits nothing is looked at: boards have their own.
    pub fn run_on_cable<W: Wiring, const RANDOM_WRITES: bool>(
        &self,
        cable: impl Network,
    ) -> CableReport<impl Network, W, RANDOM_WRITES> {
        let mut report = self.prepare_cable(cable, 0);
        report.world.run();
        report.check();
        report
    }

    /// The boards before their first step, with cards that hold so many bytes.
    pub fn prepare_cable<W: Wiring, N: Network, const RANDOM_WRITES: bool>(
        &self,
        cable: N,
        holds: usize,
    ) -> CableReport<N, W, RANDOM_WRITES> {
        let mut world = World::new(cable);
        let now = world.now();
        let purpose = self.seal.unwrap_or(Purpose::Member);
        let server: Handle<ServerBoard<W, BoardStorage<RANDOM_WRITES>>> = world.add(|seat| {
            let service = files::Server::new(self.rules, Sessions::new());
            let wire = |stack: &mut Stack<'static, Card>| {
                W::wire::<BoardStorage<RANDOM_WRITES>>(stack, self.server, self.seed, 0, true)
            };
            let card = Card::holding(holds);
            Board::new(seat, card, service, BoardStorage::default(), self.seed, wire)
        });
        let client: Handle<ClientBoard<W, BoardStorage<RANDOM_WRITES>>> = world.add(|seat| {
            let service = if self.way == Way::Download { download(NAME) } else { upload(NAME) };
            let wire = |stack: &mut Stack<'static, Card>| {
                W::wire::<BoardStorage<RANDOM_WRITES>>(stack, self.client, !self.seed, 1, false)
            };
            let card = Card::holding(holds);
            let board = Board::new(seat, card, service, BoardStorage::default(), !self.seed, wire);
            let to = SocketAddr::new(ip(Seat(0)).into(), PORT);
            board.calling(now, Whom { to, language: self.language, purpose })
        });
        world.get_mut(server).storage.files.faults = self.server_faults;
        world.get_mut(client).storage.files.faults = self.client_faults;
        let content = self.content.clone();
        match self.way {
            Way::Download => world.get_mut(server).storage.files.files.insert(NAME.into(), content),
            Way::Upload => world.get_mut(client).storage.files.files.insert(NAME.into(), content),
        };
        CableReport { world, server, client, started: now, way: self.way, content: self.content.clone() }
    }
}

/// What became of it.
pub struct CableReport<N, W: Wiring, const RANDOM_WRITES: bool> {
    /// The world as it is.
    pub world: World<N>,
    server: Handle<ServerBoard<W, BoardStorage<RANDOM_WRITES>>>,
    client: Handle<ClientBoard<W, BoardStorage<RANDOM_WRITES>>>,
    started: Instant,
    way: Way,
    content: Vec<u8>,
}

impl<N: Network, W: Wiring, const RANDOM_WRITES: bool> CableReport<N, W, RANDOM_WRITES>
where
    BoardStorage<RANDOM_WRITES>: Storage,
{
    /// The server.
    pub fn server(&self) -> &ServerBoard<W, BoardStorage<RANDOM_WRITES>> {
        self.world.get(self.server)
    }

    /// The client.
    pub fn client(&self) -> &ClientBoard<W, BoardStorage<RANDOM_WRITES>> {
        self.world.get(self.client)
    }

    /// The server, to change.
    pub fn server_mut(&mut self) -> &mut ServerBoard<W, BoardStorage<RANDOM_WRITES>> {
        self.world.get_mut(self.server)
    }

    /// The client, to change.
    pub fn client_mut(&mut self) -> &mut ClientBoard<W, BoardStorage<RANDOM_WRITES>> {
        self.world.get_mut(self.client)
    }

    /// The client's last event, and when it was told.
    pub fn end(&self) -> (Instant, Progress) {
        *self.client().events.last().expect("the client tells how it ended")
    }

    /// How long it took until the client knew the end.
    pub fn elapsed(&self) -> Duration {
        self.end().0.since(self.started)
    }

    /// What is stored where the file was to go.
    pub fn stored(&self) -> Option<&Vec<u8>> {
        match self.way {
            Way::Download => self.client().storage.files.files.get(NAME),
            Way::Upload => self.server().storage.files.files.get(NAME),
        }
    }

    /// What holds after every run: the whole file or nothing, and who is told that it is done finds it.
    pub fn check(&self) {
        let done = Progress::Done { bytes: self.content.len() as u64 };
        assert!(self.stored().is_none_or(|stored| *stored == self.content), "another file arrived");
        let (_, end) = self.end();
        assert!(!matches!(end, Progress::Done { .. }) || end == done, "{end:?}");
        assert!(end != done || self.stored().is_some(), "done, and there is no file");
    }

    /// The file arrived, and the client knows.
    #[must_use]
    pub fn expect_done(self) -> Self {
        assert_eq!(self.end().1, Progress::Done { bytes: self.content.len() as u64 });
        assert_eq!(self.stored(), Some(&self.content));
        self
    }
}

/// A server and a client of a file that call a third board, which relays between them. `Ok` when it arrived. The third
/// is wired by `R`, the others by `W`: if that is another, they begin as ends of relayed transfers do.
pub fn play_relayed<R: Wiring, W: Wiring>(cable: impl Network, content: &[u8]) -> Result<(), Progress> {
    let mut world = World::new(cable);
    let now = world.now();
    let whom = Whom {
        to: SocketAddr::new(ip(Seat(0)).into(), PORT),
        language: skep_core::rdt::Language::Own,
        purpose: Purpose::Member,
    };
    let settings = crate::own_settings(4, 1_000);
    let wire = |number: u8| {
        move |stack: &mut Stack<'static, Card>| {
            W::wire::<BoardStorage>(stack, settings, number.into(), number, false)
        }
    };
    let attaches = std::any::TypeId::of::<R>() != std::any::TypeId::of::<W>();
    let _: Handle<Board<Relay, R>> = world.add(|seat| {
        let wire = |stack: &mut Stack<'static, Card>| R::wire::<BoardStorage>(stack, settings, 0, 0, true);
        Board::new(seat, Card::default(), Relay::default(), BoardStorage::default(), 0, wire)
    });
    let server: Handle<Board<End<files::Server<Sessions>>, W>> = world.add(|seat| {
        let service = files::Server::new(files::Settings::DEFAULT, Sessions::new());
        let service = End::new(service, attaches);
        let board = Board::new(seat, Card::default(), service, BoardStorage::default(), 1, wire(1));
        board.calling(now, whom)
    });
    let client: Handle<Board<End<files::Client>, W>> = world.add(|seat| {
        let service = End::new(download(NAME), attaches);
        let board = Board::new(seat, Card::default(), service, BoardStorage::default(), 2, wire(2));
        board.calling(now, whom)
    });
    world.get_mut(server).storage.files.files.insert(NAME.into(), content.to_vec());
    world.run();
    let client = world.get(client);
    match client.events.last().map(|event| event.1) {
        Some(Progress::Done { .. }) => {
            assert_eq!(client.storage.files.files.get(NAME).map(Vec::as_slice), Some(content));
            Ok(())
        }
        Some(other) => Err(other),
        None => Err(Progress::Failed(files::Failure::Closed)),
    }
}
