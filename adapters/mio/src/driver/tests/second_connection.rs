//! Who has come in is asked about for one connection: another one in the same session would come past the gate.

use super::talker::Talker;
use crate::{
    driver::{Driver, NoFiles},
    gate::{Admission, Gate},
};
use mio::Events;
use skep_core::{
    Instant,
    rdt::{Language, Settings},
    seal::{
        KeyPair, RustCrypto, Secret,
        layer::{Access, Call, Caller, Decision},
    },
    stream::Service,
    wire::seal::Purpose,
};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant as Clock},
};

/// Lets everybody in, and counts how often it was asked.
#[derive(Default)]
struct Everybody(usize);

impl Access for Everybody {
    fn decide(&mut self, _: &Caller, _: bool) -> Decision {
        self.0 += 1;
        Decision::Admit
    }
}

#[test]
fn a_session_carries_the_connection_that_it_began_with_and_no_other() {
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let secret = |seed| Secret::new([seed; 32]);
    let gate = Arc::new(Mutex::new(Everybody::default()));
    let admitted = Arc::new(Mutex::new(0));
    let admissions = Arc::clone(&admitted);
    let admit = move |talker: &mut Talker, now: Instant, admission: &Admission| {
        *admissions.lock().unwrap() += 1;
        talker.opened(now, admission.stream)
    };
    let talker = || Talker { to_say: [0; 3].into(), ..Talker::default() };
    let mut server = Driver::new(talker(), NoFiles, admit).unwrap();
    let mut client = Driver::new(talker(), NoFiles, |_, _, _| false).unwrap();
    server.identify(&secret(1), Gate::new(gate.clone())).unwrap();
    client.identify(&secret(2), Gate::closed()).unwrap();
    let key = *KeyPair::<RustCrypto>::new(secret(1)).public();
    let call = Call { server: key, purpose: Purpose::Member, psk: None };
    let (_, to) = server.bind_sealed(anywhere, Settings::HOST, 0).unwrap();
    let (socket, _) = client.bind_sealed(anywhere, Settings::HOST, 0).unwrap();
    let stream = client.connect_sealed(socket, to, call).unwrap();
    let peer = client.statistics(stream).unwrap().peer;
    let mut both = |what| {
        let (mut events, begin) = (Events::with_capacity(16), Clock::now());
        while server.rdt[0].endpoint.count() + client.rdt[0].endpoint.count() > 0 {
            server.turn(&mut events, Some(Duration::from_millis(1))).unwrap();
            client.turn(&mut events, Some(Duration::from_millis(1))).unwrap();
            assert!(*admitted.lock().unwrap() <= 1, "{what} was let in, and nobody was asked");
            assert!(begin.elapsed() < Duration::from_secs(20), "{what} does not end");
        }
        let now = client.now();
        client.rdt[0].endpoint.connect(now, peer, Language::Own).unwrap();
        client.rdt[0].stirred = true;
    };
    both("the first connection");
    // Its session is still there, for last words.
    both("the second one");
    assert_eq!((gate.lock().unwrap().0, *admitted.lock().unwrap()), (1, 1));
}
