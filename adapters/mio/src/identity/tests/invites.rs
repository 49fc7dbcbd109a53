//! The life of an invite.

use std::{
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::*;

const DAY: Duration = Duration::from_secs(86_400);

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn create(invites: &mut Invites, name: &str, life: Duration) -> Code {
    invites.create(name.parse().unwrap(), Rights::default(), life, now()).unwrap()
}

#[test]
fn an_invite_is_found_by_its_id_until_it_ends() {
    let (_directory, path) = path("invites");
    let mut invites = Invites::load(&path).unwrap();
    let code = create(&mut invites, "bob", DAY);
    for invites in [&invites, &Invites::load(&path).unwrap()] {
        let found = invites.find(&code.id(), now()).unwrap();
        assert_eq!((found.psk.expose(), found.name.as_str()), (code.psk().expose(), "bob"));
        assert!(invites.find(&code.id(), now() + DAY - Duration::from_secs(1)).is_some());
        assert!(invites.find(&code.id(), now() + DAY).is_none());
        assert!(invites.find(&InviteId([0; 8]), now()).is_none());
    }
}

#[test]
fn the_code_is_kept_nowhere_and_the_file_is_for_nobody_else() {
    let (directory, path) = path("invites");
    let mut invites = Invites::load(&path).unwrap();
    let code = create(&mut invites, "bob", DAY);
    assert_eq!(mode(&path), 0o600);
    for entry in fs::read_dir(directory.path()).unwrap() {
        assert!(!fs::read_to_string(entry.unwrap().path()).unwrap().contains(code.reveal().as_str()));
    }
    let psk = base64url::encode(code.psk().expose());
    let shown = format!("{code:?} {invites:?} {:?}", invites.list(now()));
    assert!(!shown.contains(code.reveal().as_str()) && !shown.contains(&*psk), "{shown}");
    file(&path, &fs::read_to_string(&path).unwrap(), 0o640);
    assert!(Invites::load(&path).unwrap_err().to_string().contains("chmod 600"));
}

#[test]
fn an_invite_is_used_once_and_that_is_on_the_disk() {
    let (_directory, path) = path("invites");
    let mut invites = Invites::load(&path).unwrap();
    let (code, other) = (create(&mut invites, "bob", DAY), create(&mut invites, "al", DAY));
    // Another process has read it before.
    let mut elsewhere = Invites::load(&path).unwrap();
    assert!(invites.use_up(&code.id(), now()).unwrap().is_some());
    assert!(Invites::load(&path).unwrap().find(&code.id(), now()).is_none());
    assert!(elsewhere.use_up(&code.id(), now()).unwrap().is_none());
    assert!(elsewhere.find(&code.id(), now()).is_none() && elsewhere.find(&other.id(), now()).is_some());
}

#[test]
fn an_invite_that_has_ended_is_of_no_use_and_is_removed() {
    let (_directory, path) = path("invites");
    let mut invites = Invites::load(&path).unwrap();
    let old = create(&mut invites, "old", Duration::from_secs(10));
    let later = now() + Duration::from_secs(10);
    assert!(invites.use_up(&old.id(), later).unwrap().is_none());
    assert_eq!(fs::read_to_string(&path).unwrap(), "");
    let old = create(&mut invites, "old", Duration::from_secs(10));
    let new = invites.create("new".parse().unwrap(), Rights::default(), DAY, later).unwrap();
    assert!(invites.find(&old.id(), now()).is_none());
    assert_eq!(invites.list(later).iter().map(|(id, _)| *id).collect::<Vec<_>>(), [new.id()]);
    let forever = invites.create("x".parse().unwrap(), Rights::default(), 91 * DAY, now());
    assert!(forever.unwrap_err().to_string().contains("90 days"));
}

#[test]
fn of_many_who_use_it_at_once_one_gets_it() {
    let (_directory, path) = path("invites");
    let id = create(&mut Invites::load(&path).unwrap(), "bob", DAY).id();
    let got = thread::scope(|scope| {
        let all: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| Invites::load(&path).unwrap().use_up(&id, now()).unwrap().is_some()))
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).filter(|got| *got).count()
    });
    assert_eq!(got, 1);
}

