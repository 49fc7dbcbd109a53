//! Seats, the line, second log-ins, silence, and what is not a log-in.

use super::{
    Small,
    speaker::{Speaker, info},
    tracker,
    world::World,
};
use crate::{
    miri::fewer,
    stream::{Action, Closed, Service, StreamId},
    tracker::{Ask, Dialect, Event, Fixed, Peer, Rights, SameName, Settings, Tracker},
    wire::{
        Text,
        session::{Code, Request, Way},
    },
};
use core::{net::IpAddr, time::Duration};

const SECOND: Duration = Duration::from_secs(1);

fn world(settings: Settings) -> World<Small> {
    World::new(tracker(settings))
}

fn join(world: &mut World<Small>, name: &str) -> Speaker {
    let mut speaker = Speaker::new(name);
    assert!(speaker.join(world));
    speaker
}

#[test]
fn a_tracker_of_one_seat_seats_them_in_the_order_in_which_they_came() {
    let mut world = world(Settings { seats: 1, waiting: 2, ..Settings::DEFAULT });
    let ana = join(&mut world, "ana");
    let (mut eva, mut bob) = (join(&mut world, "eva"), join(&mut world, "bob"));
    assert_eq!(
        (eva.heard.as_slice(), bob.heard.as_slice()),
        (&["Waiting { place: 1 }".into()][..], &["Waiting { place: 2 }".into()][..])
    );
    assert_eq!(join(&mut world, "zoe").bye, Some(Code::NoSeat));
    assert_eq!((world.tracker.seats_taken(), world.tracker.waiting()), (1, 2));
    world.close(ana.stream, Closed::Broken);
    world.pass(SECOND);
    eva.listen(&mut world);
    bob.listen(&mut world);
    assert!(eva.me.is_some() && bob.me.is_none());
    assert_eq!(bob.heard.last().unwrap(), "Waiting { place: 1 }");
    eva.say(&mut world, &Request::Logout);
    world.pass(SECOND);
    eva.listen(&mut world);
    bob.listen(&mut world);
    assert_eq!((eva.bye, bob.me.is_some()), (Some(Code::Done), true));
    assert_eq!((world.tracker.seats_taken(), world.tracker.waiting()), (1, 0));
}

#[test]
fn who_waits_can_leave_and_the_others_move_up() {
    let mut world = world(Settings { seats: 1, ..Settings::DEFAULT });
    let _ana = join(&mut world, "ana");
    let (eva, mut bob) = (join(&mut world, "eva"), join(&mut world, "bob"));
    world.close(eva.stream, Closed::Broken);
    world.pass(SECOND);
    bob.listen(&mut world);
    assert_eq!(bob.heard, ["Waiting { place: 2 }", "Waiting { place: 1 }"]);
    assert_eq!((world.tracker.links(), world.tracker.waiting()), (2, 1));
}

#[test]
fn with_no_line_who_finds_no_seat_is_refused() {
    let mut world = world(Settings { seats: 1, waiting: 0, ..Settings::DEFAULT });
    let _ana = join(&mut world, "ana");
    let eva = join(&mut world, "eva");
    assert_eq!(eva.bye, Some(Code::NoSeat));
    assert!(world.streams[&eva.stream].finished);
    assert_eq!(world.tracker.counters().logins_refused, 1);
}

#[test]
fn a_second_login_of_a_name_is_refused_or_takes_the_place_of_the_first() {
    let mut world = world(Settings::DEFAULT);
    let mut first = join(&mut world, "ana");
    assert_eq!(join(&mut world, "ana").bye, Some(Code::NameInUse));
    // The same client again, which has noticed before the tracker that its stream is dead.
    let mut again = Speaker::new("ana");
    again.resume = first.resume;
    assert!(again.join(&mut world));
    assert!(again.me.is_some());
    first.listen(&mut world);
    assert_eq!(first.bye, Some(Code::Replaced));

    let mut world = World::new(tracker(Settings { same_name: SameName::Replace, ..Settings::DEFAULT }));
    let mut first = join(&mut world, "ana");
    assert!(join(&mut world, "ana").me.is_some());
    first.listen(&mut world);
    assert_eq!((first.bye, world.tracker.online()), (Some(Code::Replaced), 1));
}

