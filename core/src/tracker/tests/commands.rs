//! Commands, by what a client writes to the byte.

use super::{Small, speaker::Speaker, tracker, world::World};
use crate::{
    miri::fewer,
    stream::{Closed, Fault},
    tracker::{Dialect, Event, Fixed, Peer, Record, Settings, Ticket, Tracker, UserId, directory::Standing},
    wire::{
        Text,
        session::{Code, FileInfo, Way},
    },
};
use core::{net::IpAddr, time::Duration};

const SECOND: Duration = Duration::from_secs(1);
const DATE: &[u8] = b"31/12/2024 23:59:58\0";

fn world() -> World<Small> {
    World::new(tracker(Settings::DEFAULT))
}

fn open(world: &mut World<Small>, address: [u8; 4]) -> u32 {
    world.open(Dialect::Command, &Peer::at(IpAddr::from(address))).unwrap()
}

/// One request from this address: what is answered before the tracker finishes.
fn ask_from(world: &mut World<Small>, address: [u8; 4], request: &[u8]) -> Vec<u8> {
    let stream = open(world, address);
    world.write(stream, request);
    world.run();
    let answer = world.read(stream);
    assert!(world.streams[&stream].finished, "{request:?}");
    world.finish(stream);
    world.tidy();
    answer
}

fn ask(world: &mut World<Small>, request: &[u8]) -> Vec<u8> {
    ask_from(world, [10, 0, 0, 1], request)
}

/// Requests and their results, in order.
fn check(world: &mut World<Small>, steps: &[(&[u8], u8)]) {
    for (request, result) in steps {
        assert_eq!(ask(world, request), [*result], "{:?}", String::from_utf8_lossy(request));
    }
}

#[test]
fn nobody_is_there_by_command_before_the_application_has_said_so() {
    let mut world = World::new(tracker(Settings { asks: true, ..Settings::DEFAULT }));
    check(&mut world, &[(b"REGISTER\0ana\0", 0), (b"CONNECT\0eva\x004000\0", 1)]);
    for (decision, result, online) in [(Err(Code::NotAllowed), 3, 0), (Ok(()), 0, 1)] {
        world.events.clear();
        let stream = open(&mut world, [10, 0, 0, 1]);
        world.write(stream, b"CONNECT\0ana\x004000\0");
        world.run();
        assert_eq!((world.read(stream).as_slice(), world.tracker.online()), (&[][..], 0));
        let [Event::Asks { ask, .. }] = world.events[..] else { panic!("{:?}", world.events) };
        let mut room = [0; 255];
        let (name, address, key) = world.tracker.asked(ask, &mut room).unwrap();
        assert_eq!((name.as_str(), address, key), ("ana", IpAddr::from([10, 0, 0, 1]), None));
        assert!(world.tracker.is_asked_by_command(ask) && world.tracker.hold_seat(world.now, ask));
        world.tracker.decided(world.now, ask, decision);
        // It is answered already.
        world.tracker.decided(world.now, ask, Ok(()));
        world.run();
        assert_eq!((world.read(stream), world.tracker.online()), (vec![result], online));
        world.finish(stream);
        world.tidy();
    }
    // Who is there is asked about no more.
    world.events.clear();
    check(&mut world, &[(b"CONNECT\0ana\x004000\0", 2)]);
    assert!(world.events.is_empty());
}