#[test]
fn an_invite_lets_one_key_in_under_the_hosts_name_for_it() {
    let (directory, path) = path("invites");
    let mut allow = AllowFile::load_or_empty(&directory.path().join("allow")).unwrap();
    let mut invites = Invites::load(&path).unwrap();
    let code = invites.create("cam".parse().unwrap(), Rights { read_only: true }, DAY, now()).unwrap();
    let enrol = |invites: &mut Invites, allow: &mut AllowFile, index| {
        invites.enrol(allow, &code.id(), key(index), now()).unwrap()
    };
    assert_eq!(enrol(&mut invites, &mut allow, 0), Enrolled::Done);
    assert_eq!(enrol(&mut invites, &mut allow, 0), Enrolled::Already);
    assert_eq!(enrol(&mut invites, &mut allow, 1), Enrolled::NoInvite);
    let allow = AllowFile::load(&directory.path().join("allow")).unwrap();
    assert_eq!(allow.count(), 1);
    assert_eq!(
        allow.find(&key(0)),
        Some(&Allowed { name: "cam".parse().unwrap(), rights: Rights { read_only: true } })
    );
}

#[test]
fn a_key_that_is_in_already_costs_no_invite() {
    let (directory, path) = path("invites");
    let mut allow = AllowFile::load_or_empty(&directory.path().join("allow")).unwrap();
    allow.add(&format!("skep-x25519 {} bob", KEYS[0]).parse().unwrap()).unwrap();
    let mut invites = Invites::load(&path).unwrap();
    let id = create(&mut invites, "bob", DAY).id();
    assert_eq!(invites.enrol(&mut allow, &id, key(0), now()), Ok(Enrolled::Already));
    assert!(invites.find(&id, now()).is_some());
}

#[test]
fn an_allow_file_that_cannot_be_used_costs_no_invite() {
    let (directory, path) = path("invites");
    let mut invites = Invites::load(&path).unwrap();
    let id = create(&mut invites, "bob", DAY).id();
    let list = directory.path().join("allow");
    let mut allow = AllowFile::load_or_empty(&list).unwrap();
    file(&list, "oops", 0o600);
    for _ in 0..2 {
        assert!(invites.enrol(&mut allow, &id, key(0), now()).is_err());
        assert!(Invites::load(&path).unwrap().find(&id, now()).is_some());
    }
}

#[test]
fn a_crash_between_the_two_files_costs_the_invite_and_lets_nobody_in() {
    let (directory, path) = path("invites");
    let id = create(&mut Invites::load(&path).unwrap(), "bob", DAY).id();
    assert!(Invites::load(&path).unwrap().use_up(&id, now()).unwrap().is_some());
    // Killed here, and started again.
    let mut allow = AllowFile::load_or_empty(&directory.path().join("allow")).unwrap();
    let mut invites = Invites::load(&path).unwrap();
    assert_eq!(invites.enrol(&mut allow, &id, key(0), now()), Ok(Enrolled::NoInvite));
    assert_eq!(allow.count(), 0);
}

#[test]
fn what_a_crash_left_beside_the_file_does_not_count() {
    let (directory, path) = path("invites");
    let mut invites = Invites::load(&path).unwrap();
    let code = create(&mut invites, "bob", DAY);
    // Killed before the rename: the old file is whole. The half of a new one is removed by the next writer.
    file(&directory.path().join(".invites.new"), "skep-inv", 0o600);
    let mut invites = Invites::load(&path).unwrap();
    assert!(invites.find(&code.id(), now()).is_some());
    assert!(invites.use_up(&code.id(), now()).unwrap().is_some());
    assert!(!directory.path().join(".invites.new").exists());
}

#[test]
fn lines_that_are_not_understood_are_refused_with_their_number() {
    let (id, psk) = ("AAECAwQFBgc", KEYS[0]);
    let good = format!("skep-invite {id} {psk} 1800000000 bob");
    let cases = [
        ("hello".to_owned(), 1, "begins with"),
        ("skep-invite".to_owned(), 1, "skep-invite ID KEY ENDS NAME"),
        (format!("skep-invite {id}A {psk} 1 bob"), 1, "id is damaged"),
        (format!("\n#\nskep-invite {id} {psk}A 1 bob"), 3, "key is damaged"),
        (format!("skep-invite {id} {psk} +1 bob"), 1, "no number"),
        (format!("skep-invite {id} {psk} 99999999999999999999 bob"), 1, "no number"),
        (format!("skep-invite {id} {psk} 18446744073709551615 bob"), 1, "no number"),
        (format!("skep-invite {id} {psk} 1"), 1, "skep-invite ID KEY ENDS NAME"),
        (format!("{good} admin"), 1, "not known"),
        (format!("{good}\n{good}"), 2, "same id"),
    ];
    let cases: Vec<_> =
        cases.iter().map(|(text, number, reason)| (text.as_str(), *number, *reason)).collect();
    refuses(Invites::load, &cases);
    let (_directory, path) = path("invites");
    file(&path, &format!("{good} read-only\n"), 0o600);
    assert!(Invites::load(&path).unwrap().list(UNIX_EPOCH)[0].1.rights.read_only);
}
