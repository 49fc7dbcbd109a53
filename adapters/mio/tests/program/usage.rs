//! The command line: what it explains, and what it does not take.

use crate::support::{Home, together};

/// The commands that the program lists.
fn commands(home: &Home) -> Vec<String> {
    let help = String::from_utf8(home.run("--help").well().out).unwrap();
    let list =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = list.filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    names.filter(|name| !name.is_empty() && *name != "help").map(ToOwned::to_owned).collect()
}

#[test]
fn every_command_explains_itself() {
    let home = Home::new();
    let commands = commands(&home);
    assert!(["serve", "get", "put", "demo"].iter().all(|name| commands.iter().any(|listed| listed == name)));
    for command in commands.iter().map(String::as_str).chain([""]) {
        for line in [format!("{command} --help"), format!("{command} -h"), format!("help {command}")] {
            let ended = home.run(&line).well();
            let help = String::from_utf8(ended.out).unwrap();
            for part in ["Usage: skep", "Options:", "Examples:", "Exit codes:", "130  interrupted"] {
                assert!(help.contains(part), "{line}: no {part} in {help}");
            }
            assert_eq!(ended.err, "", "{line}");
        }
    }
}

#[test]
fn it_knows_its_version() {
    let ended = Home::new().run("--version").well();
    assert_eq!(String::from_utf8(ended.out).unwrap(), concat!("skep ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn wrong_usage_is_told_in_its_first_line_and_ends_with_2() {
    let home = Home::new();
    home.write("file", "content");
    for (line, told) in [
        ("fly", "'fly'"),
        ("get", "give a URL"),
        ("get x", "not a URL"),
        ("get http://host/x", "http:// is not known"),
        ("get tcp:///x", "tcp:///x"),
        ("get tcp://host:0/x", "no port 0"),
        ("get tcp://host:65536/x", "65536"),
        ("get tcp://[::1/x", "[::1"),
        ("get tcp://host/", "names no file"),
        ("get tcp://host/folder/", "names no file"),
        ("get tcp://host/a//b", "cannot be the name"),
        ("get tcp://host/../x", "cannot be the name"),
        ("get tcp://host/%00", "cannot be the name"),
        ("get tcp://host/50%", "%25"),
        ("get tcp://host/%ff", "UTF-8"),
        ("get path://host/a%0ab", "line break"),
        ("get tcp://host/x y", "'y'"),
        ("get tcp://host/x --frobnicate", "--frobnicate"),
        ("get tcp://host/x --timeout 0", "seconds"),
        ("get tcp://host/x --timeout soon", "seconds"),
        ("get tcp://host/x -v -q", "cannot be used with"),
        ("get tcp://host/x --window 4", "--window is for rdt://"),
        ("get tcp://host/x --legacy", "--legacy is for rdt://"),
        ("get path://host/x --ascii-types", "--ascii-types is for rdt://"),
        ("get tcp://host/x --magic A", "--magic is for rdt://"),
        ("get skep://host/x --window 4 --magic A", "--magic is for rdt://"),
        ("get skep://host/x --trace file --via tcp", "--trace is for RDT"),
        ("get rdt://host/x --window 0", "--window"),
        ("get rdt://host/x --window 65536", "--window"),
        ("get rdt://host/x --magic MUCHTOOLONG", "1 to 8"),
        ("get rdt://host/x --magic 0x123", "hexadecimal"),
        ("get rdt://127.0.0.1/x --magic SKEPTIC", "SKEP"),
        ("put", "<FILE>"),
        ("put file", "give a URL"),
        ("put file path://host/x", "only fetches"),
        ("put file tcp://host/../x", "cannot be the name"),
        ("put - tcp://host/x", "standard input cannot be sent"),
        ("put ./- tcp://host/", "cannot be the name"),
        ("put file tcp://host/x --no-replace", "--no-replace"),
        ("serve", "<DIR>"),
        ("serve shared --tcp 7537", ":7537"),
        ("serve shared --tcp host:port", "port"),
        ("serve shared --slots 0", "--slots"),
        ("serve shared --slots many", "--slots"),
        ("serve shared --max-upload 3X", "unit"),
        ("serve shared --max-upload lots", "unit"),
        ("serve shared --max-upload 99999999T", "no file is that large"),
        ("serve shared --window 0", "--window"),
        ("serve shared --rdt 127.0.0.1:0 --magic SKEP", "SKEP"),
        ("serve shared --tcp 127.0.0.1:0 --trust-addresses", "add --rdt"),
        ("serve shared --read-only --no-replace", "cannot be used with"),
        ("serve shared --read-only --max-upload 1K", "cannot be used with"),
        ("serve shared -v -q", "cannot be used with"),
        ("demo --loss 91", "--loss"),
        ("demo --window 1", "--window"),
        ("demo --size none", "--size"),
        ("demo --seed x", "--seed"),
    ] {
        let ended = home.run(line).with(2);
        let first = ended.err.lines().next().unwrap_or_default();
        assert!(first.starts_with("error: ") || first.starts_with("skep: "), "{line}: {}", ended.err);
        assert!(ended.err.contains(told), "{line}: no \"{told}\" in {}", ended.err);
        assert_eq!(ended.out, b"", "{line}");
    }
    let ended = home.run("").with(2);
    assert!(ended.err.contains("Usage: skep <COMMAND>"), "{}", ended.err);
}

#[test]
fn who_cannot_be_found_or_reached_is_a_matter_of_the_network() {
    let home = Home::new();
    home.write("file", "content");
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    together(["tcp", "rdt", "path"], |scheme| {
        let unknown = format!("get {scheme}://nobody.invalid/x");
        home.run(&unknown).with(3).saying("cannot find nobody.invalid");
        let nobody = format!("get {scheme}://{free}/x --timeout 1");
        home.run(&nobody).with(3).saying(&format!("cannot connect to {free}"));
    });
    together(["tcp", "rdt"], |scheme| {
        home.run(&format!("put file {scheme}://nobody.invalid/x"))
            .with(3)
            .saying("cannot find nobody.invalid");
        home.run(&format!("put file {scheme}://{free}/x --timeout 1")).with(3).saying("cannot connect to");
    });
    // Sealed servers are silent to strangers, but this one is not there.
    home.run("key make").well();
    let link = format!("skep://hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo@{free}/");
    for line in [format!("put file {link}x"), format!("get {link}x"), format!("ls -s {link} -u ana")] {
        home.run(&line).with(3).saying("nobody listens there");
    }
    assert_eq!(home.entries(""), ["file", "shared", "temporary"]);
}

#[test]
#[cfg(target_os = "linux")]
fn what_the_system_does_not_send_is_told_at_once() {
    let home = Home::new();
    home.write("file", "content");
    home.run("key make").well();
    let key = "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo";
    // Nobody may call all at once.
    let all = "255.255.255.255";
    for line in [
        format!("get rdt://{all}/file --timeout 600"),
        format!("put file rdt://{all}/ --timeout 600"),
        format!("get skep://{key}@{all}/file --via udp --timeout 600"),
        format!("get skep://{key}@{all}/file --timeout 600"),
        format!("ls -s skep://{key}@{all}/ -u ana --via udp --timeout 600"),
    ] {
        let told = home.run(&line).with(3).err;
        assert!(told.contains("is unreachable") || told.contains("ermission denied"), "{line}: {told}");
        assert!(!told.contains("no answer") && !told.contains("silent"), "{line}: {told}");
    }
}

#[test]
fn a_server_that_cannot_serve_says_why() {
    let home = Home::new();
    home.write("file", "content");
    home.run("serve nowhere").with(4).saying("cannot serve nowhere: No such file or directory");
    home.run("serve file").with(4).saying("cannot serve file: Not a directory");
    let server = home.serve("");
    for scheme in ["tcp", "rdt", "path"] {
        let taken = format!("serve shared --{scheme} {}", server.at(scheme));
        home.run(&taken).with(3).saying("Address already in use");
        let unknown = format!("serve shared --{scheme} nobody.invalid:0");
        home.run(&unknown).with(3).saying(&format!("cannot listen on {scheme}://nobody.invalid:0"));
    }
}
