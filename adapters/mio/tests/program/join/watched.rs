//! A shared directory that changes, as others see it.

use std::{fs, io::Write};

use super::hub::{Hub, until_told};
use crate::support::{until, until_within};

#[test]
fn partial_writes_renames_and_deletions_are_seen_by_others() {
    let hub = Hub::new("");
    let ana = hub.join("ana", "");
    until_told(&ana, "sharing 0 files of");
    let path = |name: &str| hub.home.path(&format!("ana-shares/{name}"));
    let mut file = fs::File::create(path("slow")).unwrap();
    file.write_all(b"the first half, ").unwrap();
    hub.share("ana", "other", "content");
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    assert_eq!(hub.names("ana"), ["other"]);
    file.write_all(b"and the second").unwrap();
    drop(file);
    hub.until_listed("ana", "slow");
    hub.get("ben", ("ana", "slow"), "-o got").well();
    assert_eq!(hub.home.read("got"), b"the first half, and the second");
    fs::rename(path("slow"), path("done")).unwrap();
    until("the rename", || (hub.names("ana") == ["done", "other"]).then_some(()));
    until_told(&ana, "no longer sharing slow");
    hub.get("ben", ("ana", "slow"), "").with(1).saying("no such file is shared there");
    fs::remove_file(path("other")).unwrap();
    until("the deletion", || (hub.names("ana") == ["done"]).then_some(()));
    for hidden in [".hidden", "film.part"] {
        hub.home.write(&format!("ana-shares/{hidden}"), "content");
    }
    hub.share("ana", "last", "content");
    assert_eq!(hub.names("ana"), ["done", "last"]);
}

#[test]
fn so_many_files_are_shared_as_the_tracker_takes_of_one_user_and_others_when_they_go() {
    let hub = Hub::new("--max-files 1");
    let ana = hub.join("ana", "");
    hub.share("ana", "first", "content");
    hub.home.write("ana-shares/second", "content");
    until_told(&ana, "second is not shared");
    assert_eq!(hub.names("ana"), ["first"]);
    fs::remove_file(hub.home.path("ana-shares/first")).unwrap();
    hub.until_listed("ana", "second");
    assert_eq!(hub.names("ana"), ["second"]);
}

#[test]
fn what_is_there_at_the_start_is_summed_up_behind_the_log_in() {
    let hub = Hub::new("");
    let line = hub.line("ana", "");
    // They are just written: nobody can tell yet whether they are complete.
    for name in ["one", "two"] {
        hub.home.write(&format!("ana-shares/{name}"), "content");
    }
    let ana = hub.start("ana", &line);
    until_told(&ana, "sharing ");
    let told = ana.out();
    let lines: Vec<_> = told.lines().collect();
    let place = |what: &str| lines.iter().position(|line| line.starts_with(what));
    assert_eq!(lines.iter().filter(|line| line.starts_with("sharing ")).count(), 1, "{told}");
    assert!(place("sharing 2 files of ana-shares") > place("logged in to"), "{told}");
}

#[test]
fn a_file_is_told_of_once_and_again_when_it_is_another_one() {
    let hub = Hub::new("");
    let ana = hub.join("ana", "");
    let ben = hub.join("ben", "");
    until_told(&ana, "sharing 0 files of");
    let until_hashed = |content: &str| {
        let hash = blake3::hash(content.as_bytes()).to_hex().to_string();
        until("a hash", || (hub.list()["users"][0]["files"][0]["blake3"] == hash.as_str()).then_some(()));
    };
    hub.home.write("ana-shares/file", "content");
    until_hashed("content");
    hub.home.write("ana-shares/file", "other content");
    until_hashed("other content");
    hub.home.write("ana-shares/last", "content");
    until_told(&ben, "ana shares last");
    let told = ben.out();
    let of_file: Vec<_> = told.lines().filter(|line| line.contains("shares file")).collect();
    assert_eq!(of_file, ["ana shares file (7 B)", "ana shares file (13 B)"]);
}

#[test]
fn a_burst_of_a_thousand_files_and_a_directory_that_is_made_again() {
    let hub = Hub::new("");
    let ana = hub.join("ana", "");
    let ben = hub.join("ben", "");
    until_told(&ana, "sharing 0 files of");
    for number in 0..1_000 {
        hub.home.write(&format!("ana-shares/{number:04}"), format!("content {number}"));
    }
    let patience = std::time::Duration::from_secs(60);
    until_within(patience, "1,000 files", || (hub.names("ana").len() == 1_000).then_some(()));
    until_told(&ben, "ana shares 0999");
    hub.get("cyd", ("ana", "0777"), "-o got").well();
    assert_eq!(hub.home.read("got"), b"content 777");
    fs::remove_dir_all(hub.home.path("ana-shares")).unwrap();
    until_told(&ana, "ana-shares is gone");
    until("an empty list", || hub.names("ana").is_empty().then_some(()));
    hub.shared("ana");
    hub.share("ana", "new", "content");
    until_told(&ana, "ana-shares is back");
    hub.get("cyd", ("ana", "new"), "-o got").well();
}

#[test]
fn a_program_is_told_that_the_directory_is_gone() {
    let hub = Hub::new("");
    let ana = hub.join("ana", "--json");
    fs::remove_dir_all(hub.home.path("ana-shares")).unwrap();
    let told = until("a line", || {
        let out = ana.out();
        out.lines().find(|line| line.contains("\"trouble\"")).map(ToOwned::to_owned)
    });
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["what"], "ana-shares is gone");
}

#[test]
fn a_file_that_changes_is_fetched_as_it_is_or_not_at_all() {
    let hub = Hub::new("");
    let _ana = hub.join("ana", "");
    hub.share("ana", "file", "first");
    hub.home.write("ana-shares/file", "the second");
    let second = blake3::hash(b"the second").to_hex().to_string();
    until("the change", || {
        let list = hub.list();
        (list["users"][0]["files"][0]["blake3"] == second.as_str()).then_some(())
    });
    hub.get("ben", ("ana", "file"), "-o got").well();
    assert_eq!(hub.home.read("got"), b"the second");
}

#[test]
fn files_for_which_the_tracker_has_no_room_are_told_in_one_line_and_offered_when_it_has() {
    let hub = Hub::new("");
    let shared = hub.shared("ana");
    for number in 0..10_010 {
        hub.home.write(&format!("{shared}/{number:05}"), "");
    }
    let ana = hub.join("ana", "");
    until_told(&ana, "10 files are not shared: the tracker has no room for them");
    assert!(!ana.out().contains(" is not shared"), "{}", ana.out());
    let names = hub.names("ana");
    assert_eq!(names.len(), 10_000);
    // One that is written anew, as it was before, waits for room no less.
    for name in hub.home.entries(&shared).iter().filter(|name| !names.contains(name)) {
        hub.home.write(&format!("{shared}/{name}"), "");
    }
    std::thread::sleep(std::time::Duration::from_secs(1));
    for name in &names[..10] {
        fs::remove_file(hub.home.path(&format!("{shared}/{name}"))).unwrap();
    }
    let patience = std::time::Duration::from_secs(60);
    until_within(patience, "the others", || (hub.names("ana") == hub.home.entries(&shared)).then_some(()));
}
