//! A log-in, sealed, over TCP: from the call to Welcome.

use std::time::{Duration, Instant};

use mio::Events;
use skep::{
    driver::{Driver, NoFiles},
    gate::Gate,
    identity::Fingerprint,
};
use skep_core::{
    seal::{Secret, layer::Call},
    wire::seal::Purpose,
};

use crate::{crowd::Clients, server::Server};

/// So many, one after the other, each by a member with a key that has an account.
pub(crate) fn log_in(times: usize) {
    let server = Server::start();
    let key = *server.key.parse::<Fingerprint>().unwrap().key();
    let mut events = Events::with_capacity(64);
    let mut taken = Vec::new();
    // The first one makes the account.
    for time in 0..=times {
        let mut driver = Driver::new(Clients::default(), NoFiles, |_, _, _| false).unwrap();
        driver.identify(&Secret::new([7; 32]), Gate::closed()).unwrap();
        let call = Call { server: key, purpose: Purpose::Member, psk: None };
        let begin = Instant::now();
        driver.connect_tcp_sealed(server.sealed, &call).unwrap();
        while driver.service.welcomes == 0 {
            assert!(begin.elapsed() < Duration::from_secs(10), "no welcome");
            driver.turn(&mut events, Some(Duration::from_secs(1))).unwrap();
        }
        if time > 0 {
            taken.push(begin.elapsed());
        }
        driver.abort_all();
        let _ = driver.turn(&mut events, Some(Duration::ZERO));
        // More than so many a second are held up by the guard.
        std::thread::sleep(Duration::from_millis(20));
    }
    taken.sort();
    let at = |share: usize| taken[taken.len() * share / 100].as_secs_f64() * 1e3;
    println!(
        "{times} sealed log-ins over TCP, client and key agreement included: median {:.3} ms, 90 % {:.3} ms, \
         99 % {:.3} ms",
        at(50),
        at(90),
        at(99)
    );
}
