//! What a client does, one thing at a time.

use super::{
    Accept, Client, Event, Fixed, Settings,
    net::{List, Net, text},
};
use crate::{
    Instant,
    client::{FetchId, ShareId, UploadId},
    limits::MESSAGE_MAX,
    stream::{Action, Closed, Service, StreamId},
    tracker,
    wire::session::{Code, Notice, Way},
};
use core::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const DEFAULT: Settings = Settings::DEFAULT;

fn net() -> Net {
    Net::new(tracker::Settings::DEFAULT)
}

fn list(users: &[(&str, &[(&str, u64)])]) -> List {
    let files = |files: &[(&str, u64)]| files.iter().map(|&(name, length)| (name.into(), length)).collect();
    users.iter().map(|&(user, shared)| (user.into(), files(shared))).collect()
}

#[test]
fn clients_see_each_other_and_what_they_share() {
    let mut net = net();
    let ana = net.add("ana", DEFAULT);
    assert_eq!(net.nodes[ana].take_events(), [Event::Connect, Event::Online, Event::Listed]);
    net.publish(ana, "a/b", 5);
    let eva = net.add("eva", DEFAULT);
    net.pass(SECOND);
    assert_eq!(net.nodes[ana].take_events()[..1], [Event::Published(ShareId(0))]);
    assert_eq!(net.nodes[eva].list(), list(&[("ana", &[("a/b", 5)])]));
    net.publish(ana, "a/b", 6);
    net.publish(eva, "x", 1);
    net.pass(SECOND);
    assert_eq!(net.nodes[eva].list(), list(&[("ana", &[("a/b", 6)])]));
    assert_eq!(net.nodes[ana].list(), list(&[("eva", &[("x", 1)])]));
    assert!(net.withdraw(ana, "a/b") && !net.withdraw(ana, "y"));
    net.pass(SECOND);
    assert_eq!(net.nodes[eva].list(), list(&[("ana", &[])]));
    assert_eq!((net.nodes[ana].client.shares(), net.world.tracker.files()), (0, 1));
    for node in [ana, eva] {
        assert_eq!(net.nodes[node].list(), net.nodes[node].seen);
    }
}

#[test]
fn a_log_out_is_confirmed_and_announced() {
    let mut net = net();
    let (ana, eva) = (net.add("ana", DEFAULT), net.add("eva", DEFAULT));
    net.pass(SECOND);
    let now = net.world.now;
    net.nodes[ana].client.log_out(now);
    net.pass(SECOND);
    assert_eq!(net.nodes[ana].events.last(), Some(&Event::Over { code: Code::Done }));
    assert!(net.nodes[ana].client.is_over());
    assert_eq!(net.nodes[eva].seen, list(&[]));
    // And it can begin again.
    assert!(net.nodes[ana].client.start(text("ana")));
    net.pass(SECOND);
    assert_eq!(net.nodes[eva].seen, list(&[("ana", &[])]));
}

#[test]
fn a_lost_session_comes_back_and_goes_on_where_it_ended() {
    for tracker_learns in [true, false] {
        let mut net = net();
        let (ana, eva) = (net.add("ana", DEFAULT), net.add("eva", DEFAULT));
        net.publish(ana, "x", 1);
        net.publish(eva, "mine", 9);
        net.pass(SECOND);
        net.is_down = true;
        net.cut(eva, tracker_learns);
        net.publish(ana, "y", 2);
        net.publish(eva, "more", 8);
        net.pass(Duration::from_secs(20));
        let events = net.nodes[eva].take_events();
        let attempts = events.iter().filter(|event| **event == Event::Connect).count();
        assert!((4..=8).contains(&attempts), "{attempts} attempts in 20 s");
        net.is_down = false;
        net.pass(Duration::from_secs(61));
        let events = net.nodes[eva].take_events();
        assert!(events.contains(&Event::Online) && !events.contains(&Event::Cleared));
        assert_eq!(
            events.iter().filter(|event| matches!(event, Event::Shared(_))).count(),
            1,
            "what it missed"
        );
        assert_eq!(net.nodes[eva].seen, list(&[("ana", &[("x", 1), ("y", 2)])]));
        assert_eq!(net.nodes[ana].seen, list(&[("eva", &[("mine", 9), ("more", 8)])]));
    }
}