#[test]
fn every_command_has_every_result_of_its_table() {
    let mut world = world();
    check(
        &mut world,
        &[
            (b"CONNECT\0ana\x004000\0", 1),
            (b"DISCONNECT\0ana\0", 1),
            (b"PUBLISH\0ana\0x\0text\0", 1),
            (b"DELETE\0ana\0x\0", 1),
            (b"LIST_USERS\0ana\0", 1),
            (b"LIST_CONTENT\0ana\0eva\0", 1),
            (b"UNREGISTER\0ana\0", 1),
            (b"REGISTER\0ana\0", 0),
            (b"REGISTER\0ana\0", 1),
            (b"DISCONNECT\0ana\0", 2),
            (b"PUBLISH\0ana\0x\0text\0", 2),
            (b"DELETE\0ana\0x\0", 2),
            (b"LIST_USERS\0ana\0", 2),
            (b"LIST_CONTENT\0ana\0ana\0", 2),
            (b"CONNECT\0ana\0none\0", 3),
            (b"CONNECT\0ana\x000\0", 3),
            (b"CONNECT\0ana\x0065536\0", 3),
            (b"CONNECT\0ana\x004000\0", 0),
            (b"CONNECT\0ana\x004001\0", 2),
            (b"PUBLISH\0ana\0x\0some text\0", 0),
            (b"PUBLISH\0ana\0x\0some text\0", 3),
            (b"PUBLISH\0ana\0/tmp/a b\0\0", 0),
            (b"PUBLISH\0ana\0\0text\0", 4),
            (b"PUBLISH\0ana\0a\nb\0text\0", 4),
            (b"DELETE\0ana\0y\0", 3),
            (b"LIST_CONTENT\0ana\0eva\0", 3),
            (b"LIST_CONTENT\0ana\0\0", 4),
        ],
    );
    assert_eq!(ask(&mut world, b"LIST_CONTENT\0ana\0ana\0"), b"\x002\0x\0/tmp/a b\0");
    assert_eq!(ask(&mut world, b"LIST_USERS\0ana\0"), b"\x001\0ana\x0010.0.0.1\x004000\0");
    check(&mut world, &[(b"DELETE\0ana\0x\0", 0), (b"DELETE\0ana\0x\0", 3), (b"DISCONNECT\0ana\0", 0)]);
    // What was published outlives the disconnection, for others too.
    check(&mut world, &[(b"REGISTER\0eva\0", 0), (b"CONNECT\0eva\x005000\0", 0)]);
    assert_eq!(ask(&mut world, b"LIST_CONTENT\0eva\0ana\0"), b"\x001\0/tmp/a b\0");
    check(
        &mut world,
        &[(b"UNREGISTER\0ana\0", 0), (b"LIST_CONTENT\0eva\0ana\0", 3), (b"REGISTER\0ana\0", 0)],
    );
    assert_eq!(ask(&mut world, b"LIST_CONTENT\0eva\0ana\0"), b"\x000\0");
    // An account can go while its user is there.
    check(&mut world, &[(b"UNREGISTER\0eva\0", 0), (b"UNREGISTER\0ana\0", 0)]);
    assert_eq!((world.tracker.online(), world.tracker.files(), world.tracker.chunks()), (0, 0, 0));
}

#[test]
fn names_that_cannot_be_used_get_the_last_result() {
    let long = [b'x'; 256];
    let mut world = world();
    for (operation, rest, last) in [
        ("REGISTER", "", 2),
        ("UNREGISTER", "", 2),
        ("CONNECT", "4000\0", 3),
        ("DISCONNECT", "", 3),
        ("PUBLISH", "x\0text\0", 4),
        ("DELETE", "x\0", 4),
        ("LIST_USERS", "", 3),
        ("LIST_CONTENT", "ana\0", 4),
    ] {
        for name in [b"".as_slice(), b"a\nb", b"\x1b[2J", b"\xff\xfe", b"\xc2\x85", &long] {
            let request = [operation.as_bytes(), b"\0", name, b"\0", rest.as_bytes()].concat();
            assert_eq!(ask(&mut world, &request), [last], "{operation} {name:?}");
            assert_eq!(world.tracker.chunks(), 0);
        }
    }
    let longest = [b"REGISTER\0".as_slice(), &long[1..], b"\0"].concat();
    assert_eq!(ask(&mut world, &longest), [0]);
}

#[test]
fn a_string_that_is_too_long_is_refused_before_it_ends_wherever_it_stands() {
    let mut world = world();
    check(&mut world, &[(b"REGISTER\0ana\0", 0), (b"CONNECT\0ana\x004000\0", 0)]);
    let long = [b'x'; 300];
    for (start, last) in [
        (b"PUBLISH\0ana\0".as_slice(), 4),
        (b"PUBLISH\0ana\0x\0", 4),
        (b"CONNECT\0ana\0", 3),
        (b"LIST_CONTENT\0ana\0", 4),
    ] {
        assert_eq!(ask(&mut world, &[start, &long].concat()), [last]);
    }
    let all = [b"PUBLISH\0ana\0".as_slice(), &long[..255], b"\0", &long[..255], b"\0"].concat();
    assert_eq!(ask(&mut world, &all), [0]);
}

