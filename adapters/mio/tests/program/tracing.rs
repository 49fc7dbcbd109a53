//! Traces of transfers, and drawings of them.

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    time::Duration,
};

use crate::support::{Home, content};

#[test]
fn a_trace_is_never_written_over_what_is_sent_or_fetched() {
    let home = Home::new();
    let server = home.serve("");
    let bytes = home.write("file", content(100_000));
    home.write("shared/file", content(100_000));
    std::os::unix::fs::symlink("file", home.path("link")).unwrap();
    std::fs::hard_link(home.path("file"), home.path("twin")).unwrap();
    let (url, own) = (server.url("rdt", "file"), server.url("rdt", ""));
    for name in ["file", "./file", "shared/../file", "link", "twin"] {
        let sent = "is the file to be sent; give the trace another name with --trace";
        home.run(&format!("put file {own} --trace {name}")).with(2).saying(sent);
        let goes = "is where the file goes; give the trace another name with --trace";
        home.run(&format!("get {url} -o file --trace {name}")).with(2).saying(goes);
        assert!(home.read("file") == bytes, "{name}");
    }
    home.run(&format!("get {url} -o new --trace ./new")).with(2).saying("./new is where the file goes");
    home.run(&format!("get {url} -o - --trace /dev/stdout")).with(2).saying("is where the file goes");
    assert!(!home.path("new").exists());
    home.run(&format!("put file {own} --trace trace")).well();
    home.run("plot trace -o drawn.svg").well();
}

#[test]
fn the_trace_of_a_killed_program_is_drawn_and_what_is_left_out_is_said() {
    let home = Home::new();
    let server = home.serve("");
    home.write("file", content(1_000_000));
    home.run(&format!("put file {} --trace trace", server.url("rdt", ""))).well();
    let whole = home.read("trace");
    home.write("trace", &whole[..whole.len() - 10]);
    let ended = home.run("plot trace -o drawn.svg").well();
    assert_eq!(ended.err, "skep: trace: 1 record left out, cut off or damaged\n");
    assert!(home.path("drawn.svg").exists());
    home.write("trace", &whole[..10]);
    home.run("plot trace -o drawn.svg").with(4).saying("no trace: record");
}

#[test]
fn whoever_asks_for_a_trace_of_what_went_over_tcp_is_told_and_nobody_else() {
    let told = "the transfer is in no trace: it went over TCP";
    let home = Home::new();
    let server = home.serve_sealed("--invite");
    home.write("shared/file", "content");
    // The invite lets in over TCP, once; the next transfer comes with the key, over UDP.
    let link = server.invite("file");
    let ended = home.run(&format!("get {link} --trace trace")).well();
    assert!(ended.err.contains(told), "{}", ended.err);
    assert!(!home.path("trace").exists());
    let ended = home.run(&format!("get {link} --trace trace")).well();
    assert!(!ended.err.contains("TCP"), "{}", ended.err);
    assert!(home.path("trace").exists());
}

/// Passes on what a client and a server say, until both are silent; the server's answer only when the client has sent so
/// many datagrams, however fast the server was and however slow the client.
fn answer_late(middle: &UdpSocket, server: SocketAddr, after: usize) {
    middle.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let (mut room, mut client, mut sent, mut answers) = ([0; 2_000], None, 0, Vec::new());
    while let Ok((length, from)) = middle.recv_from(&mut room) {
        if from == server {
            answers.push(room[..length].to_vec());
        } else {
            client = Some(from);
            sent += 1;
            middle.send_to(&room[..length], server).unwrap();
        }
        if sent >= after {
            for answer in answers.drain(..) {
                middle.send_to(&answer, client.unwrap()).unwrap();
            }
            middle.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        }
    }
}

#[test]
fn a_trace_of_what_is_sent_behind_the_call_has_its_places_and_its_packets() {
    let home = Home::new();
    let server = home.serve("");
    home.write("file", content(1_000_000));
    let middle = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("rdt://{}/", middle.local_addr().unwrap());
    let client = home.start(&format!("put file {url} --rate 11M --trace trace"));
    answer_late(&middle, server.at("rdt"), 20);
    client.end().well();
    let text = String::from_utf8(home.read("trace")).unwrap();
    let records: Vec<serde_json::Value> =
        text.split('\x1e').skip(1).map(|record| serde_json::from_str(record).unwrap()).collect();
    let common = &records[0]["trace"]["common_fields"];
    assert!(common["reference_time"].as_f64().unwrap() > 1.7e12, "{common}");
    let sent: Vec<_> = records.iter().filter(|record| record["name"] == "transport:packet_sent").collect();
    assert!(sent.iter().all(|record| record["data"]["header"]["packet_type"].is_string()));
    let kinds =
        |record: &&serde_json::Value| record["data"]["frames"][0]["frame_type"].as_str().unwrap().to_owned();
    let kinds: Vec<_> = sent.iter().map(kinds).collect();
    assert_eq!(kinds[0], "open");
    assert!(kinds.iter().any(|kind| kind == "fin"), "{kinds:?}");
    // Behind the call: the first place that is not 0 comes in the second packet of content.
    let content: Vec<_> =
        sent.iter().filter(|record| record["data"]["frames"][0]["frame_type"] == "stream").collect();
    let places: std::collections::HashSet<_> =
        content.iter().map(|record| record["data"]["frames"][0]["offset"].as_u64()).collect();
    assert!(places.len() >= 1_000_000 / 1_500, "{}", places.len());
    let answered = records.iter().position(|record| record["name"] == "transport:parameters_set").unwrap();
    let early =
        records[..answered].iter().filter(|record| record["data"]["frames"][0]["offset"].as_u64() > Some(0));
    assert!(early.count() > 0, "{text}");
    for record in content {
        let raw = &record["data"]["raw"];
        assert!(raw["length"].as_u64() > raw["payload_length"].as_u64(), "{record}");
    }
    for window in records.iter().filter_map(|record| record["data"].get("congestion_window")) {
        assert!(window.as_u64() > Some(0), "{window}");
    }
}
