//! A world with a server of files and any number of clients.

use crate::{ClientNode, Habits, Handle, Network, Node, ServerNode, World};
use skep_core::{
    Instant, Memory, files,
    rdt::{self, Language, Profile},
    table::Named,
};
use std::net::SocketAddr;

impl<N: Network> World<N> {
    /// A server of files, in these memories. It is the first member.
    pub fn serve<P, M>(&mut self, settings: rdt::Settings, rules: files::Settings) -> Handle<ServerNode<P, M>>
    where
        P: Profile<Connections: Default, Index: Default, Replies: Default> + 'static,
        M: Memory<Named<files::Session>> + Default + 'static,
    {
        self.add(|seat| Node::new(seat, settings, seat.0 as u64 + 1, files::Server::new(rules, M::default())))
    }

    /// A client that calls at that moment, and leaves when it is done.
    pub fn client<P>(
        &mut self,
        to: SocketAddr,
        at: Instant,
        settings: rdt::Settings,
        language: Language,
        service: files::Client,
    ) -> Handle<ClientNode<P>>
    where
        P: Profile<Connections: Default, Index: Default, Replies: Default> + 'static,
    {
        let habits = Habits { leaves: true, ..Habits::default() };
        self.add(|seat| {
            let node = Node::new(seat, settings, seat.0 as u64 + 1, service);
            node.with(habits).calling(at, to, language)
        })
    }
}
