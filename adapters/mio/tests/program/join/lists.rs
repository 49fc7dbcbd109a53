//! `skep ls` and `skep find`.

use serde_json::json;

use super::hub::Hub;

#[test]
fn a_list_for_people_and_one_for_programs() {
    let hub = Hub::new("");
    let _ana = hub.join("ana", "");
    let _ben = hub.join("ben", "");
    hub.home.folder(&(hub.shared("ana") + "/sub"));
    hub.share("ana", "sub/b.txt", "content");
    hub.share("ana", "a.bin", vec![1; 2_048]);
    let ls = |rest: &str| hub.run("eye", &format!("ls -s {} -u eye {rest}", hub.link()));
    let out = String::from_utf8(ls("").well().out).unwrap();
    assert_eq!(out, "    2.00 KiB  ana/a.bin\n         7 B  ana/sub/b.txt\n           -  ben/\n");
    assert_eq!(String::from_utf8(ls("ben").well().out).unwrap(), "           -  ben/\n");
    ls("eva").with(1).saying("nobody called eva");
    let hash = blake3::hash(b"content").to_hex().to_string();
    let other = blake3::hash(&[1; 2_048]).to_hex().to_string();
    let files = json!([
        {"name": "a.bin", "bytes": 2_048, "blake3": other},
        {"name": "sub/b.txt", "bytes": 7, "blake3": hash},
    ]);
    let users = json!({"users": [
        {"user": "ana", "plain": false, "files": files},
        {"user": "ben", "plain": false, "files": []},
    ]});
    assert_eq!(hub.list(), users);
}

#[test]
fn files_are_found_by_a_pattern_or_a_part_of_the_name() {
    let hub = Hub::new("");
    let _ana = hub.join("ana", "");
    hub.home.folder(&(hub.shared("ana") + "/photos"));
    hub.share("ana", "photos/Bee.JPG", "content");
    hub.share("ana", "notes.txt", "content");
    let find = |pattern: &str, rest: &str| {
        let link = hub.link();
        let words = ["find", pattern, "-s", &link, "-u", "eye"].into_iter().chain(rest.split_whitespace());
        let arguments: Vec<_> = words.collect();
        crate::support::Process::start(&mut hub.home.command_of("eye", &arguments)).end()
    };
    for pattern in ["bee", "*.jpg", "photos/*", "b?e.*"] {
        let out = String::from_utf8(find(pattern, "").well().out).unwrap();
        assert_eq!(out, "         7 B  ana/photos/Bee.JPG\n", "{pattern}");
    }
    hub.share("ana", "grüße.md", "content");
    for pattern in ["GRÜ", "*ÜSSE.*", "grüß?.[MN]D", "gr[üo]?e.*"] {
        let out = String::from_utf8(find(pattern, "").well().out).unwrap();
        assert_eq!(out, "         7 B  ana/grüße.md\n", "{pattern}");
    }
    let list: serde_json::Value = serde_json::from_slice(&find("*.txt", "--json").well().out).unwrap();
    assert_eq!(list["users"][0]["files"][0]["name"], "notes.txt");
    let ended = find("wasp", "").with(1).saying("nothing is called like wasp");
    assert_eq!(ended.out, b"");
}

#[test]
fn the_link_may_come_from_a_file_or_the_environment() {
    let hub = Hub::new("");
    let _ana = hub.join("ana", "");
    hub.home.write("link", format!("tracker {}\n", hub.link()));
    hub.run("eye", "ls --link-file link -u eye").well();
    let mut command = hub.home.command_of("eye", &["ls", "-u", "eye"]);
    crate::support::Process::start(command.env("SKEP_LINK", hub.link())).end().well();
    hub.run("eye", "ls -u eye").with(2).saying("give -s LINK");
    hub.run("eye", "ls -s tcp://localhost/ -u eye").with(2);
}
