//! The usual case: a server and a client, and one file that goes one way.

use crate::{
    ClientNode, Faults, Habits, Handle, Host, Network, Node, Past, Random, Seal, ServerNode, Sessions, World,
    sealed_settings,
};
use crate::{download, known_settings, own_settings, upload};
use skep_core::{
    Instant, Span, files,
    files::Progress,
    rdt::{self, Language, Profile},
    stream::Service,
    wire::{rdt::Pass, seal::Purpose},
};
use std::time::Duration;

pub(crate) const NAME: &str = "the file";

/// Which way the file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the client.
    Download,
    /// To the server.
    Upload,
}

/// What is to be played.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Which way the file goes.
    pub way: Way,
    /// Its content.
    pub content: Vec<u8>,
    /// How the client calls.
    pub language: Language,
    /// The server's endpoint.
    pub server: rdt::Settings,
    /// The client's endpoint.
    pub client: rdt::Settings,
    /// The server's rules.
    pub rules: files::Settings,
    /// What goes wrong with the server's storage.
    pub server_faults: Faults,
    /// What goes wrong with the client's storage.
    pub client_faults: Faults,
    /// How both are driven; the client leaves when it is done.
    pub habits: Habits,
    /// Whether both are polled more often than they have to.
    pub is_impatient: bool,
    /// What the endpoints are seeded with.
    pub seed: u64,
    /// What the client calls for, when everything is sealed.
    pub seal: Option<Purpose>,
    /// What the client shows from an earlier visit.
    pub pass: Pass,
}

impl Scenario {
    /// A file of `size` bytes, and a host's settings.
    pub fn new(way: Way, size: usize) -> Self {
        Self {
            way,
            content: Random::new(size as u64).bytes(size),
            language: Language::Any,
            server: rdt::Settings::HOST,
            client: rdt::Settings::HOST,
            rules: files::Settings::DEFAULT,
            server_faults: Faults::default(),
            client_faults: Faults::default(),
            habits: Habits::default(),
            is_impatient: false,
            seed: 1,
            seal: None,
            pass: Pass::NONE,
        }
    }

    /// Both speak skep's own language, with these windows and segments.
    #[must_use]
    pub fn own(self, window: u32, segment: u16) -> Self {
        let settings = own_settings(window, segment);
        Self { language: Language::Own, server: settings, client: settings, ..self }
    }

    /// Both speak the known peers' language, with this window for sending and these segments.
    #[must_use]
    pub fn known(self, window: u32, segment: u16) -> Self {
        let settings = known_settings(window, segment);
        Self { language: Language::Known, server: settings, client: settings, ..self }
    }

    /// Both seal what they say, and the client calls for this. Segments and windows are to be set before.
    #[must_use]
    pub fn sealed(self, purpose: Purpose) -> Self {
        let (server, client) = (sealed_settings(self.server), sealed_settings(self.client));
        Self { language: Language::Own, server, client, seal: Some(purpose), ..self }
    }

    /// Who is unlucky does not give up: for bad networks, on which that is not the question.
    #[must_use]
    pub fn stubborn(self) -> Self {
        self.but(|it| {
            it.client.calls = 60;
            it.client.tries = 100;
            it.server.tries = 100;
            it.server.idle = Span::from_secs(600);
            it.client.idle = Span::from_secs(600);
            it.rules.request_timeout = Duration::from_secs(600);
        })
    }

    /// Changes anything else.
    #[must_use]
    pub fn but(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Plays it between two hosts.
    pub fn run<N: Network>(&self, network: N) -> Report<N> {
        self.run_on(network)
    }

    /// Plays it with these memories.
    pub fn run_on<N, P, Q>(&self, network: N) -> Report<N, P, Q>
    where
        N: Network,
        P: Profile<Connections: Default, Index: Default, Replies: Default> + 'static,
        Q: Profile<Connections: Default, Index: Default, Replies: Default> + 'static,
    {
        let mut report = self.prepare(network);
        report.world.run();
        report.check();
        report
    }

    /// The world before its first step.
    pub fn prepare<N, P, Q>(&self, network: N) -> Report<N, P, Q>
    where
        N: Network,
        P: Profile<Connections: Default, Index: Default, Replies: Default> + 'static,
        Q: Profile<Connections: Default, Index: Default, Replies: Default> + 'static,
    {
        let mut world = World::new(network);
        world.is_impatient = self.is_impatient;
        let server: Handle<ServerNode<P>> = world.add(|seat| {
            let service = files::Server::new(self.rules, Sessions::new());
            let node = Node::new(seat, self.server, self.seed, service).with(self.habits);
            self.seal_node(node, 0, self.server)
        });
        let (address, now) = (world.address(server), world.now());
        let client: Handle<ClientNode<Q>> = world.add(|seat| {
            let service = if self.way == Way::Download { download(NAME) } else { upload(NAME) };
            let habits = Habits { leaves: true, ..self.habits };
            let node = Node::new(seat, self.client, !self.seed, service).with(habits);
            self.seal_node(node, 1, self.client).calling(now, address, self.language).showing(self.pass)
        });
        world.get_mut(server).storage.faults = self.server_faults;
        world.get_mut(client).storage.faults = self.client_faults;
        let content = self.content.clone();
        match self.way {
            Way::Download => world.get_mut(server).storage.files.insert(NAME.into(), content),
            Way::Upload => world.get_mut(client).storage.files.insert(NAME.into(), content),
        };
        Report { world, server, client, started: now, way: self.way, content: self.content.clone() }
    }

    fn seal_node<P: Profile, S: Service>(
        &self,
        node: Node<P, S>,
        number: u8,
        settings: rdt::Settings,
    ) -> Node<P, S> {
        match self.seal {
            None => node,
            Some(purpose) => node.sealed(Seal::new(number, &settings, self.seed, purpose)),
        }
    }
}

/// What became of it.
pub struct Report<N, P: Profile = Host, Q: Profile = Host> {
    /// The world as it is.
    pub world: World<N>,
    server: Handle<ServerNode<P>>,
    client: Handle<ClientNode<Q>>,
    started: Instant,
    way: Way,
    content: Vec<u8>,
}

impl<N: Network, P: Profile + 'static, Q: Profile + 'static> Report<N, P, Q> {
    /// The server.
    pub fn server(&self) -> &ServerNode<P> {
        self.world.get(self.server)
    }

