//! Whose name is whose: open, by invite, by a list.

use skep::identity::Fingerprint;
use skep_core::{
    seal::{Psk, Secret, layer::Call},
    wire::{seal::Purpose, session::Code},
};

use super::{
    commands::command,
    member::{Member, Tracker},
    wire::{Keys, Wire, keys},
};
use crate::support::{Home, until};

pub(crate) fn fingerprint(keys: &Keys) -> String {
    Fingerprint::new(*keys.public()).unwrap().to_string()
}

/// A connection that an invite has opened for somebody with these keys.
fn enrol(tracker: &Tracker, link: &str, own: &Keys) -> std::io::Result<Wire> {
    let code: skep::identity::Code = link.split(['.', '@']).nth(1).unwrap().parse().unwrap();
    let server = *tracker.key().parse::<Fingerprint>().unwrap().key();
    let psk = Some(Psk::new(Secret::new(*code.psk().expose())));
    let mut wire = Wire::plain(tracker.sealed());
    wire.call(own, &Call { server, purpose: Purpose::Enrol { invite: code.id().0 }, psk })?;
    Ok(wire)
}

#[test]
fn a_new_user_may_come_several_times_at_once() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "");
    let wires = [(); 4].map(|()| Wire::sealed(tracker.sealed(), &tracker.key(), Some(&keys(1))).unwrap());
    // Whoever is first, the others ask while it is stored whose name it is, and are told that it is in use, if anything.
    for mut member in wires.map(|wire| Member::new(wire, "ana")) {
        member.listen_until("an answer", |member| member.welcome || member.bye.is_some());
        assert_ne!(member.bye, Some(Code::NotAllowed));
    }
    tracker.stop();
}

#[test]
fn where_accounts_are_open_a_name_belongs_to_the_key_that_came_by_it_first() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--plain 127.0.0.1:0");
    drop(tracker.join_sealed("ana", &keys(1)).welcomed());
    // Not another key, nobody without one, not the same key by another name.
    assert_eq!(tracker.join_sealed("ana", &keys(2)).refused(), Code::NotAllowed);
    assert_eq!(tracker.join("ana").refused(), Code::NotAllowed);
    let guest = Wire::sealed(tracker.sealed(), &tracker.key(), None).unwrap();
    assert_eq!(Member::new(guest, "ana").refused(), Code::NotAllowed);
    assert_eq!(tracker.join_sealed("eva", &keys(1)).refused(), Code::NotAllowed);
    // Who has no key has a name while he is there.
    tracker.join("bob").welcomed().leaves();
    tracker.join_sealed("bob", &keys(2)).welcomed();
    // The log has the name of each, whoever refused it, and why.
    let log = tracker.stop().err;
    for why in ["the name belongs to another key, key ", "the key has another name, key "] {
        assert!(log.contains(&format!("refused: not allowed, {why}")), "{log}");
    }
    for (name, count) in [("ana", 3), ("eva", 1)] {
        assert_eq!(log.matches(&format!("log-in of {name} from 127.0.0.1:")).count(), count, "{log}");
    }
    // And after a restart it is the same.
    let tracker = Tracker::start(&home, "--plain 127.0.0.1:0");
    assert_eq!(tracker.join("ana").refused(), Code::NotAllowed);
    assert_eq!(tracker.join("bob").refused(), Code::NotAllowed);
    tracker.join_sealed("ana", &keys(1)).welcomed();
    tracker.stop();
}

#[test]
fn who_has_a_name_without_a_key_makes_way_for_the_key_that_gets_it() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--plain 127.0.0.1:0");
    let (guest, visit) = (tracker.join("ana").welcomed(), tracker.join("ana~1").welcomed());
    let other = tracker.join("ana~8").welcomed();
    tracker.join_sealed("ana", &keys(1)).welcomed();
    assert_eq!((guest.refused(), visit.refused()), (Code::Dismissed, Code::Dismissed));
    other.leaves();
    // Nobody is left behind where the name goes.
    let visit = tracker.join_sealed("ana~1", &keys(1)).welcomed();
    tracker.admin(&home, "remove ana");
    assert_eq!(visit.refused(), Code::Dismissed);
    tracker.stop();
}

