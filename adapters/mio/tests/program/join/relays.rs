//! Relayed transfers where not every way to the tracker is open.

use super::hub::{Hub, until_told};
use crate::support::{Calls, UdpOnly, content, together};

#[test]
fn ends_whose_tcp_does_not_get_through_are_relayed_over_udp() {
    together([Calls::Refused, Calls::Dropped], |calls| {
        let hub = Hub::new("");
        let way = UdpOnly::to(hub.tracker.sealed(), calls);
        let narrow =
            hub.link().replace(&hub.tracker.sealed().to_string(), &format!("127.0.0.1:{}", way.port()));
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
