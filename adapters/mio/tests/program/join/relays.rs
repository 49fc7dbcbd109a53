//! Relayed transfers where not every way to the tracker is open.

use std::net::Ipv4Addr;

use super::hub::{Hub, until_told};
use crate::support::{Calls, Leaves, UdpOnly, Uplinks, content, together};

/// A host of its own, to those whom it calls.
const fn host(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, number)
}

#[test]
fn ends_whose_tcp_does_not_get_through_are_relayed_over_udp() {
    together([Calls::Refused, Calls::Dropped], |calls| {
        let hub = Hub::new("");
        let way = UdpOnly::to(hub.tracker.sealed(), calls);
        let narrow = hub.link_by(way.port());
        assert_ne!(narrow, hub.link());
        let ana = hub.start("ana", &hub.line("ana", "").replace(&hub.link(), &narrow));
        until_told(&ana, "logged in to");
        let bytes = hub.share("ana", "file", content(3 << 20));
        // One end, and both.
        for link in [hub.link(), narrow] {
            let got = hub.run("ben", &format!("get {link}ana/file -u ben -o got --relay -v")).well();
            assert!(got.err.contains("ana/file comes through the tracker"), "{calls:?}: {}", got.err);
            assert!(hub.home.read("got") == bytes, "{calls:?}");
        }
    });
}

#[test]
fn ends_whose_tcp_leaves_by_another_address_are_relayed_over_udp() {
    let hub = Hub::new("");
    let leaves = Leaves { udp: host(2), tcp: host(3) };
    let uplinks = [Uplinks::to(hub.tracker.sealed(), leaves), Uplinks::to(hub.tracker.sealed(), leaves)];
    let [first, second] = uplinks.each_ref().map(|uplinks| hub.link_by(uplinks.port()));
    let ana = hub.start("ana", &hub.line("ana", "").replace(&hub.link(), &first));
    until_told(&ana, "logged in to");
    let bytes = hub.share("ana", "file", content(100_000));
    // The owner's end, and both.
    for link in [hub.link(), second] {
        hub.run("ben", &format!("get {link}ana/file -u ben -o got --relay")).well();
        assert!(hub.home.read("got") == bytes);
    }
}

#[test]
fn who_has_moved_is_fetched_from_where_it_is() {
    let hub = Hub::new("");
    let uplinks = Uplinks::to(hub.tracker.sealed(), Leaves::by(host(1)));
    let (home, moving) = (hub.link(), hub.link_by(uplinks.port()));
    let ana = hub.start("ana", &hub.line("ana", "").replace(&home, &moving));
    until_told(&ana, "logged in to");
    let bytes = hub.share("ana", "file", content(100_000));
    uplinks.change(Leaves::by(host(2)));
    // She says it from there, and so the tracker knows.
    let more = hub.share("ana", "more", content(70_000));
    for (name, relay, bytes) in
        [("file", "", &bytes), ("file", "--relay", &bytes), ("more", "", &more), ("more", "--relay", &more)]
    {
        let got = hub.run("ben", &format!("get {home}ana/{name} -u ben -o got -v {relay}")).well();
        let is_relayed = got.err.contains("comes through the tracker");
        assert!(is_relayed != relay.is_empty(), "{}", got.err);
        assert!(hub.home.read("got") == *bytes);
    }
}
