//! Members, and users who come by the plain commands.

use super::hub::{Hub, until_told};
use crate::support::Prompt;

#[test]
fn one_who_came_by_command_and_a_member_see_each_other_and_fetch_from_each_other() {
    let hub = Hub::new("--commands 127.0.0.1:0");
    let ana = hub.join("ana", "--plain");
    hub.share("ana", "file", "of ana");
    let old = hub.home.write("old.txt", "of old");
    let to = hub.tracker.commands();
    let line = format!("client -s {} -p {}", to.ip(), to.port());
    let mut console =
        Prompt::start(&mut hub.home.command_of("old", &line.split_whitespace().collect::<Vec<_>>()));
    let path = hub.home.path("old.txt");
    let path = path.to_str().unwrap();
    assert_eq!(console.says("REGISTER old"), "REGISTER OK\n");
    assert_eq!(console.says("CONNECT old"), "CONNECT OK\n");
    assert_eq!(console.says(&format!("PUBLISH {path} text")), "PUBLISH OK\n");
    until_told(&ana, "old is here (by the plain commands)");
    until_told(&ana, "old.txt (length unknown)");
    // Not encrypted: only who says so gets it.
    hub.get("ben", ("old", path), "").with(1).saying("allow that with --plain");
    hub.get("ben", ("old", path), "--plain -o got").well();
    assert_eq!(hub.home.read("got"), old);
    // And the other way.
    let users = console.says("LIST_USERS");
    assert!(users.starts_with("LIST_USERS OK\n") && users.contains("ana 127.0.0.1 "), "{users}");
    let local = hub.home.path("back");
    assert_eq!(console.says(&format!("GET_FILE ana file {}", local.display())), "GET_FILE OK\n");
    assert_eq!(hub.home.read("back"), b"of ana");
    assert_eq!(
        console.says(&format!("GET_FILE ana other {}", local.display())),
        "GET_FILE FAIL, FILE NOT EXIST\n"
    );
    until_told(&ana, "somebody has fetched file");
    until_told(&ana, "somebody could not be given other");
}

#[test]
fn what_names_hide_is_shown() {
    let hub = Hub::new("--commands 127.0.0.1:0");
    let to = hub.tracker.commands();
    let command = |words: &[&str]| crate::tracker::commands::command(to, words);
    assert_eq!(command(&["REGISTER", "old"]), [0]);
    assert_eq!(command(&["CONNECT", "old", "9"]), [0]);
    assert_eq!(command(&["PUBLISH", "old", "cod\u{202e}txt.exe", "text"]), [0]);
    let ended = hub.run("eye", &format!("ls -s {} -u eye", hub.link())).well();
    assert!(String::from_utf8(ended.out).unwrap().contains(r"old/cod\u{202e}txt.exe"));
}
