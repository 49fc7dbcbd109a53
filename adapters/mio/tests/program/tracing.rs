//! Traces of transfers, and drawings of them.

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
    home.run(&format!("get {link} --trace trace")).well().saying(told);
    assert!(!home.path("trace").exists());
    let ended = home.run(&format!("get {link} --trace trace")).well();
    assert!(!ended.err.contains("TCP"), "{}", ended.err);
    assert!(home.path("trace").exists());
}