#[test]
fn who_resumes_takes_his_seat_with_him_whoever_waits() {
    let mut world = world(Settings { seats: 1, ..Settings::DEFAULT });
    let mut ana = join(&mut world, "ana");
    let mut bob = join(&mut world, "bob");
    let first = ana.stream;
    assert!(ana.join(&mut world));
    bob.listen(&mut world);
    assert!(ana.me.is_some() && bob.me.is_none());
    assert_eq!((world.tracker.seats_taken(), world.tracker.waiting()), (1, 1));
    assert_eq!(world.read(first), [0, 2, 0x2c, 17]);
    // So does who has forgotten all but his key.
    world.close(ana.stream, Closed::Broken);
    bob.listen(&mut world);
    bob.say(&mut world, &Request::Logout);
    world.run();
    let first = ana_with_key(&mut world, 1);
    let mut bob = join(&mut world, "bob");
    let mut again = ana_with_key(&mut world, 1);
    world.pass(SECOND * 3);
    for speaker in [&mut again, &mut bob] {
        speaker.listen(&mut world);
    }
    assert!(again.me.is_some() && bob.me.is_none());
    assert_eq!((world.tracker.seats_taken(), world.tracker.waiting()), (1, 1));
    // It is his who waits when there is nobody else for it.
    world.close(first.stream, Closed::Broken);
    world.close(again.stream, Closed::Broken);
    bob.listen(&mut world);
    assert!(bob.me.is_some());
}

/// Somebody called ana with this key logs in; the answer is still to come.
fn ana_with_key(world: &mut World<Small>, key: u8) -> Speaker {
    let mut ana = Speaker::new("ana");
    assert!(ana.join_from(world, &Peer { key: Some([key; 32]), ..Peer::at(IpAddr::from([10, 0, 0, key])) }));
    ana
}

#[test]
fn who_comes_again_with_his_key_takes_the_place_of_what_is_left_of_him() {
    let mut world = world(Settings { seats: 1, ..Settings::DEFAULT });
    let mut first = ana_with_key(&mut world, 1);
    let mut again = ana_with_key(&mut world, 1);
    again.publish(&mut world, "x", 5);
    for _ in 0..29 {
        world.pass(SECOND / 10);
    }
    again.listen(&mut world);
    assert_eq!((again.me, again.bye, world.tracker.files()), (None, None, 0));
    world.pass(SECOND / 2);
    first.listen(&mut world);
    again.listen(&mut world);
    assert_eq!((first.bye, again.bye), (Some(Code::Replaced), None));
    assert!(again.me.is_some() && first.pings > 0);
    assert_eq!((world.tracker.online(), world.tracker.seats_taken(), world.tracker.files()), (1, 1, 1));
}

#[test]
fn who_is_there_and_says_so_keeps_his_place_from_his_own_key_too() {
    let mut world = world(Settings::DEFAULT);
    let mut first = ana_with_key(&mut world, 1);
    let mut again = ana_with_key(&mut world, 1);
    first.listen(&mut world);
    assert_eq!((first.pings, again.bye), (1, None));
    world.pass(SECOND / 10);
    first.say(&mut world, &Request::Pong);
    world.pass(SECOND / 2);
    again.listen(&mut world);
    first.listen(&mut world);
    assert_eq!((first.bye, again.bye), (None, Some(Code::NameInUse)));
    // Another key, or none, need not wait for that, and is no reason to ask.
    let (asked, mut other) = (first.pings, ana_with_key(&mut world, 2));
    let mut nobody = join(&mut world, "ana");
    for speaker in [&mut other, &mut nobody, &mut first] {
        speaker.listen(&mut world);
    }
    assert_eq!((other.bye, nobody.bye), (Some(Code::NameInUse), Some(Code::NameInUse)));
    assert_eq!((first.pings, world.tracker.online()), (asked, 1));
    // Who has left meanwhile keeps nobody waiting.
    let mut last = ana_with_key(&mut world, 1);
    world.close(first.stream, Closed::Broken);
    world.pass(SECOND / 2);
    last.listen(&mut world);
    assert!(last.me.is_some() && world.tracker.online() == 1);
}

