//! A tracker on a board, and members on others.

use super::{PORT, Wiring};
use crate::{
    Board, BoardStorage, Card, Checked, Handle, Network, Seat, World,
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
    seats: u32,
}

impl<N: Network, W: Wiring> Exchange<N, W> {
    /// So many members, each of which shares a file, and a tracker with so many seats.
    pub fn new(cable: N, count: usize, seats: u32) -> Self {
        let mut world = World::new(cable);
        let tracker = world.add(|seat| track(seat, 0, seats));
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
        Self { world, tracker, members, seats }
    }

    /// The tracker was restarted, and has forgotten everything.
    pub fn restart_tracker(&mut self) {
        let seats = self.seats;
        self.tracker = self.world.replace(self.tracker, |seat| track(seat, 1, seats));
    }

    /// The tracker loses its power.
    pub fn kill_tracker(&mut self) {
        self.world.get_mut(self.tracker).kill();
    }

    /// A member loses its power.
    pub fn kill_member(&mut self, number: usize) {
        self.world.get_mut(self.members[number]).kill();
    }

    /// Who is logged in, by their numbers.
    pub fn seated(&self) -> Vec<usize> {
        let is_online = |number: &usize| self.world.get(self.members[*number]).driver.machine.is_online();
        (0..self.members.len()).filter(is_online).collect()
    }

    /// Runs until all seats are taken and all others have been told their places in the line: who is where in it.
    pub fn run_until_all_wait(&mut self) -> Vec<usize> {
        let (members, seats) = (self.members.clone(), self.seats as usize);
        let place = |world: &World<N>, member| {
            let told = world.get::<Board<Member, W>>(member).events.iter().rev();
            told.map(|(_, event)| event).find_map(|event| match event {
                client::Event::Waiting { place } => Some(Some(*place as usize)),
                client::Event::Online | client::Event::Offline { .. } => Some(None),
                _ => None,
            })?
        };
        let line = |world: &World<N>| {
            let mut line: Vec<_> = (0..members.len())
                .filter_map(|number| Some((place(world, members[number])?, number)))
                .collect();
            line.sort_unstable();
            line
        };
        self.world.run_to(|world| {
            let online = members.iter().filter(|member| world.get(**member).driver.machine.is_online());
            let places = line(world).into_iter().map(|(place, _)| place);
            online.count() == seats && places.eq(1..=members.len() - seats)
        });
        line(&self.world).into_iter().map(|(_, number)| number).collect()
    }

    /// Runs until a member is logged in.
    pub fn run_until_seated(&mut self, number: usize) {
        let member = self.members[number];
        self.world.run_to(|world| world.get(member).driver.machine.is_online());
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

fn track<W: Wiring>(seat: Seat, run: u8, seats: u32) -> Board<Members, W> {
    let settings = tracker::Settings { seats, waiting: 2, ..tracker::Settings::DEFAULT };
    board(seat, 100 + u64::from(run), Members::fixed(settings, [run; 32]))
}

fn board<S: skep_smoltcp::Machine, W: Wiring>(seat: Seat, seed: u64, machine: S) -> Board<S, W> {
    let number = seat.0 as u8;
    let wire = |stack: &mut Stack<'static, Card>| {
        W::wire::<BoardStorage>(stack, own_settings(4, 1_000), seed, number, number == 0)
    };
    Board::new(seat, Card::default(), machine, BoardStorage::default(), seed, wire)
}
