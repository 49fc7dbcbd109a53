//! Who lives, and moves nothing.

use super::flight::{Files, Taker};
use crate::{
    driver::Driver,
    gate::Admission,
    host,
    net::udp::{Trains, Udp},
    storage::Directory,
};
use mio::Events;
use skep_core::{
    rdt::{Language, Output, Settings},
    stream::{Closed, Service},
};
use std::{fs, net::Ipv4Addr, time::Duration};

#[test]
fn who_takes_or_sends_nothing_over_rdt_is_let_go_after_a_minute_and_not_before() {
    for gives in [false, true] {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("file"), vec![0; 1 << 20]).unwrap();
        let admit = |taker: &mut Taker, now, admission: &Admission| taker.opened(now, admission.stream);
        let files = Files(Directory::open(home.path()).unwrap());
        let mut driver = Driver::new(Taker::new(gives), files, admit).unwrap();
        let (_, to) = driver.bind_rdt((Ipv4Addr::LOCALHOST, 0).into(), Settings::HOST, 0).unwrap();
        let mut udp = Udp::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let mut caller = host::endpoint(Settings::HOST, 1);
        caller.connect(driver.now(), to, Language::Own).unwrap();
        let (mut events, mut trains, mut room) = (Events::with_capacity(4), Trains::new(), vec![0; 65_507]);
        // It hears all that is said, and takes nothing of it.
        for _ in 0..100 {
            while let Output::Transmit(transmit) = caller.poll(driver.now(), &mut room) {
                udp.send(to, transmit.bytes, transmit.size);
            }
            driver.turn(&mut events, Some(Duration::from_millis(1))).unwrap();
            if let Ok(count) = udp.receive(&mut trains) {
                for (from, datagram) in trains.datagrams(count) {
                    let _ = caller.handle(driver.now(), from, datagram);
                }
            }
        }
        assert!(driver.service.is_moving);
        let now = driver.now();
        for (seconds, closed) in [(5, None), (59, None), (66, Some(Closed::Broken))] {
            driver.end_stalled(now + Duration::from_secs(seconds));
            assert_eq!(driver.service.closed, closed, "{seconds} s, {gives}");
        }
    }
}