#[test]
fn a_long_pause_ends_when_the_tracker_may_be_in_reach_again() {
    let mut net = net();
    let ana = net.add("ana", DEFAULT);
    net.pass(SECOND);
    let now = net.world.now;
    net.nodes[ana].client.retry(now);
    assert!(net.nodes[ana].client.is_online());
    net.is_down = true;
    net.cut(ana, true);
    net.pass(Duration::from_secs(300));
    net.is_down = false;
    net.nodes[ana].take_events();
    let now = net.world.now;
    net.nodes[ana].client.retry(now);
    net.pass(SECOND);
    assert_eq!(net.nodes[ana].take_events(), [Event::Connect, Event::Online, Event::Listed]);
}

#[test]
fn another_run_of_the_tracker_begins_the_list_anew() {
    let mut net = net();
    let (ana, eva) = (net.add("ana", DEFAULT), net.add("eva", DEFAULT));
    net.publish(ana, "x", 1);
    net.pass(SECOND);
    net.nodes[eva].take_events();
    net.restart(tracker::Settings::DEFAULT, 9);
    net.pass(Duration::from_secs(5));
    assert!(net.nodes[eva].take_events().contains(&Event::Cleared));
    assert_eq!(net.nodes[eva].seen, list(&[("ana", &[("x", 1)])]));
    assert_eq!(net.nodes[eva].list(), net.nodes[eva].seen);
}

#[test]
fn what_would_help_nobody_is_not_tried_again() {
    let mut net = net();
    net.add("ana", DEFAULT);
    let other = net.add("ana", DEFAULT);
    net.pass(Duration::from_secs(30));
    assert_eq!(net.nodes[other].events, [Event::Connect, Event::Over { code: Code::NameInUse }]);
    let mut net = Net::new(tracker::Settings { anonymous: false, ..tracker::Settings::DEFAULT });
    let ana = net.add("ana", DEFAULT);
    net.pass(Duration::from_secs(30));
    assert_eq!(net.nodes[ana].events, [Event::Connect, Event::Over { code: Code::NotAllowed }]);
}

#[test]
fn who_finds_no_seat_waits_or_comes_back() {
    let mut net = Net::new(tracker::Settings { seats: 1, waiting: 1, ..tracker::Settings::DEFAULT });
    let (ana, eva, bob) = (net.add("ana", DEFAULT), net.add("eva", DEFAULT), net.add("bob", DEFAULT));
    net.pass(SECOND);
    assert!(net.nodes[eva].events.contains(&Event::Waiting { place: 1 }));
    assert!(net.nodes[bob].events.contains(&Event::Offline { code: Code::NoSeat }));
    let now = net.world.now;
    net.nodes[ana].client.log_out(now);
    net.pass(Duration::from_secs(200));
    assert!(net.nodes[eva].client.is_online());
    net.nodes[eva].client.log_out(net.world.now);
    net.pass(Duration::from_secs(200));
    assert!(net.nodes[bob].client.is_online());
}

#[test]
fn a_quiet_session_is_kept_alive() {
    let mut net = net();
    let ana = net.add("ana", DEFAULT);
    net.pass(Duration::from_secs(400));
    assert_eq!(net.nodes[ana].events, [Event::Connect, Event::Online, Event::Listed]);
    assert_eq!(net.world.tracker.counters().died, 0);
}

#[test]
fn a_tracker_that_falls_silent_is_given_up() {
    let mut client = Client::<Fixed<1, 1, 1, 1, 8>>::fixed(DEFAULT, 1);
    assert!(client.start(text("ana")));
    let mut now = Instant::from_micros(1);
    let drain = |client: &mut Client<_>, now| {
        let mut room = [0; MESSAGE_MAX];
        let mut said = Vec::new();
        loop {
            match client.poll(now, &mut room) {
                Action::Wait(wait) => return (said, wait),
                action => said.push(format!("{action:?}")),
            }
        }
    };
    drain(&mut client, now);
    assert!(client.opened(now, StreamId(3)));
    assert!(!client.opened(now, StreamId(4)));
    drain(&mut client, now);
    client.flushed(now, StreamId(3));
    let mut welcome = [0; 64];
    let notice =
        Notice::Welcome { version: 1, is_fresh: true, user: 1, epoch: 2, resume: [0; 16], silence: 60 };
    let length = notice.emit(&mut welcome).unwrap();
    assert_eq!(client.received(now, StreamId(3), &welcome[..length]), length);
    let mut said = Vec::new();
    for _ in 0..60 {
        let (some, _) = drain(&mut client, now);
        said.extend(some);
        now = now + SECOND;
    }
    said.extend(drain(&mut client, now).0);
    let ping = "Write { stream: StreamId(3), bytes: [0, 1, 126] }";
    assert_eq!(said[0], "Event(Online)");
    assert_eq!(said[1], ping);
    assert!(
        said.contains(&"Abort(StreamId(3))".into())
            && said.contains(&"Event(Offline { code: Silent })".into())
    );
}

