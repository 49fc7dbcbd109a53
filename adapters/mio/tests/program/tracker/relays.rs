//! Transfers that the tracker passes on, sealed between the two sides.

use std::{
    io::{Read, Write},
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use skep_core::{
    seal::{Psk, Public, Secret, layer::Call},
    wire::{
        seal::Purpose,
        session::{Code, Request, Side, Way},
    },
};

use super::{
    member::{Meeting, Member, Tracker},
    wire::{Wire, keys},
};
use crate::support::{Home, content};

/// One end of a transfer, on a plain stream; joined to the other when this returns.
fn attach(to: SocketAddr, meeting: &Meeting, side: Side) -> Wire {
    let mut wire = Wire::plain(to);
    let mut room = [0; 64];
    let attach = Request::Attach { transfer: meeting.transfer, token: meeting.token, side };
    let length = attach.emit(&mut room).unwrap();
    wire.write_all(&room[..length]).unwrap();
    let mut answer = [0; 3];
    wire.read_exact(&mut answer).unwrap();
    assert_eq!(answer, [0, 1, 0x2e]);
    wire
}

/// An owner and a requester of `x`, and what they were told.
fn meet(tracker: &Tracker) -> (Member, Member) {
    let mut owner = tracker.join_sealed("owner", &keys(1)).welcomed();
    owner.publish("x", 5);
    let mut requester = tracker.join_sealed("requester", &keys(2)).welcomed();
    requester.sees("owner");
    requester.say(&Request::Fetch { tag: 7, way: Way::Relayed, owner: b"owner", name: b"x" });
    owner.listen_until("Ask", |owner| !owner.meetings.is_empty());
    owner.say(&Request::Ready { transfer: owner.meetings[0].transfer, tcp: 0, rdt: 0 });
    requester.listen_until("Go", |requester| !requester.meetings.is_empty());
    assert_eq!((owner.meetings[0].way, requester.meetings[0].way), (Way::Relayed, Way::Relayed));
    (owner, requester)
}

#[test]
fn a_relayed_transfer_is_sealed_between_its_two_sides_over_plain_streams() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "");
    let (mut owner, mut requester) = meet(&tracker);
    let content = content(20 << 20);
    let (to, asked, goes) = (tracker.sealed(), owner.meetings[0].clone(), requester.meetings[0].clone());
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut wire = attach(to, &asked, Side::Owner);
            let introduction = asked.introduction.unwrap();
            wire.answer(&keys(1), Public(introduction.key), introduction.secret).unwrap();
            let mut request = [0; 4];
            wire.read_exact(&mut request).unwrap();
            assert_eq!(&request, b"give");
            wire.write_all(&content).unwrap();
            wire.stream.shutdown(std::net::Shutdown::Write).unwrap();
            assert_eq!(wire.read(&mut [0; 1]).unwrap_or(0), 0);
        });
        let mut wire = attach(to, &goes, Side::Requester);
        let introduction = goes.introduction.unwrap();
        let purpose = Purpose::Peer { introduction: goes.token };
        let psk = Some(Psk::new(Secret::new(introduction.secret)));
        wire.call(&keys(2), &Call { server: Public(introduction.key), purpose, psk }).unwrap();
        wire.write_all(b"give").unwrap();
        let mut received = vec![0; content.len()];
        wire.read_exact(&mut received).unwrap();
        assert!(received == content);
    });
    owner.listen_until("Ended", |owner| owner.ended == [(asked.transfer, Code::Done)]);
    requester.listen_until("Ended", |requester| requester.ended == [(goes.transfer, Code::Done)]);
    tracker.stop();
}

/// One that does not move for 60 s is broken off; this one does, and takes longer.
#[test]
fn a_relayed_transfer_may_last_as_long_as_it_moves() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "");
    let (mut owner, mut requester) = meet(&tracker);
    let (to, asked, goes) = (tracker.sealed(), owner.meetings[0].clone(), requester.meetings[0].clone());
    thread::scope(|scope| {
        // They say that they are there when they are asked.
        for member in [&mut owner, &mut requester] {
            scope.spawn(|| member.listen_until("Ended", |member| !member.ended.is_empty()));
        }
        let other = scope.spawn(|| attach(to, &asked, Side::Owner));
        let mut mine = attach(to, &goes, Side::Requester);
        let mut other = other.join().unwrap();
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(62) {
            other.write_all(b".").unwrap();
            mine.read_exact(&mut [0; 1]).expect("it goes on");
            thread::sleep(Duration::from_secs(1));
        }
        for wire in [mine, other] {
            wire.stream.shutdown(std::net::Shutdown::Write).unwrap();
        }
    });
    for member in [owner, requester] {
        assert_eq!(member.ended, [(asked.transfer, Code::Done)]);
    }
    tracker.stop();
}

#[test]
fn a_plain_stream_is_nothing_but_an_end_with_the_right_token() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "");
    let (_owner, requester) = meet(&tracker);
    let transfer = requester.meetings[0].transfer;
    let attach = Request::Attach { transfer, token: [9; 16], side: Side::Requester };
    for (request, bye) in [(attach, Code::UnknownTransfer), (Request::Ping, Code::Malformed)] {
        let mut stranger = Member::silent(Wire::plain(tracker.sealed()), "stranger");
        stranger.say(&request);
        assert_eq!(stranger.refused(), bye);
    }
    // What is neither sealed nor that is closed without a byte.
    let mut wire = Wire::plain(tracker.sealed());
    wire.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(!matches!(wire.read(&mut [0; 1]), Ok(1..)));
    tracker.stop();
}