#[test]
fn a_ban_of_a_name_is_not_about_who_has_that_of_a_visit_for_himself() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "");
    let sam = tracker.join_sealed("sam", &keys(1)).welcomed();
    tracker.admin(&home, &format!("add eva~3 {}", fingerprint(&keys(2))));
    let other = tracker.join_sealed("eva~3", &keys(2)).welcomed();
    tracker.admin(&home, &format!("add eva {}", fingerprint(&keys(3))));
    let visit = tracker.join_sealed("eva~4", &keys(3)).welcomed();
    tracker.admin(&home, "ban --name eva");
    assert_eq!(visit.refused(), Code::Dismissed);
    assert_eq!(tracker.join_sealed("eva~4", &keys(3)).refused(), Code::NotAllowed);
    other.leaves();
    let other = tracker.join_sealed("eva~3", &keys(2)).welcomed();
    // Nor is what ends her sessions.
    tracker.admin(&home, "unban 1");
    for order in ["kick eva", "remove eva"] {
        let visit = tracker.join_sealed("eva~4", &keys(3)).welcomed();
        tracker.admin(&home, order);
        assert_eq!(visit.refused(), Code::Dismissed, "{order}");
    }
    other.leaves();
    sam.leaves();
    tracker.stop();
}

#[test]
fn a_name_that_could_not_be_shown_or_linked_is_none() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--plain 127.0.0.1:0 --commands 127.0.0.1:0");
    for name in ["a/b", " ana", "a\u{202e}na", "..", "a\nb"] {
        assert_eq!(tracker.join(name).refused(), Code::BadName, "{name:?}");
        assert_eq!(command(tracker.commands(), &["REGISTER", name]), [2], "{name:?}");
    }
    // That of a visit is only hers who will be called so.
    assert_eq!(command(tracker.commands(), &["REGISTER", "ana~7"]), [2]);
    assert_eq!(command(tracker.commands(), &["REGISTER", "ana~8"]), [0]);
    tracker.stop();
}

#[test]
fn by_invite_comes_who_has_one_once_and_his_key_has_the_name_then() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--accounts invite --plain 127.0.0.1:0");
    // Strangers are not let in, and learn nothing.
    assert!(Wire::sealed(tracker.sealed(), &tracker.key(), Some(&keys(1))).is_err());
    assert!(Wire::sealed(tracker.sealed(), &tracker.key(), None).is_err());
    assert_eq!(tracker.join("ana").refused(), Code::NotAllowed);
    let link = tracker.admin(&home, "invite ana");
    let enrol = |own: &Keys| enrol(&tracker, &link, own);
    let wire = enrol(&keys(1)).unwrap();
    Member::new(wire, "ana").welcomed();
    assert!(enrol(&keys(2)).is_err(), "it was used already");
    tracker.join_sealed("ana", &keys(1)).welcomed();
    assert_eq!(tracker.join_sealed("eva", &keys(1)).refused(), Code::NotAllowed);
    // Killed at once: who was let in stays let in, and the invite stays used.
    tracker.process.kill();
    let tracker = Tracker::start(&home, "--accounts invite");
    tracker.join_sealed("ana", &keys(1)).welcomed();
    assert!(tracker.admin(&home, "accounts").contains(&fingerprint(&keys(1))));
    tracker.stop();
}