#[test]
fn requests_come_in_any_pieces_in_any_case_and_with_a_date_or_without() {
    let split = |request: &[u8]| {
        let name = request.iter().position(|&byte| byte == 0).unwrap() + 1;
        [&request[..name], DATE, &request[name..]].concat()
    };
    for chunk in [1, 2, 5, usize::MAX].into_iter().skip(fewer(0, 2)) {
        for dated in [false, true] {
            let mut world = world();
            world.chunk = chunk;
            let steps: [(&[u8], &[u8]); 7] = [
                (b"register\0ana\0", &[0]),
                (b"Connect\0ana\x004000\0", &[0]),
                (b"PUBLISH\0ana\0x\0text\0", &[0]),
                (b"LIST_users\0ana\0", b"\x001\0ana\x0010.0.0.1\x004000\0"),
                (b"LIST_CONTENT\0ana\0ana\0", b"\x001\0x\0"),
                (b"DELETE\0ana\0x\0", &[0]),
                (b"DISCONNECT\0ana\0", &[0]),
            ];
            for (request, answer) in steps {
                let request = if dated { split(request) } else { request.to_vec() };
                assert_eq!(ask(&mut world, &request), answer, "{chunk} {dated}");
            }
        }
    }
}

#[test]
fn a_second_date_is_a_name() {
    let mut world = world();
    let request = [b"REGISTER\0".as_slice(), DATE, DATE].concat();
    assert_eq!(ask(&mut world, &request), [0]);
    assert!(world.tracker.directory.user_named(&DATE[..19]).is_some());
}

#[test]
fn what_follows_a_request_is_nothing() {
    let mut world = world();
    assert_eq!(ask(&mut world, b"REGISTER\0ana\0REGISTER\0eva\0"), [0]);
    assert!(world.tracker.directory.user_named(b"eva").is_none());
}

#[test]
fn who_stops_in_the_middle_is_let_go_after_a_while_and_holds_nobody_up() {
    for request in [
        b"".as_slice(),
        b"REGIS",
        b"REGISTER\0ana",
        b"PUBLISH\0ana\0x\0text",
        b"REGISTER\x0031/12/2024 23:59:58\0",
    ] {
        let mut world = world();
        let stream = open(&mut world, [1, 1, 1, 1]);
        world.write(stream, request);
        world.pass(Duration::from_secs(9));
        assert!(!world.streams[&stream].finished);
        assert_eq!(ask(&mut world, b"REGISTER\0other\0"), [0]);
        world.pass(SECOND);
        assert!(world.streams[&stream].finished && world.read(stream).is_empty());
        world.pass(Duration::from_secs(5));
        assert!(world.streams[&stream].aborted);
        world.tidy();
        assert_eq!((world.tracker.links(), world.tracker.counters().commands_broken), (0, 1));
        assert!(world.tracker.directory.user_named(b"ana").is_none());
    }
}

#[test]
fn a_client_that_ends_in_the_middle_and_one_that_says_nonsense_are_let_go_at_once() {
    let mut world = world();
    for request in [b"REGISTER\0ana".as_slice(), b""] {
        let stream = open(&mut world, [1, 1, 1, 1]);
        world.write(stream, request);
        world.finish(stream);
        assert!(world.streams[&stream].finished && world.read(stream).is_empty());
        world.tidy();
    }
    for request in
        [b"HELLO\0ana\0".as_slice(), b"\0", b"GET_FILE\0x\0", b"REGISTERREGISTER", b"\xff\xff\xff\0"]
    {
        assert_eq!(ask(&mut world, request), [0_u8; 0]);
    }
    assert_eq!(world.tracker.links(), 0);
}