#[test]
fn who_leaves_while_he_waits_for_himself_leaves_nothing() {
    let mut world = world(Settings::DEFAULT);
    let mut first = ana_with_key(&mut world, 1);
    let again = ana_with_key(&mut world, 1);
    world.close(again.stream, Closed::Broken);
    world.pass(SECOND * 4);
    first.listen(&mut world);
    assert_eq!((first.bye, world.tracker.online(), world.tracker.links()), (None, 1, 1));
}

#[test]
fn a_member_to_whom_nothing_happens_keeps_room_for_nothing() {
    let mut world = world(Settings::DEFAULT);
    let keeps = |world: &World<Small>| {
        let links = &world.tracker.links;
        links.numbers().filter(|&number| links.get(number).unwrap().work().is_some()).count()
    };
    let (ana, mut ben) = (join(&mut world, "ana"), join(&mut world, "ben"));
    assert_eq!(keeps(&world), 0);
    ana.publish(&mut world, "x", 5);
    world.pass(SECOND);
    ben.listen(&mut world);
    assert_eq!((keeps(&world), ben.files.len()), (0, 1));
    ben.fetch(&mut world, 1, Way::Direct, "ana", "x");
    world.pass(SECOND);
    assert_eq!(keeps(&world), 2);
    world.pass(Settings::DEFAULT.answer_timeout + SECOND);
    assert_eq!((keeps(&world), world.tracker.transfers()), (0, 0));
}

#[test]
fn the_application_learns_by_which_name_somebody_was_refused() {
    let mut world = world(Settings { anonymous: false, ..Settings::DEFAULT });
    let stream = world.open(Dialect::Session, &Peer::at(IpAddr::from([1, 1, 1, 1]))).unwrap();
    let (resume, name) = ([0; 16], b"ana".as_slice());
    let login = Request::Login { version: 1, wants_list: true, epoch: 0, number: 0, resume, door: 0, name };
    let mut room = [0; 512];
    let length = login.emit(&mut room).unwrap();
    assert_eq!(world.tracker.received(world.now, StreamId(stream), &room[..length]), length);
    let refused = loop {
        match world.tracker.poll(world.now, &mut room) {
            Action::Event(Event::Refused { stream, .. }) => break stream,
            Action::Wait(_) => panic!("nobody was refused"),
            _ => {}
        }
    };
    let mut name = [0; 64];
    assert_eq!(world.tracker.refused_name(refused, &mut name).unwrap().as_str(), "ana");
    world.run();
    assert_eq!((world.tracker.refused_name(refused, &mut name), world.tracker.chunks()), (None, 0));
}

#[test]
fn the_dead_are_found_and_announced() {
    let mut world = world(Settings::DEFAULT);
    let (mut ana, mut eva) = (join(&mut world, "ana"), join(&mut world, "eva"));
    for second in 0..61 {
        world.pass(SECOND);
        eva.listen(&mut world);
        ana.listen(&mut world);
        if second % 10 == 0 {
            eva.say(&mut world, &Request::Ping);
            world.run();
        }
    }
    assert_eq!((ana.pings, ana.bye), (1, Some(Code::Silent)));
    assert_eq!((eva.pings, eva.users.len(), world.tracker.online()), (0, 0, 1));
    assert_eq!(eva.heard.iter().filter(|heard| *heard == "Pong").count(), 6);
}

#[test]
fn who_answers_a_ping_lives() {
    let mut world = world(Settings::DEFAULT);
    let mut ana = join(&mut world, "ana");
    for _ in 0..fewer(300, 65) {
        world.pass(SECOND);
        let before = ana.pings;
        ana.listen(&mut world);
        if ana.pings > before {
            ana.say(&mut world, &Request::Pong);
            world.run();
        }
    }
    assert_eq!((ana.bye, ana.pings), (None, fewer(10, 2)));
}

#[test]
fn a_client_that_takes_nothing_in_is_let_go() {
    let mut world = world(Settings::DEFAULT);
    let (ana, eva) = (join(&mut world, "ana"), join(&mut world, "eva"));
    world.streams.get_mut(&eva.stream).unwrap().pace = 0;
    for number in 0..fewer(200, 45) {
        world.pass(SECOND * fewer(1, 3));
        ana.publish(&mut world, "x", number);
        eva.say(&mut world, &Request::Ping);
        world.run();
    }
    assert!(world.streams[&eva.stream].aborted);
    assert_eq!(world.tracker.online(), 1);
}