#[test]
fn an_admin_lists_invites_and_takes_them_back() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--accounts invite");
    for name in ["ann", "ben", "ben"] {
        tracker.admin(&home, &format!("invite {name}"));
    }
    let open = tracker.admin(&home, "invites");
    let lines: Vec<Vec<&str>> = open.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(lines.iter().map(|line| line[1]).collect::<Vec<_>>(), ["ann", "ben", "ben"], "{open}");
    assert!(lines.iter().all(|line| line[2].starts_with("until 2") && line[3] == "user"), "{open}");
    let json: serde_json::Value = serde_json::from_str(&tracker.admin(&home, "invites --json")).unwrap();
    assert_eq!(json[0]["name"], "ann");
    assert_eq!(json[0]["id"], lines[0][0]);
    assert!(json[0].get("psk").is_none(), "{json}");
    tracker.admin(&home, "uninvite ann");
    tracker.admin_fails(&home, "uninvite ann", "there is no invite ann; it was used or has ended");
    tracker.admin_fails(&home, "uninvite ben", "there are 2 invites for ben");
    tracker.admin(&home, &format!("uninvite {}", lines[1][0]));
    // It is on the disk.
    tracker.process.kill();
    let tracker = Tracker::start(&home, "--accounts invite");
    assert_eq!(tracker.admin(&home, "invites").lines().collect::<Vec<_>>(), [lines[2].join("\t")]);
    tracker.stop();
}

#[test]
fn an_invite_is_no_good_any_more_when_its_name_is_somebody_s_or_is_taken_away() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--accounts invite");
    let [first, second, _] = ["invite ann"; 3].map(|order| tracker.admin(&home, order));
    tracker.admin(&home, "invite ben");
    Member::new(enrol(&tracker, &first, &keys(1)).unwrap(), "ann").welcomed();
    let open = || tracker.admin(&home, "invites").lines().count();
    assert_eq!(open(), 1);
    tracker.admin(&home, &format!("add ben {}", fingerprint(&keys(2))));
    assert_eq!(open(), 0);
    assert_eq!(tracker.admin(&home, "remove ann"), "ann belongs to nobody now\n");
    assert!(enrol(&tracker, &second, &keys(3)).is_err());
    tracker.stop();
}

#[test]
fn a_name_with_a_password_is_the_file_s_and_orders_say_so() {
    let home = Home::new();
    account_by_password(&home);
    let tracker = Tracker::start(&home, "--accounts fixed");
    for order in [&format!("add ana {}", fingerprint(&keys(2))), "remove ana", "role ana admin", "invite ana"]
    {
        tracker.admin_fails(&home, order, "ana has a password");
    }
    assert_eq!(tracker.admin(&home, "accounts"), "ana\tpassword\tuser\n");
    tracker.admin_fails(&home, "remove eva", "no key has the name eva");
    tracker.admin_fails(&home, "invite eva", "with --accounts fixed there are no invites");
    home.run_as("tracker", "admin invite eva --host skep://bee").with(2);
    home.run_as("tracker", "admin ban --name= --for 1h").with(2);
    tracker.stop();
}

/// The name ana has a password, whose key is the first of ours.
fn account_by_password(home: &Home) {
    // The key of a password is a key like others.
    let line = format!("skep-account ana m=19456,t=2,p=1 AAECAwQFBgcICQoLDA0ODw {}\n", fingerprint(&keys(1)));
    let file = home.keys("tracker").join("accounts");
    std::fs::create_dir_all(home.keys("tracker")).unwrap();
    std::fs::write(&file, line).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

#[test]
fn by_a_list_comes_whom_an_admin_has_entered() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--accounts fixed --commands 127.0.0.1:0");
    for _ in 0..2 {
        assert!(Wire::sealed(tracker.sealed(), &tracker.key(), Some(&keys(1))).is_err());
    }
    // Whoever it was, the log has it, once.
    let line = format!("turned away {}, from 127.0.0.1:", fingerprint(&keys(1)));
    until("a line", || tracker.process.err().contains(&line).then_some(()));
    assert_eq!(tracker.process.err().matches("turned away").count(), 1);
    assert_eq!(command(tracker.commands(), &["REGISTER", "ana"]), [2]);
    tracker.admin(&home, &format!("add ana {}", fingerprint(&keys(1))));
    tracker.join_sealed("ana", &keys(1)).welcomed();
    tracker.admin_fails(&home, &format!("add ana {}", fingerprint(&keys(2))), "belongs to a key already");
    tracker.admin_fails(&home, &format!("add eva {}", fingerprint(&keys(1))), "has a name already: ana");
    tracker.admin(&home, "role ana admin");
    assert!(tracker.admin(&home, "accounts").ends_with("admin\n"));
    let mut ana = tracker.join_sealed("ana", &keys(1)).welcomed();
    tracker.admin(&home, "remove ana");
    ana.listen_until("Bye", |ana| ana.bye == Some(Code::Dismissed));
    assert!(Wire::sealed(tracker.sealed(), &tracker.key(), Some(&keys(1))).is_err());
    tracker.stop();
}