#[test]
fn a_change_is_answered_when_it_is_stored_and_undone_when_it_could_not_be() {
    let mut world = world();
    world.stores = false;
    let mut run = |request: &[u8], outcome: Result<(), Fault>, closes: bool| {
        let stream = open(&mut world, [1, 1, 1, 1]);
        world.write(stream, request);
        world.run();
        assert!(world.read(stream).is_empty());
        let Some(Event::Store { ticket, record }) = world.events.pop() else { panic!() };
        let mut room = [0; 255];
        let name = match record {
            Record::Register(user) | Record::Unregister(user) => world.tracker.user_name(user, &mut room),
            Record::Publish(entry) | Record::Delete(entry) => {
                world.tracker.entry_name(entry, &mut room).map(|(_, name)| name)
            }
        };
        assert!(request.windows(name.unwrap().as_str().len()).any(|part| part == name.unwrap().as_bytes()));
        // Nobody else can change it meanwhile.
        let other = open(&mut world, [1, 1, 1, 1]);
        world.write(other, request);
        world.run();
        assert!(world.read(other)[0] > 0);
        if closes {
            world.close(stream, Closed::Broken);
        }
        let now = world.now;
        world.tracker.committed(now, ticket, outcome);
        world.tracker.committed(now, ticket, outcome);
        world.run();
        let answer = world.read(stream);
        world.finish(other);
        world.finish(stream);
        world.tidy();
        world.events.clear();
        answer
    };
    assert_eq!(run(b"REGISTER\0ana\0", Err(Fault::NoSpace), false), [2]);
    assert_eq!(run(b"REGISTER\0ana\0", Ok(()), true), [0_u8; 0]);
    assert_eq!(run(b"UNREGISTER\0ana\0", Err(Fault::NoSpace), false), [2]);
    assert_eq!(run(b"UNREGISTER\0ana\0", Ok(()), true), [0_u8; 0]);
    assert_eq!(run(b"REGISTER\0ana\0", Ok(()), false), [0]);
    world.stores = true;
    check(&mut world, &[(b"CONNECT\0ana\x004000\0", 0)]);
    world.stores = false;
    world.events.clear();
    let mut run = |request: &[u8], outcome: Result<(), Fault>| {
        let stream = open(&mut world, [1, 1, 1, 1]);
        world.write(stream, request);
        world.run();
        let Some(Event::Store { ticket, .. }) = world.events.pop() else { panic!() };
        let now = world.now;
        world.tracker.committed(now, ticket, outcome);
        world.run();
        let answer = world.read(stream);
        world.finish(stream);
        world.tidy();
        answer
    };
    assert_eq!(run(b"PUBLISH\0ana\0x\0text\0", Err(Fault::NoSpace)), [4]);
    assert_eq!(run(b"PUBLISH\0ana\0x\0text\0", Ok(())), [0]);
    assert_eq!(run(b"DELETE\0ana\0x\0", Err(Fault::NoSpace)), [4]);
    assert_eq!(run(b"DELETE\0ana\0x\0", Ok(())), [0]);
    assert_eq!((world.tracker.links(), world.tracker.files()), (0, 0));
}

/// Eva has the only seat, `name` waits for it, and `request` is being stored.
fn waiting_while(
    name: &str,
    registered: bool,
    request: &[u8],
) -> (World<Small>, Speaker, Speaker, u32, Ticket) {
    let mut world = World::new(tracker(Settings { seats: 1, ..Settings::DEFAULT }));
    if registered {
        check(&mut world, &[(&[b"REGISTER\0", name.as_bytes(), b"\0"].concat(), 0)]);
    }
    let (mut eva, mut waits) = (Speaker::new("eva"), Speaker::new(name));
    assert!(eva.join(&mut world) && waits.join(&mut world));
    assert_eq!(waits.heard, ["Waiting { place: 1 }"]);
    world.stores = false;
    let stream = open(&mut world, [1, 1, 1, 1]);
    world.write(stream, request);
    world.run();
    let Some(Event::Store { ticket, .. }) = world.events.pop() else { panic!() };
    (world, eva, waits, stream, ticket)
}

