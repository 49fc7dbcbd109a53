//! Who plays a part: a program on a network of datagrams, or a board on a cable.

use crate::{
    Board, BoardStorage, Card, Checked, Habits, Handle, Host, Member, Network, Node, Seat, Sessions, Storage,
    Wiring, World, board::Whom, cable::PORT,
};
use skep_core::{
    Instant, Memory, files,
    rdt::{self, Language, Profile},
    stream::Service,
    table::Named,
    wire::seal::Purpose,
};
use skep_smoltcp::{Machine, Stack};
use std::{marker::PhantomData, net::SocketAddr};

/// A member with a machine and files.
pub trait Player<S: Service>: Member {
    /// Its machine.
    fn machine(&self) -> &S;
    /// What that told, and when.
    fn events(&self) -> &[(Instant, S::Event)];
    /// Its files.
    fn files(&self) -> &Storage;
    /// The same, to change.
    fn files_mut(&mut self) -> &mut Storage;
    /// The power is off: it says nothing any more.
    fn kill(&mut self);
}

impl<P: Profile + 'static, S: Checked + 'static> Player<S> for Node<P, S>
where
    Self: Member,
{
    fn machine(&self) -> &S {
        &self.service
    }

    fn events(&self) -> &[(Instant, S::Event)] {
        &self.events
    }

    fn files(&self) -> &Storage {
        &self.storage
    }

    fn files_mut(&mut self) -> &mut Storage {
        &mut self.storage
    }

    fn kill(&mut self) {
        self.kill();
    }
}

impl<S: Machine, W: Wiring> Player<S> for Board<S, W>
where
    Self: Member,
{
    fn machine(&self) -> &S {
        &self.driver.machine
    }

    fn events(&self) -> &[(Instant, S::Event)] {
        &self.events
    }

    fn files(&self) -> &Storage {
        &self.storage.files
    }

    fn files_mut(&mut self) -> &mut Storage {
        &mut self.storage.files
    }

    fn kill(&mut self) {
        self.kill();
    }
}

/// What a server of files and its clients are, with these sessions in the server's memory.
pub trait Cast {
    /// The memory of the server.
    type Sessions: Memory<Named<files::Session>> + 'static;
    /// The server.
    type Server: Player<files::Server<Self::Sessions>>;
    /// A client.
    type Client: Player<files::Client>;

    /// A server.
    fn server(seat: Seat, settings: rdt::Settings, service: files::Server<Self::Sessions>) -> Self::Server;

    /// A client that calls the server at that moment.
    fn client(
        seat: Seat,
        settings: rdt::Settings,
        service: files::Client,
        call: (Instant, SocketAddr, Language),
    ) -> Self::Client;
}

/// Programs with these memories, on a network of datagrams.
pub struct Programs<P = Host, M = Sessions>(PhantomData<(P, M)>);

/// Boards that are wired so, on a cable, whose cards hold so many bytes; 0 for any number.
pub struct Boards<W, M = Sessions, const HOLDS: usize = 0>(PhantomData<(W, M)>);

impl<P, M> Cast for Programs<P, M>
where
    P: Profile<Connections: Default, Index: Default, Replies: Default> + 'static,
    M: Memory<Named<files::Session>> + 'static,
{
    type Sessions = M;
    type Server = Node<P, files::Server<M>>;
    type Client = Node<P, files::Client>;

    fn server(seat: Seat, settings: rdt::Settings, service: files::Server<M>) -> Self::Server {
        Node::new(seat, settings, seat.0 as u64 + 1, service)
    }

    fn client(
        seat: Seat,
        settings: rdt::Settings,
        service: files::Client,
        (at, to, language): (Instant, SocketAddr, Language),
    ) -> Self::Client {
        let habits = Habits { leaves: true, ..Habits::default() };
        Node::new(seat, settings, seat.0 as u64 + 1, service).with(habits).calling(at, to, language)
    }
}

impl<W, M, const HOLDS: usize> Cast for Boards<W, M, HOLDS>
where
    W: Wiring,
    M: Memory<Named<files::Session>> + 'static,
{
    type Sessions = M;
    type Server = Board<files::Server<M>, W>;
    type Client = Board<files::Client, W>;

    fn server(seat: Seat, settings: rdt::Settings, service: files::Server<M>) -> Self::Server {
        board(seat, HOLDS, settings, service)
    }

    fn client(
        seat: Seat,
        settings: rdt::Settings,
        service: files::Client,
        (at, to, language): (Instant, SocketAddr, Language),
    ) -> Self::Client {
        let to = SocketAddr::new(to.ip(), PORT);
        board(seat, HOLDS, settings, service).calling(at, Whom { to, language, purpose: Purpose::Member })
    }
}

/// A board that is wired as a server if it sits on seat 0.
fn board<S: Machine, W: Wiring>(
    seat: Seat,
    holds: usize,
    settings: rdt::Settings,
    machine: S,
) -> Board<S, W> {
    let number = seat.0 as u8;
    let seed = u64::from(number) + 1;
    let wire = |stack: &mut Stack<'static, Card>| {
        W::wire::<BoardStorage>(stack, settings, seed, number, number == 0)
    };
    Board::new(seat, Card::holding(holds), machine, BoardStorage::default(), seed, wire)
}

/// A server of files and any number of clients.
pub struct Crowd<N, C: Cast> {
    /// The world as it is.
    pub world: World<N>,
    /// The server.
    pub server: Handle<C::Server>,
    /// The clients, in the order in which they were added.
    pub clients: Vec<Handle<C::Client>>,
}

impl<N: Network, C: Cast> Crowd<N, C> {
    /// A server alone.
    pub fn new(network: N, settings: rdt::Settings, rules: files::Settings) -> Self
    where
        C::Sessions: Default,
    {
        let mut world = World::new(network);
        let service = files::Server::new(rules, C::Sessions::default());
        let server = world.add(|seat| C::server(seat, settings, service));
        Self { world, server, clients: Vec::new() }
    }

    /// One more client, that calls the server at that moment.
    pub fn client(
        &mut self,
        at: Instant,
        settings: rdt::Settings,
        language: Language,
        service: files::Client,
    ) -> Handle<C::Client> {
        let to = self.world.address(self.server);
        let client = self.world.add(|seat| C::client(seat, settings, service, (at, to, language)));
        self.clients.push(client);
        client
    }

    /// The server's files.
    pub fn served(&mut self) -> &mut std::collections::BTreeMap<String, Vec<u8>> {
        &mut self.world.get_mut(self.server).files_mut().files
    }

    /// A client's last event, and when it was told.
    pub fn end(&self, client: Handle<C::Client>) -> (Instant, files::Progress) {
        *self.world.get(client).events().last().expect("the client tells how it ended")
    }
}