#[test]
fn names_that_cannot_be_used_are_refused() {
    let mut world = world(Settings::DEFAULT);
    for name in [b"".as_slice(), b"a\0b", b"a\nb", b"\xff\xfe", b"\x1b[2J", &[b'x'; 65], &[b'x'; 255]] {
        let mut ana = Speaker::new("");
        ana.stream = world.open(Dialect::Session, &Peer::at(IpAddr::from([1, 1, 1, 1]))).unwrap();
        let login = Request::Login {
            version: 1,
            wants_list: true,
            epoch: 0,
            number: 0,
            resume: [0; 16],
            door: 0,
            name,
        };
        ana.say(&mut world, &login);
        world.run();
        ana.listen(&mut world);
        assert_eq!(ana.bye, Some(Code::BadName));
        world.finish(ana.stream);
        world.tidy();
    }
    assert_eq!((world.tracker.links(), world.tracker.chunks()), (0, 0));
}

#[test]
fn who_has_an_account_logs_in_by_its_name_and_no_other() {
    let mut world = World::new(tracker(Settings { anonymous: false, ..Settings::DEFAULT }));
    let address = IpAddr::from([1, 1, 1, 1]);
    let account = |name| Peer { account: Text::new(name).ok(), ..Peer::at(address) };
    for (peer, expected) in [
        (Peer::at(address), Some(Code::NotAllowed)),
        (account(b"eva"), Some(Code::NotAllowed)),
        (account(b"ana"), None),
    ] {
        let mut ana = Speaker::new("ana");
        assert!(ana.join_from(&mut world, &peer));
        assert_eq!(ana.bye, expected);
    }
    let mut eva = Speaker::new("eva");
    let rights = Rights { publish: false, fetch: false };
    assert!(eva.join_from(&mut world, &Peer { rights, ..account(b"eva") }));
    eva.publish(&mut world, "x", 1);
    eva.fetch(&mut world, 2, Way::Direct, "ana", "x");
    world.run();
    eva.listen(&mut world);
    assert_eq!(eva.failed, [(1, Code::NotAllowed), (2, Code::NotAllowed)]);
}

/// The questions that the application was asked.
fn asked(world: &mut World<Small>) -> Vec<Ask> {
    let asks = world.events.drain(..).filter_map(|event| match event {
        Event::Asks { ask, .. } => Some(ask),
        _ => None,
    });
    asks.collect()
}

#[test]
fn nobody_is_let_in_before_the_application_has_said_so() {
    let mut world = world(Settings { asks: true, ..Settings::DEFAULT });
    let peer = |key| Peer { key: Some([key; 32]), ..Peer::at(IpAddr::from([1, 1, 1, key])) };
    let (mut ana, mut eva) = (Speaker::new("ana"), Speaker::new("eva"));
    assert!(ana.join_from(&mut world, &peer(1)) && eva.join_from(&mut world, &peer(2)));
    // What is said meanwhile waits.
    ana.publish(&mut world, "x", 5);
    world.pass(SECOND);
    assert_eq!((world.tracker.online(), world.tracker.files()), (0, 0));
    let asks = asked(&mut world);
    let mut room = [0; 64];
    let (name, address, key) = world.tracker.asked(asks[0], &mut room).unwrap();
    assert_eq!((name.as_str(), address, key), ("ana", IpAddr::from([1, 1, 1, 1]), Some([1; 32])));
    world.tracker.decided(world.now, asks[0], Ok(()));
    world.tracker.decided(world.now, asks[1], Err(Code::NotAllowed));
    world.run();
    for speaker in [&mut ana, &mut eva] {
        speaker.listen(&mut world);
    }
    assert!(ana.me.is_some() && ana.heard.iter().any(|heard| heard.starts_with("Done")), "{:?}", ana.heard);
    assert_eq!((eva.me, eva.bye), (None, Some(Code::NotAllowed)));
    assert_eq!((world.tracker.online(), world.tracker.files()), (1, 1));
    let there: Vec<_> = world.tracker.users().filter_map(|user| world.tracker.whereabouts(user)).collect();
    assert_eq!((there.len(), there[0].key, there[0].files), (1, Some([1; 32]), 1));
    // An answer that was given already changes nothing.
    world.tracker.decided(world.now, asks[0], Err(Code::NotAllowed));
    world.run();
    assert_eq!(world.tracker.online(), 1);
}