#[test]
fn who_waits_by_the_name_of_an_account_that_goes_does_not_become_somebody_else() {
    let (mut world, eva, mut ana, stream, ticket) = waiting_while("ana", true, b"UNREGISTER\0ana\0");
    world.close(eva.stream, Closed::Broken);
    world.pass(SECOND);
    ana.listen(&mut world);
    assert_eq!((ana.me, ana.bye), (None, Some(Code::NameInUse)));
    let now = world.now;
    world.tracker.committed(now, ticket, Ok(()));
    world.run();
    assert_eq!(world.read(stream), [0]);
    let mut bob = Speaker::new("bob");
    assert!(bob.join(&mut world));
    world.pass(SECOND);
    bob.listen(&mut world);
    assert_eq!((bob.list().len(), world.tracker.online(), world.tracker.seats_taken()), (0, 1, 1));
    assert!(bob.me.is_some());
}

#[test]
fn who_waits_by_the_name_of_an_account_that_is_not_stored_is_not_there_without_a_name() {
    let (mut world, eva, mut bob, stream, ticket) = waiting_while("bob", false, b"REGISTER\0bob\0");
    world.close(eva.stream, Closed::Broken);
    world.pass(SECOND);
    bob.listen(&mut world);
    assert_eq!((bob.me, bob.bye), (None, Some(Code::NameInUse)));
    let now = world.now;
    world.tracker.committed(now, ticket, Err(Fault::NoSpace));
    world.run();
    assert_eq!(world.read(stream), [2]);
    world.close(stream, Closed::Done);
    assert_eq!((world.tracker.online(), world.tracker.seats_taken(), world.tracker.chunks()), (0, 0, 0));
    // By then the name is free.
    assert!(bob.join(&mut world));
    assert!(bob.me.is_some() && world.tracker.online() == 1);
}

#[test]
fn an_account_that_goes_or_is_not_stored_takes_the_session_of_its_user_with_it() {
    type Kind = fn(UserId) -> Record;
    for (kind, is_stored) in [(Record::Unregister as Kind, true), (Record::Register as Kind, false)] {
        let mut world = world();
        let (mut ana, mut eva) = (Speaker::new("ana"), Speaker::new("eva"));
        assert!(ana.join(&mut world) && eva.join(&mut world));
        // Nobody is let in by a name that is being stored; if somebody was, this is what becomes of him.
        let user = world.tracker.directory.user_named(b"ana").unwrap();
        world.tracker.directory.users.get_mut(user).unwrap().standing = Standing::Registering;
        world.tracker.directory.registered = 1;
        world.tracker.settle(kind(UserId(user)), 0, is_stored);
        world.pass(SECOND);
        ana.listen(&mut world);
        eva.listen(&mut world);
        assert_eq!((ana.bye, eva.list().len()), (Some(Code::Done), 0));
        assert!(world.events.iter().any(|event| matches!(event, Event::Left { .. })));
        assert_eq!((world.tracker.online(), world.tracker.seats_taken()), (1, 1));
        assert_eq!(world.tracker.directory.registered, 0);
    }
}

#[test]
fn a_file_whose_account_goes_while_it_is_stored_is_forgotten() {
    let mut world = world();
    check(&mut world, &[(b"REGISTER\0ana\0", 0), (b"CONNECT\0ana\x004000\0", 0)]);
    world.stores = false;
    world.events.clear();
    let (one, other) = (open(&mut world, [1, 1, 1, 1]), open(&mut world, [1, 1, 1, 1]));
    world.write(one, b"PUBLISH\0ana\0x\0text\0");
    world.run();
    world.write(other, b"UNREGISTER\0ana\0");
    world.run();
    let tickets: Vec<_> = world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Store { ticket, .. } => Some(*ticket),
            _ => None,
        })
        .collect();
    let now = world.now;
    world.tracker.committed(now, tickets[1], Ok(()));
    // Another file takes the number.
    world.run();
    world.stores = true;
    check(
        &mut world,
        &[(b"REGISTER\0eva\0", 0), (b"CONNECT\0eva\x004000\0", 0), (b"PUBLISH\0eva\0y\0text\0", 0)],
    );
    world.tracker.committed(now, tickets[0], Err(Fault::NoSpace));
    world.run();
    assert_eq!((world.read(one), world.read(other)), (vec![4], vec![0]));
    assert_eq!(world.tracker.files(), 1);
}