/// An owner with `x` and a requester, and what the requester has asked for.
fn pair(owner: Settings, requester: Settings, way: Way) -> (Net, FetchId) {
    let mut net = net();
    net.add("owner", owner);
    net.add("requester", requester);
    net.publish(0, "x", 5);
    net.pass(SECOND);
    let now = net.world.now;
    let fetch = net.nodes[1].client.fetch(now, text("owner"), text("x"), way).unwrap();
    net.run();
    (net, fetch)
}

#[test]
fn a_download_is_asked_for_and_accepted_and_both_know_the_token() {
    for (accept, way) in [
        (Accept::Ask, Way::Direct),
        (Accept::Always { tcp: 80, rdt: 81 }, Way::Direct),
        (Accept::Ask, Way::Relayed),
    ] {
        let (mut net, fetch) = pair(Settings { accept, ..DEFAULT }, DEFAULT, way);
        let upload = UploadId(0);
        assert!(net.nodes[0].events.contains(&Event::Asked(upload)));
        let asked = *net.nodes[0].client.asked(upload).unwrap();
        let mut room = [0; 255];
        assert_eq!(net.nodes[0].client.upload_user(upload, &mut room), Some(text("requester")));
        assert_eq!(net.nodes[0].client.upload_name(upload, &mut room), Some(text("x")));
        if accept == Accept::Ask {
            assert_eq!(net.nodes[0].client.upload_of(&asked.token), None);
            net.nodes[0].client.accept(upload, 80, 81);
        }
        net.run();
        assert_eq!(net.nodes[0].client.upload_of(&asked.token), Some(upload));
        let go = *net.nodes[1].client.way(fetch).unwrap();
        assert_eq!((go.token, go.way, go.transfer), (asked.token, way, asked.transfer));
        assert_eq!((go.tcp, go.rdt, go.address.to_string().as_str()), (80, 81, "10.0.0.0"));
        net.nodes[1].client.fetched(fetch, Code::Done);
        net.run();
        assert!(net.nodes[0].events.contains(&Event::UploadEnded { upload, code: Code::Done }));
        assert_eq!((net.world.tracker.transfers(), net.nodes[1].client.way(fetch)), (0, None));
    }
}

#[test]
fn a_download_that_cannot_reach_its_owner_is_relayed() {
    let (mut net, fetch) =
        pair(Settings { accept: Accept::Always { tcp: 80, rdt: 0 }, ..DEFAULT }, DEFAULT, Way::Direct);
    let now = net.world.now;
    net.nodes[1].client.owner_unreachable(now, fetch);
    net.run();
    assert_eq!(net.nodes[1].client.way(fetch).unwrap().way, Way::Relayed);
    assert!(
        net.nodes[0].events.contains(&Event::UploadEnded { upload: UploadId(0), code: Code::Unreachable })
    );
    // A relayed one has no other way.
    net.nodes[1].client.owner_unreachable(now, fetch);
    net.run();
    assert_eq!(net.nodes[1].events.last(), Some(&Event::FetchFailed { fetch, code: Code::Unreachable }));
    assert_eq!(net.world.tracker.transfers(), 0);
    let without = Settings { falls_back: false, ..DEFAULT };
    let (mut net, fetch) =
        pair(Settings { accept: Accept::Always { tcp: 80, rdt: 0 }, ..DEFAULT }, without, Way::Direct);
    net.nodes[1].client.owner_unreachable(now, fetch);
    net.run();
    assert_eq!(net.nodes[1].events.last(), Some(&Event::FetchFailed { fetch, code: Code::Unreachable }));
}

#[test]
fn of_a_download_that_is_not_wanted_any_more_nothing_is_told() {
    let (mut net, fetch) = pair(DEFAULT, DEFAULT, Way::Direct);
    let other = FetchId(fetch.0 + 1);
    let client = &mut net.nodes[1].client;
    for event in [Event::Go(fetch), Event::Go(other), Event::FetchEnded { fetch, code: Code::Done }] {
        client.mirror.tell(event, 0);
    }
    client.fetched(fetch, Code::Done);
    assert_eq!(std::iter::from_fn(|| client.mirror.next()).collect::<Vec<_>>(), [Event::Go(other)]);
}