#[test]
fn an_answer_for_a_stream_that_has_gone_lets_in_nobody_else() {
    let mut world = world(Settings { asks: true, ..Settings::DEFAULT });
    let ana = join(&mut world, "ana");
    let old = asked(&mut world)[0];
    world.close(ana.stream, Closed::Broken);
    let mut eva = join(&mut world, "eva");
    world.tracker.decided(world.now, old, Ok(()));
    world.pass(Duration::from_secs(10));
    eva.listen(&mut world);
    // Nobody has answered for her: she is told so.
    assert_eq!((eva.bye, world.tracker.online()), (Some(Code::Silent), 0));
    world.finish(eva.stream);
    world.tidy();
    assert_eq!((world.tracker.links(), world.tracker.chunks()), (0, 0));
}

#[test]
fn who_resumes_takes_his_own_place_when_the_application_lets_him_in_and_not_before() {
    let mut world = world(Settings { asks: true, ..Settings::DEFAULT });
    let mut ana = join(&mut world, "ana");
    let answer = |world: &mut World<Small>, answer| {
        let ask = asked(world)[0];
        world.tracker.decided(world.now, ask, answer);
        world.run();
    };
    answer(&mut world, Ok(()));
    ana.listen(&mut world);
    let first = ana.stream;
    // Somebody else of that name is refused, although the application has nothing against him.
    let mut other = join(&mut world, "ana");
    answer(&mut world, Ok(()));
    other.listen(&mut world);
    assert_eq!(other.bye, Some(Code::NameInUse));
    assert!(ana.join(&mut world));
    assert!(world.read(first).is_empty());
    answer(&mut world, Ok(()));
    ana.listen(&mut world);
    assert!(ana.me.is_some() && world.tracker.online() == 1);
    assert_eq!(world.read(first), [0, 2, 0x2c, 17]);
}

#[test]
fn who_has_to_be_stored_first_has_a_seat_meanwhile_or_is_asked_about_again() {
    let mut world = world(Settings { asks: true, seats: 1, waiting: 2, ..Settings::DEFAULT });
    let seats = |world: &World<Small>| (world.tracker.seats_taken(), world.tracker.waiting());
    let come = |world: &mut World<Small>, name, is_free| {
        let speaker = join(world, name);
        let ask = asked(world)[0];
        assert_eq!(world.tracker.hold_seat(world.now, ask), is_free, "{name}");
        world.run();
        (speaker, ask)
    };
    let (mut ana, first) = come(&mut world, "ana", true);
    let (mut eva, late) = come(&mut world, "eva", false);
    let (mut bob, _) = come(&mut world, "bob", false);
    let (mut dan, _) = come(&mut world, "dan", false);
    assert_eq!(seats(&world), (1, 2));
    world.tracker.decided(world.now, first, Ok(()));
    // There was nothing to decide.
    world.tracker.decided(world.now, late, Ok(()));
    world.run();
    for speaker in [&mut ana, &mut eva, &mut dan] {
        speaker.listen(&mut world);
    }
    assert!(ana.me.is_some() && eva.me.is_none() && dan.bye == Some(Code::NoSeat));
    // One that was kept, and is not taken, goes to the next.
    ana.say(&mut world, &Request::Logout);
    world.run();
    let ask = asked(&mut world)[0];
    assert_eq!(seats(&world), (1, 1));
    assert!(world.tracker.hold_seat(world.now, ask) && world.tracker.hold_seat(world.now, ask));
    world.tracker.decided(world.now, ask, Err(Code::Full));
    world.run();
    let ask = asked(&mut world)[0];
    assert_eq!(seats(&world), (1, 0));
    world.tracker.decided(world.now, ask, Ok(()));
    world.run();
    for speaker in [&mut eva, &mut bob] {
        speaker.listen(&mut world);
    }
    assert!(eva.bye == Some(Code::Full) && bob.me.is_some());
    assert_eq!(seats(&world), (1, 0));
}

