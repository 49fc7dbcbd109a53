//! A tracker on a board, and members on others.

use super::{PORT, Wiring};
use crate::{
    Board, Card, Checked, Handle, Network, Seat, Shelf, World,
    board::{Whom, ip},
    own_settings,
};
use skep_core::{
    client::{self, Client},
    rdt::Language,
    tracker::{self, Tracker},
    wire::{Name, Text, seal::Purpose, session::FileInfo},
};
use skep_smoltcp::Stack;
use std::net::SocketAddr;

type Members = Tracker<tracker::Fixed<12, 8, 16, 128, 16, 4>>;
type Member = Client<client::Fixed<8, 16, 4, 2, 64>>;

impl Checked for Member {
    fn check_over(&self) {}
}

/// A tracker and its members, on one cable.
pub struct Exchange<N, W: Wiring> {
    /// The world as it is.
    pub world: World<N>,
    tracker: Handle<Board<Members, W>>,
    members: Vec<Handle<Board<Member, W>>>,
}

impl<N: Network, W: Wiring> Exchange<N, W> {
    /// So many members, each of which shares a file.
    pub fn new(cable: N, count: usize) -> Self {
        let mut world = World::new(cable);
        let tracker = world.add(|seat| track(seat, 0));
        let whom = Whom {
            to: SocketAddr::new(ip(Seat(0)).into(), PORT),
            language: Language::Own,
            purpose: Purpose::Member,
        };
        let members = (1..=count).map(|number| {
            world.add(|seat| {
                let mut member = Member::fixed(client::Settings::DEFAULT, number as u64);
                let text = format!("member-{number}");
                let info = FileInfo { length: number as u64, ..FileInfo::default() };
                assert!(member.publish(Name::new(text.as_bytes()).unwrap(), info).is_some());
                assert!(member.start(Text::new(text.as_bytes()).unwrap()));
                board(seat, number as u64, member)
                    .calling_when(|event| *event == client::Event::Connect, whom)
            })
        });
        let members = members.collect();
        Self { world, tracker, members }
    }

    /// The tracker was restarted, and has forgotten everything.
    pub fn restart_tracker(&mut self) {
        self.tracker = self.world.replace(self.tracker, |seat| track(seat, 1));
    }

    /// The tracker loses its power.
    pub fn kill_tracker(&mut self) {
        self.world.get_mut(self.tracker).kill();
    }

    /// Runs until every member is logged in, and knows all others and what they share.
    pub fn run_until_all_know(&mut self) {
        let (members, others) = (self.members.clone(), self.members.len() - 1);
        self.world.run_to(|world| {
            members.iter().all(|member| {
                let member = &world.get(*member).driver.machine;
                let knows = (member.users().count(), member.files().count());
                member.is_online() && knows == (others, others)
            })
        });
    }

    /// Runs until every member has noticed that the tracker is gone.
    pub fn run_until_all_miss_it(&mut self) {
        let members = self.members.clone();
        let offline = |world: &World<N>, member| {
            let events = &world.get::<Board<Member, W>>(member).events;
            events.iter().filter(|(_, event)| matches!(event, client::Event::Offline { .. })).count()
        };
        let before: Vec<_> = members.iter().map(|member| offline(&self.world, *member)).collect();
        self.world.run_to(|world| {
            members.iter().zip(&before).all(|(member, before)| offline(world, *member) > *before)
        });
    }
}

fn track<W: Wiring>(seat: Seat, run: u8) -> Board<Members, W> {
    let settings = tracker::Settings { seats: 8, waiting: 2, ..tracker::Settings::DEFAULT };
    board(seat, 100 + u64::from(run), Members::fixed(settings, [run; 32]))
}

fn board<S: skep_smoltcp::Machine, W: Wiring>(seat: Seat, seed: u64, machine: S) -> Board<S, W> {
    let number = seat.0 as u8;
    let wire = |stack: &mut Stack<'static, Card>| {
        W::wire::<Shelf>(stack, own_settings(4, 1_000), seed, number, number == 0)
    };
    Board::new(seat, Card::default(), machine, Shelf::default(), seed, wire)
}
