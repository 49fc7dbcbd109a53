//! Datagrams that a socket does not take wait until it does.

use super::talker::Joiner;
use crate::driver::{Driver, NoFiles};
use mio::{Events, Interest};
use skep_core::{rdt::Settings, stream::Service};
use std::{
    net::{Ipv4Addr, UdpSocket},
    time::{Duration, Instant as Clock},
};

#[test]
fn what_a_socket_did_not_take_leaves_when_it_takes_some_again() {
    let peer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    peer.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let admit =
        |joiner: &mut Joiner, now, admission: &crate::gate::Admission| joiner.opened(now, admission.stream);
    let mut driver = Driver::new(Joiner::default(), NoFiles, admit).unwrap();
    driver.bind_rdt((Ipv4Addr::LOCALHOST, 0).into(), Settings::HOST, 0).unwrap();
    let mut events = Events::with_capacity(4);
    for text in ["once", "more"] {
        // As if the socket had not taken it.
        driver.rdt[0].gather(peer.local_addr().unwrap(), text.as_bytes());
        driver.rdt[0].watch(driver.poll.registry(), Interest::READABLE | Interest::WRITABLE);
        // Nobody is woken by a deadline either at which nothing could be sent.
        let now = driver.now();
        driver.rdt[0].deadline = Some(now);
        assert!(!driver.has_work());
        assert_eq!(driver.timeout(now, Some(Duration::from_secs(1))), Some(Duration::from_secs(1)));
        let end = Clock::now() + Duration::from_secs(10);
        while driver.rdt[0].is_blocked() && Clock::now() < end {
            driver.turn(&mut events, Some(Duration::from_secs(1))).unwrap();
        }
        let mut room = [0; 8];
        let length = peer.recv(&mut room).unwrap();
        assert_eq!(&room[..length], text.as_bytes());
        // Nobody is woken by a socket that could take some, and has nothing to send.
        driver.turn(&mut events, Some(Duration::ZERO)).unwrap();
        driver.turn(&mut events, Some(Duration::from_millis(20))).unwrap();
        assert!(events.is_empty());
    }
}