#[test]
fn a_seat_that_is_kept_for_somebody_who_goes_or_hears_nothing_is_free_again() {
    let mut world = world(Settings { asks: true, seats: 1, waiting: 1, ..Settings::DEFAULT });
    for leaves in [true, false] {
        let (ana, mut eva) = (join(&mut world, "ana"), join(&mut world, "eva"));
        let asks = asked(&mut world);
        assert!(world.tracker.hold_seat(world.now, asks[0]) && !world.tracker.hold_seat(world.now, asks[1]));
        if leaves {
            world.close(ana.stream, Closed::Broken);
        } else {
            world.pass(Duration::from_secs(10));
        }
        world.run();
        let ask = asked(&mut world)[0];
        assert_eq!((world.tracker.seats_taken(), world.tracker.waiting()), (1, 0));
        world.tracker.decided(world.now, ask, Ok(()));
        world.run();
        eva.listen(&mut world);
        assert!(eva.me.is_some());
        eva.say(&mut world, &Request::Logout);
        world.run();
        assert_eq!(world.tracker.seats_taken(), 0);
        world.events.clear();
    }
}

#[test]
fn a_stream_that_says_nothing_is_let_go() {
    let mut world = World::new(Tracker::<Fixed<1, 1, 1, 8, 1, 1>>::fixed(Settings::DEFAULT, [1; 32]));
    let stream = world.open(Dialect::Session, &Peer::at(IpAddr::from([1, 1, 1, 1]))).unwrap();
    assert!(world.open(Dialect::Session, &Peer::at(IpAddr::from([1, 1, 1, 1]))).is_none());
    world.write(stream, &[0]);
    world.pass(Duration::from_secs(10));
    assert!(world.streams[&stream].finished);
    world.pass(Duration::from_secs(5));
    assert!(world.streams[&stream].aborted);
    world.tidy();
    assert_eq!((world.tracker.links(), world.wait, world.tracker.counters().turned_away), (0, None, 1));
}

#[test]
fn who_asks_for_a_file_is_told_at_once_that_nobody_understands_him() {
    let mut world = world(Settings::DEFAULT);
    for dialect in [Dialect::Session, Dialect::Relay] {
        let stream = world.open(dialect, &Peer::at(IpAddr::from([10, 0, 0, 9]))).unwrap();
        // The beginning of a client of files that asks for one; as a message it would be 266 bytes long.
        world.write(stream, &[1, 10, 0]);
        world.run();
        assert_eq!(world.read(stream), [0, 2, 0x2c, 1]);
    }
}

#[test]
fn a_tracker_of_one_of_everything_works() {
    let mut world = World::new(Tracker::<Fixed<1, 1, 1, 8, 1, 1>>::fixed(Settings::DEFAULT, [1; 32]));
    for round in 0..fewer(20, 2) {
        let mut ana = Speaker::new(&format!("ana{round}"));
        assert!(ana.join(&mut world));
        ana.publish(&mut world, "x", 1);
        ana.publish(&mut world, "y", 1);
        world.run();
        ana.listen(&mut world);
        assert_eq!(
            (ana.heard.as_slice(), ana.failed.as_slice()),
            (&["Done { tag: 1 }".to_owned()][..], &[(1, Code::Full)][..])
        );
        world.close(ana.stream, Closed::Broken);
        assert_eq!((world.tracker.links(), world.tracker.files(), world.tracker.chunks()), (0, 0, 0));
    }
}

#[test]
fn however_many_files_are_shared_there_is_room_for_who_comes() {
    let mut world = World::new(Tracker::<Fixed<4, 4, 64, 64, 16, 8>>::fixed(Settings::DEFAULT, [1; 32]));
    let mut ana = Speaker::new("ana");
    assert!(ana.join(&mut world));
    for file in 0..64 {
        // Long names first, and short ones for what these leave.
        let name = if file < 32 { format!("{file:024}") } else { file.to_string() };
        ana.publish(&mut world, &name, 1);
        world.run();
        ana.listen(&mut world);
    }
    assert!(
        ana.failed.iter().all(|&(_, code)| code == Code::Full) && !ana.failed.is_empty(),
        "{:?}",
        ana.failed
    );
    let mut ben = Speaker::new("ben");
    assert!(ben.join(&mut world) && ben.bye.is_none(), "{:?}", ben.bye);
}