    /// The client.
    pub fn client(&self) -> &ClientNode<Q> {
        self.world.get(self.client)
    }

    /// The server, to change.
    pub fn server_mut(&mut self) -> &mut ServerNode<P> {
        self.world.get_mut(self.server)
    }

    /// The client, to change.
    pub fn client_mut(&mut self) -> &mut ClientNode<Q> {
        self.world.get_mut(self.client)
    }

    /// Where both sit.
    pub const fn handles(&self) -> (Handle<ServerNode<P>>, Handle<ClientNode<Q>>) {
        (self.server, self.client)
    }

    /// The client's last event, and when it was told.
    pub fn end(&self) -> (Instant, Progress) {
        *self.client().events.last().expect("the client tells how it ended")
    }

    /// How long it took until the client knew the end.
    pub fn elapsed(&self) -> Duration {
        self.end().0.since(self.started)
    }

    /// The end of the connection on the side that sent the file.
    pub fn sender(&self) -> &Past {
        match self.way {
            Way::Download => self.server().last_past(),
            Way::Upload => self.client().last_past(),
        }
    }

    /// The end of the connection on the side that received the file.
    pub fn receiver(&self) -> &Past {
        match self.way {
            Way::Download => self.client().last_past(),
            Way::Upload => self.server().last_past(),
        }
    }

    /// What is stored where the file was to go.
    pub fn stored(&self) -> Option<&Vec<u8>> {
        match self.way {
            Way::Download => self.client().storage.files.get(NAME),
            Way::Upload => self.server().storage.files.get(NAME),
        }
    }

    /// What holds after every run: the whole file or nothing, and who is told that it is done finds it.
    pub fn check(&self) {
        let done = Progress::Done { bytes: self.content.len() as u64 };
        assert!(self.stored().is_none_or(|stored| *stored == self.content), "another file arrived");
        let (_, end) = self.end();
        assert!(!matches!(end, Progress::Done { .. }) || end == done, "{end:?}");
        assert!(end != done || self.stored().is_some(), "done, and there is no file");
        assert!(
            self.client()
                .events
                .iter()
                .rev()
                .skip(1)
                .all(|(_, event)| matches!(event, Progress::Started { .. }))
        );
    }

    /// The file arrived, and the client knows.
    pub fn expect_done(self) -> Self {
        assert_eq!(
            self.end().1,
            Progress::Done { bytes: self.content.len() as u64 },
            "{:?}",
            self.client().past
        );
        assert_eq!(self.stored(), Some(&self.content));
        self
    }

    /// Nothing was sent again but the first message of each, with the call's copy, too; nothing was dropped: there was no
    /// reason to.
    pub fn expect_spotless(self) -> Self {
        assert_eq!((self.server().past.len(), self.client().past.len()), (1, 1));
        for past in [self.sender(), self.receiver()] {
            assert_eq!(past.outcome, Ok(()));
            let counters = past.statistics.counters;
            let faults = [
                counters.lost,
                counters.spurious,
                counters.timeouts,
                counters.beyond_window,
                counters.early,
                counters.malformed,
                counters.false_acknowledgements,
            ];
            assert_eq!(faults, [0; 7], "{counters:?}");
        }
        let ends = [self.sender().statistics, self.receiver().statistics];
        for [one, other] in [ends, [ends[1], ends[0]]] {
            let doubled = one.counters.resent;
            assert!(doubled <= 2 && other.counters.duplicates == doubled, "{one:?}");
            assert_eq!(one.counters.sent, other.counters.received + doubled);
        }
        let [sent, received] = ends;
        assert_eq!(sent.bytes_acknowledged, received.bytes_received);
        self
    }
}