#[test]
fn who_came_by_command_and_who_is_in_a_session_see_each_other_and_can_fetch() {
    let mut world = world();
    let mut eva = Speaker::new("eva");
    assert!(eva.join(&mut world));
    eva.publish(&mut world, "y", 5);
    check(
        &mut world,
        &[(b"REGISTER\0ana\0", 0), (b"CONNECT\0ana\x004000\0", 0), (b"PUBLISH\0ana\0x\0text\0", 0)],
    );
    let users = ask(&mut world, b"LIST_USERS\0ana\0");
    assert_eq!(users, b"\x002\0eva\x0010.0.0.1\x000\0ana\x0010.0.0.1\x004000\0");
    assert_eq!(ask(&mut world, b"LIST_CONTENT\0ana\0eva\0"), b"\x001\0y\0");
    world.pass(SECOND);
    eva.listen(&mut world);
    let info = FileInfo { length: 0, flags: FileInfo::UNKNOWN_LENGTH, hash: None };
    assert_eq!(eva.list()["ana"]["x"], info);
    eva.fetch(&mut world, 3, Way::Direct, "ana", "x");
    world.run();
    eva.listen(&mut world);
    let (tag, _, way, _) = eva.goes.pop().unwrap();
    assert_eq!((tag, way, world.tracker.transfers()), (3, Way::Command, 0));
    assert!(eva.heard.last().unwrap().contains("address: 10.0.0.1, tcp: 4000"));
    check(&mut world, &[(b"DISCONNECT\0ana\0", 0)]);
    world.pass(SECOND);
    eva.listen(&mut world);
    assert_eq!(eva.list().len(), 0);
    check(&mut world, &[(b"CONNECT\0ana\x004000\0", 0)]);
    world.pass(SECOND);
    eva.listen(&mut world);
    assert_eq!(eva.list()["ana"].len(), 1);
}

#[test]
fn who_is_in_a_session_is_not_changed_by_commands() {
    let mut world = world();
    let mut eva = Speaker::new("eva");
    assert!(eva.join(&mut world));
    eva.publish(&mut world, "y", 5);
    check(
        &mut world,
        &[
            (b"REGISTER\0eva\0", 1),
            (b"UNREGISTER\0eva\0", 1),
            (b"CONNECT\0eva\x004000\0", 2),
            (b"DISCONNECT\0eva\0", 3),
            (b"PUBLISH\0eva\0z\0text\0", 4),
            (b"DELETE\0eva\0y\0", 4),
        ],
    );
    assert_eq!((world.tracker.online(), world.tracker.files()), (1, 1));
    // And a name that is there by command is in use.
    check(&mut world, &[(b"REGISTER\0ana\0", 0), (b"CONNECT\0ana\x004000\0", 0)]);
    let mut ana = Speaker::new("ana");
    assert!(ana.join(&mut world));
    assert_eq!(ana.bye, Some(Code::NameInUse));
    // An account can be used by a session; what it published by command stays, and what the session did goes.
    check(&mut world, &[(b"PUBLISH\0ana\0kept\0text\0", 0), (b"DISCONNECT\0ana\0", 0)]);
    let mut ana = Speaker::new("ana");
    assert!(ana.join(&mut world));
    ana.publish(&mut world, "new", 1);
    ana.withdraw(&mut world, "kept");
    world.run();
    ana.listen(&mut world);
    assert_eq!(ana.failed, [(2, Code::NotAllowed)]);
    assert_eq!(ask(&mut world, b"LIST_CONTENT\0eva\0ana\0"), b"\x002\0kept\0new\0");
    world.close(ana.stream, Closed::Broken);
    assert_eq!(ask(&mut world, b"LIST_CONTENT\0eva\0ana\0"), b"\x001\0kept\0");
}