#[test]
fn what_comes_to_nothing_is_told() {
    let (mut net, fetch) = pair(DEFAULT, DEFAULT, Way::Direct);
    net.nodes[0].client.refuse(UploadId(0), Code::Refused);
    net.run();
    assert_eq!(net.nodes[1].events.last(), Some(&Event::FetchFailed { fetch, code: Code::Refused }));

    let (net, fetch) = pair(Settings { accept: Accept::Never, ..DEFAULT }, DEFAULT, Way::Direct);
    assert_eq!(net.nodes[1].events.last(), Some(&Event::FetchFailed { fetch, code: Code::Refused }));

    // The application does not answer.
    let (mut net, fetch) = pair(DEFAULT, DEFAULT, Way::Direct);
    net.pass(Duration::from_secs(16));
    assert_eq!(net.nodes[1].events.last(), Some(&Event::FetchFailed { fetch, code: Code::Refused }));
    assert_eq!(
        net.nodes[0].events.last(),
        Some(&Event::UploadEnded { upload: UploadId(0), code: Code::Silent })
    );

    // The owner goes.
    let (mut net, fetch) = pair(DEFAULT, DEFAULT, Way::Direct);
    net.cut(0, true);
    assert!(net.nodes[1].events.contains(&Event::FetchFailed { fetch, code: Code::Gone }));
    assert!(net.nodes[0].events.contains(&Event::UploadEnded { upload: UploadId(0), code: Code::Gone }));

    // It is not wanted any more, before the owner has answered.
    let (mut net, fetch) = pair(DEFAULT, DEFAULT, Way::Direct);
    net.nodes[1].client.fetched(fetch, Code::Gone);
    net.nodes[0].client.accept(UploadId(0), 1, 1);
    net.run();
    assert_eq!(net.world.tracker.transfers(), 0);
    assert!(net.nodes[0].events.contains(&Event::UploadEnded { upload: UploadId(0), code: Code::Gone }));

    // Nobody of that name; no such file.
    let mut net = net_of_two();
    for (owner, name, code) in [("nobody", "x", Code::UnknownUser), ("eva", "x", Code::NotShared)] {
        let now = net.world.now;
        let fetch = net.nodes[0].client.fetch(now, text(owner), text(name), Way::Direct).unwrap();
        net.run();
        assert_eq!(net.nodes[0].events.last(), Some(&Event::FetchFailed { fetch, code }));
    }
}

fn net_of_two() -> Net {
    let mut net = net();
    net.add("ana", DEFAULT);
    net.add("eva", DEFAULT);
    net.pass(SECOND);
    net
}

#[test]
fn a_download_that_was_asked_is_asked_again_when_the_session_is_lost() {
    let (mut net, fetch) = pair(DEFAULT, DEFAULT, Way::Direct);
    net.cut(1, true);
    net.pass(Duration::from_secs(5));
    assert_eq!(net.nodes[0].events.iter().filter(|event| matches!(event, Event::Asked(_))).count(), 2);
    let upload = net.nodes[0].events.iter().rev().find_map(|event| match event {
        Event::Asked(upload) => Some(*upload),
        _ => None,
    });
    net.nodes[0].client.accept(upload.unwrap(), 80, 0);
    net.run();
    assert!(net.nodes[1].events.contains(&Event::Go(fetch)));
}

#[test]
fn a_fetch_that_nobody_answers_ends_by_its_time_out() {
    let mut net = net();
    net.is_down = true;
    let ana = net.add("ana", Settings { patience: Duration::from_secs(30), ..DEFAULT });
    let now = net.world.now;
    let fetch = net.nodes[ana].client.fetch(now, text("owner"), text("x"), Way::Direct).unwrap();
    net.pass(Duration::from_secs(31));
    assert!(net.nodes[ana].events.contains(&Event::FetchFailed { fetch, code: Code::Silent }));
    // Names that do not fit into one message are refused at once.
    let long = "x".repeat(255);
    assert!(net.nodes[ana].client.fetch(now, text(&long), text(&long), Way::Direct).is_none());
}