#[test]
fn who_has_a_name_without_a_key_goes_when_it_is_given_to_one() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--plain 127.0.0.1:0 --commands 127.0.0.1:0");
    let mut bob = tracker.join("bob").welcomed();
    tracker.admin(&home, &format!("add bob {}", fingerprint(&keys(1))));
    bob.listen_until("Bye", |bob| bob.bye == Some(Code::Dismissed));
    let bob = tracker.join_sealed("bob", &keys(1)).welcomed();
    // By an invite it is the same.
    let mut eva = tracker.join("eva").welcomed();
    let link = tracker.admin(&home, "invite eva");
    let wire = enrol(&tracker, &link, &keys(2)).unwrap();
    eva.listen_until("Bye", |eva| eva.bye == Some(Code::Dismissed));
    Member::new(wire, "eva").welcomed();
    // And who comes by command has it no longer, now or later.
    let command = |word: &[&str]| command(tracker.commands(), word);
    assert_eq!(command(&["REGISTER", "old"]), [0]);
    assert_eq!(command(&["CONNECT", "old", "4000"]), [0]);
    tracker.admin(&home, &format!("add old {}", fingerprint(&keys(3))));
    drop(tracker.join_sealed("old", &keys(3)).welcomed());
    until("nobody there", || (!tracker.admin(&home, "list").contains("old")).then_some(()));
    command(&["CONNECT", "old", "4000"]);
    tracker.join_sealed("old", &keys(3)).welcomed();
    // Its owner stays, whatever is said of the name.
    tracker.admin(&home, "role bob admin");
    assert!(tracker.admin(&home, "list").contains("bob\t"));
    drop(bob);
    tracker.stop();
}

#[test]
fn a_name_that_belongs_to_a_key_cannot_be_taken_by_command_and_one_by_command_by_no_key() {
    let home = Home::new();
    let tracker = Tracker::start(&home, "--commands 127.0.0.1:0");
    let to = tracker.commands();
    let visit = |name, number| {
        drop(tracker.join_sealed(name, &keys(number)).welcomed());
        until("nobody there", || tracker.admin(&home, "list").is_empty().then_some(()));
    };
    visit("ana", 1);
    assert_eq!(command(to, &["REGISTER", "ana"]), [2]);
    assert_eq!(command(to, &["REGISTER", "bob"]), [0]);
    visit("bob", 2);
    assert!(!tracker.admin(&home, "accounts").contains("bob"));
    assert_eq!(command(to, &["UNREGISTER", "bob"]), [0]);
    tracker.stop();
}

#[test]
fn case_38_after_five_wrong_passwords_the_right_one_is_refused_by_a_tracker_too() {
    for options in ["--accounts fixed", "--accounts open"] {
        let home = Home::new();
        account_by_password(&home);
        let tracker = Tracker::start(&home, options);
        let is_refused = |keys: &Keys| match Wire::sealed(tracker.sealed(), &tracker.key(), Some(keys)) {
            Err(_) => true,
            Ok(wire) if options.ends_with("open") => {
                let mut member = Member::new(wire, "ana");
                while !member.welcome && member.bye.is_none() && member.listen() {}
                member.bye == Some(Code::NotAllowed)
            }
            Ok(_) => false,
        };
        assert!(!is_refused(&keys(1)), "{options}");
        for wrong in 2..7 {
            assert!(is_refused(&keys(wrong)), "{options}");
        }
        assert!(is_refused(&keys(1)), "{options}");
        if options.ends_with("open") {
            tracker.join_sealed("bob", &keys(8)).welcomed();
        }
        tracker.stop();
    }
}