#[test]
fn a_long_list_is_written_as_it_is_read_and_is_whole_or_broken() {
    const USERS: usize = fewer(30, 10);
    const FILES: usize = fewer(50, 20);
    type Large = Fixed<16, 40, 64, 2048, 16, 4>;
    let settings = Settings { files_per_user: 60, ..Settings::DEFAULT };
    let mut world = World::new(Tracker::<Large>::fixed(settings, [3; 32]));
    let name = |number: usize| format!("user {number} {}", "x".repeat(60 + number * 6));
    for number in 0..USERS {
        assert!(world.tracker.restore_user(Text::new(name(number).as_bytes()).unwrap()));
    }
    let say = |world: &mut World<Large>, request: &[u8]| {
        let stream = world.open(Dialect::Command, &Peer::at(IpAddr::from([9; 16]))).unwrap();
        world.write(stream, request);
        stream
    };
    for number in 0..USERS {
        let stream = say(&mut world, format!("CONNECT\0{}\x0077\0", name(number)).as_bytes());
        world.run();
        assert_eq!(world.read(stream), [0]);
        world.finish(stream);
        world.tidy();
    }
    let request = format!("LIST_USERS\0{}\0", name(0));
    let stream = say(&mut world, request.as_bytes());
    world.run();
    let answer = world.read(stream);
    let count = answer.iter().filter(|&&byte| byte == 0).count();
    assert_eq!(count, 1 + 1 + USERS * 3);
    assert!(answer.starts_with(format!("\0{USERS}\0user 0 ").as_bytes()) && world.streams[&stream].finished);
    assert!(answer.ends_with(b"909:909:909:909:909:909:909:909\x0077\0"));
    // Somebody leaves while the list is on its way: it can be whole no more.
    let slow = say(&mut world, request.as_bytes());
    world.streams.get_mut(&slow).unwrap().pace = 0;
    world.run();
    let gone = say(&mut world, format!("DISCONNECT\0{}\0", name(USERS - 1)).as_bytes());
    world.run();
    assert_eq!(world.read(gone), [0]);
    world.streams.get_mut(&slow).unwrap().pace = 100;
    world.run();
    assert!(world.streams[&slow].aborted && !world.streams[&slow].finished);
    // Files: those that come later wait for the next list, and a place that is used again does not mix lists.
    let owner = name(0);
    for number in 0..FILES {
        assert!(world.tracker.restore_file(
            Text::new(owner.as_bytes()).unwrap(),
            Text::new(format!("file {number} {}", "y".repeat(40)).as_bytes()).unwrap()
        ));
    }
    let slow = say(&mut world, format!("LIST_CONTENT\0{owner}\0{owner}\0").as_bytes());
    world.streams.get_mut(&slow).unwrap().pace = 0;
    world.run();
    let late = say(&mut world, format!("PUBLISH\0{owner}\0late\0\0").as_bytes());
    world.run();
    assert_eq!(world.read(late), [0]);
    world.streams.get_mut(&slow).unwrap().pace = 100;
    world.run();
    let answer = world.read(slow);
    assert!(
        answer.starts_with(format!("\0{FILES}\0file 0 ").as_bytes())
            && !String::from_utf8(answer).unwrap().contains("late")
    );
    assert!(world.streams[&slow].finished);
}

#[test]
fn a_list_that_nobody_reads_is_given_up() {
    let mut world = world();
    check(&mut world, &[(b"REGISTER\0ana\0", 0), (b"CONNECT\0ana\x004000\0", 0)]);
    for number in 0..8 {
        let name = format!("PUBLISH\0ana\0{number}{}\0\0", "x".repeat(200));
        check(&mut world, &[(name.as_bytes(), 0)]);
    }
    let stream = open(&mut world, [1, 1, 1, 1]);
    world.streams.get_mut(&stream).unwrap().pace = 0;
    world.write(stream, b"LIST_CONTENT\0ana\0ana\0");
    world.pass(Duration::from_secs(299));
    assert!(!world.streams[&stream].aborted);
    world.pass(SECOND);
    assert!(world.streams[&stream].aborted);
    world.tidy();
    assert_eq!(world.tracker.links(), 0);
}

#[test]
fn accounts_are_bounded() {
    let mut world = World::new(tracker(Settings { accounts: 1, ..Settings::DEFAULT }));
    check(
        &mut world,
        &[
            (b"REGISTER\0ana\0", 0),
            (b"REGISTER\0eva\0", 2),
            (b"UNREGISTER\0ana\0", 0),
            (b"REGISTER\0eva\0", 0),
        ],
    );
    let mut world = World::new(tracker(Settings { accounts: 0, ..Settings::DEFAULT }));
    check(&mut world, &[(b"REGISTER\0ana\0", 2)]);
}