#[test]
fn a_share_that_is_refused_is_told_and_many_are_told_one_by_one() {
    let mut net = Net::new(tracker::Settings { files_per_user: 10, ..tracker::Settings::DEFAULT });
    let ana = net.add("ana", DEFAULT);
    for number in 0..12 {
        net.publish(ana, &format!("file {number}"), 1);
    }
    net.pass(SECOND);
    let count = |event: fn(&Event) -> bool| net.nodes[ana].events.iter().filter(|found| event(found)).count();
    assert_eq!(count(|event| matches!(event, Event::Published(_))), 10);
    assert_eq!(count(|event| matches!(event, Event::NotPublished { code: Code::Full, .. })), 2);
    // One that stands before the last that was refused.
    net.publish(ana, "file 10", 2);
    net.pass(SECOND);
    let count = |event: fn(&Event) -> bool| net.nodes[ana].events.iter().filter(|found| event(found)).count();
    assert_eq!(count(|event| matches!(event, Event::NotPublished { code: Code::Full, .. })), 3);
}

#[test]
fn an_answer_to_what_was_wished_before_is_none_to_what_is_wished_now() {
    for (already, wished) in [(None, None), (Some("y"), Some(2))] {
        let mut net = Net::new(tracker::Settings { files_per_user: 1, ..tracker::Settings::DEFAULT });
        let (ana, eva) = (net.add("ana", DEFAULT), net.add("eva", DEFAULT));
        if let Some(name) = already {
            net.publish(ana, name, 1);
        }
        net.pass(SECOND);
        // It is granted, or refused where she shares another one; but by then she wishes something else.
        net.publish(ana, "x", 1);
        let (now, stream) = (net.world.now, net.nodes[ana].stream.unwrap());
        let mut room = [0; MESSAGE_MAX];
        let Action::Write { bytes, .. } = net.nodes[ana].client.poll(now, &mut room) else {
            panic!("nothing is asked")
        };
        net.world.write(stream, bytes);
        net.world.run();
        match already {
            None => assert!(net.withdraw(ana, "x")),
            Some(other) => {
                assert!(net.withdraw(ana, other));
                net.publish(ana, "x", 2);
            }
        }
        let answer = net.world.read(stream);
        let client = &mut net.nodes[ana].client;
        assert_eq!(client.received(now, StreamId(stream), &answer), answer.len());
        client.flushed(now, StreamId(stream));
        net.pass(SECOND);
        let files = wished.map(|length| ("x", length));
        assert_eq!(net.nodes[eva].list(), list(&[("ana", files.as_slice())]));
        let is_refusal = |event: &Event| matches!(event, Event::NotPublished { .. });
        assert!(!net.nodes[ana].events.iter().any(is_refusal));
    }
}

#[test]
fn a_mirror_that_is_too_small_keeps_a_part() {
    let mut net = net();
    net.add("ana", DEFAULT);
    for number in 0..10 {
        net.publish(0, &format!("file {number}"), 1);
    }
    net.pass(SECOND);
    let mut small = Client::<Fixed<1, 2, 1, 1, 12>>::fixed(DEFAULT, 1);
    assert!(small.start(text("eva")));
    let mut room = [0; MESSAGE_MAX];
    while !matches!(small.poll(net.world.now, &mut room), Action::Wait(_)) {}
    let now = net.world.now;
    assert!(small.opened(now, StreamId(0)));
    // What the tracker tells, by another client that has room.
    let mut frames = Vec::new();
    for notice in [
        Notice::Welcome { version: 1, is_fresh: true, user: 9, epoch: 2, resume: [0; 16], silence: 60 },
        Notice::Came { user: 1, by_command: false, name: text("ana") },
        Notice::Came { user: 2, by_command: true, name: text("bob") },
        Notice::Shared { file: 1, user: 1, info: Default::default(), name: text("a") },
        Notice::Shared { file: 2, user: 1, info: Default::default(), name: text("b") },
        Notice::Shared { file: 3, user: 1, info: Default::default(), name: text("c") },
        Notice::Shared { file: 4, user: 2, info: Default::default(), name: text("d") },
        Notice::Unshared { file: 3 },
        Notice::Left { user: 2 },
        Notice::Upto { number: 9 },
        Notice::Left { user: 1 },
    ] {
        let mut out = [0; 512];
        let length = notice.emit(&mut out).unwrap();
        frames.extend_from_slice(&out[..length]);
    }
    assert_eq!(small.received(now, StreamId(0), &frames), frames.len());
    let mut events = Vec::new();
    loop {
        match small.poll(now, &mut room) {
            Action::Event(event) => events.push(event),
            Action::Wait(_) => break,
            _ => {}
        }
    }
    assert_eq!(small.missed(), 3);
    assert_eq!((small.users().count(), small.files().count(), small.chunks()), (0, 0, 0));
    assert!(events.iter().any(|event| matches!(event, Event::Left(_))));
    small.closed(now, StreamId(0), Closed::Broken);
}