#[test]
fn malformed_messages_end_their_own_session_and_nothing_else() {
    let mut login = [0; 512];
    let length = Request::Login {
        version: 1,
        wants_list: true,
        epoch: 0,
        number: 0,
        resume: [0; 16],
        door: 0,
        name: b"eva",
    }
    .emit(&mut login)
    .unwrap();
    let login = &login[..length];
    let again: &[u8] = login;
    for bytes in [&[0, 0][..], &[0, 1, 3], &[0, 2, 4, 0], &[0, 6, 4, 0, 0, 0, 0, 9], again, b"\x00\x01\x02"] {
        let mut world = world(Settings::DEFAULT);
        let mut ana = join(&mut world, "ana");
        let mut eva = join(&mut world, "eva");
        world.write(eva.stream, bytes);
        world.pass(SECOND);
        eva.listen(&mut world);
        ana.listen(&mut world);
        assert_eq!(
            (eva.bye, ana.users.len(), world.tracker.online()),
            (Some(Code::Malformed), 0, 1),
            "{bytes:?}"
        );
        assert_eq!(world.tracker.counters().malformed, 1);
    }
}

#[test]
fn what_is_not_known_is_skipped_or_answered_however_long_it_is() {
    const LONGEST: u16 = fewer(u16::MAX, 3_000);
    for chunk in [fewer(1, 1_000), fewer(7, 7_777), usize::MAX] {
        let mut world = world(Settings::DEFAULT);
        world.chunk = chunk;
        let mut ana = join(&mut world, "ana");
        world.write(ana.stream, &[0, 3, 0x80, 1, 2]);
        world.write(ana.stream, &[0, 3, 0x11, 1, 2]);
        for kind in [0xff, 0x12, 0x03] {
            let [high, low] = LONGEST.to_be_bytes();
            world.write(ana.stream, &[high, low, kind]);
            world.write(ana.stream, &[7; LONGEST as usize - 1]);
        }
        ana.say(&mut world, &Request::Ping);
        world.run();
        ana.listen(&mut world);
        let unsupported = |kind: u8| format!("Unsupported {{ kind: {kind} }}");
        assert_eq!(ana.heard, [unsupported(0x11), unsupported(0x12), unsupported(3), "Pong".into()]);
        assert_eq!((ana.bye, world.tracker.counters().unknown), (None, 5));
    }
}

#[test]
fn a_dismissed_user_is_told_so() {
    let mut world = world(Settings::DEFAULT);
    let mut ana = join(&mut world, "ana");
    let now = world.now;
    assert!(world.tracker.dismiss(now, Text::new(b"ana").unwrap()));
    assert!(!world.tracker.dismiss(now, Text::new(b"ana").unwrap()));
    world.run();
    ana.listen(&mut world);
    assert_eq!((ana.bye, world.tracker.online()), (Some(Code::Dismissed), 0));
}

#[test]
fn a_message_is_taken_in_any_pieces_and_a_piece_is_not_offered_again() {
    for piece in [1, 2, 3, 20, 50].into_iter().skip(fewer(0, 3)) {
        let mut world = world(Settings::DEFAULT);
        let stream = world.open(Dialect::Session, &Peer::at(IpAddr::from([1, 1, 1, 1]))).unwrap();
        let mut bytes = Vec::new();
        let mut out = [0; 512];
        let (resume, name) = ([0; 16], b"ana".as_slice());
        let login =
            Request::Login { version: 1, wants_list: true, epoch: 0, number: 0, resume, door: 0, name };
        for request in [login, Request::Publish { tag: 1, file: info(5), name: &[b'x'; 200] }, Request::Ping]
        {
            let length = request.emit(&mut out).unwrap();
            bytes.extend(&out[..length]);
        }
        for piece in bytes.chunks(piece) {
            assert_eq!(world.tracker.received(world.now, StreamId(stream), piece), piece.len());
            world.run();
        }
        assert_eq!((world.tracker.online(), world.tracker.files()), (1, 1));
        let said = world.read(stream);
        assert!(said.windows(3).any(|message| message == [0, 1, 0x7f]), "{said:?}");
        // What is cut and never goes on takes no room for ever.
        assert_eq!(world.tracker.received(world.now, StreamId(stream), &[0, 200, 3, 1, 2]), 5);
        world.close(stream, Closed::Broken);
        assert_eq!((world.tracker.links(), world.tracker.chunks()), (0, 0));
    }
}
