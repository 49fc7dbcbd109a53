//! Command lines as users write them.

use std::time::Duration;

use clap::{CommandFactory, error::ErrorKind};

use super::*;
use crate::{
    exit::Code,
    url::{Host, Scheme},
};

fn parse(line: &str) -> Result<Command, clap::Error> {
    Args::try_parse_from(line.split_whitespace()).map(|args| args.command)
}

fn serve(line: &str) -> Serve {
    match parse(&format!("skep serve {line}")) {
        Ok(Command::Serve(serve)) => serve,
        other => panic!("{other:?}"),
    }
}

fn get(line: &str) -> Get {
    match parse(&format!("skep get {line}")) {
        Ok(Command::Get(get)) => get,
        other => panic!("{other:?}"),
    }
}

fn put(line: &str) -> Put {
    match parse(&format!("skep put {line}")) {
        Ok(Command::Put(put)) => put,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_transfer_is_read_alone_as_it_is_among_the_other_commands() {
    let alone = |line: &str| Args::of_transfer(line.split_whitespace().skip(1).map(OsString::from));
    for line in [
        "skep get rdt://bee/notes.txt",
        "skep get -q --json -o - --window 8 skep://bee/a --via udp",
        "skep put notes.txt tcp://bee:4000/",
        "skep put -q --trace t.sqlog --no-cache --rate 12MB notes.txt rdt://bee/",
    ] {
        let alone = alone(line).map(|args| args.command);
        assert_eq!(format!("{alone:?}"), format!("{:?}", parse(line).ok()), "{line}");
    }
    for line in
        ["skep", "skep get --help", "skep put --version", "skep get a b c", "skep demo", "skep help get"]
    {
        assert!(alone(line).is_none(), "{line}");
    }
}

fn refused(line: &str) -> String {
    let error = parse(line).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{line}");
    error.to_string()
}

fn host(name: &str, port: u16) -> Host {
    Host { name: name.into(), port }
}

#[test]
fn the_definitions_hold_together() {
    Args::command().debug_assert();
}

#[test]
fn every_help_teaches_by_example_and_lists_the_exit_codes() {
    for command in ["", "serve", "get", "put", "key", "known", "invite", "client", "demo"] {
        for flag in ["--help", "-h"] {
            let error = parse(&format!("skep {command} {flag}")).unwrap_err();
            assert_eq!((error.kind(), error.exit_code()), (ErrorKind::DisplayHelp, 0));
            let help = error.to_string();
            assert!(help.contains("Examples:") && help.contains("Exit codes:"), "{command}");
            assert!(help.lines().all(|line| line.chars().count() <= 120), "{command}");
        }
    }
}

#[test]
fn a_server_that_is_not_told_where_listens_sealed_at_every_address() {
    let serve = serve("dir");
    assert!(!serve.is_told_where());
    assert_eq!(serve.listeners(), [(Scheme::Skep, host("::", 7537))]);
    assert!(!(serve.public || serve.invite) && serve.key.is_none() && serve.allow.is_none());
}

#[test]
fn a_server_listens_where_it_is_told_and_nowhere_else() {
    // A plain one alone brings no sealed one with it, and the other way round.
    assert_eq!(serve("dir --tcp [::1]").listeners(), [(Scheme::Tcp, host("::1", 7537))]);
    assert_eq!(serve("dir --listen :7600").listeners(), [(Scheme::Skep, host("::", 7600))]);
    let serve = serve("dir --path [::1] --tcp :80 --tcp 10.0.0.1 --listen h --path localhost:0");
    assert!(serve.is_told_where());
    assert_eq!(
        serve.listeners(),
        [
            (Scheme::Skep, host("h", 7537)),
            (Scheme::Tcp, host("::", 80)),
            (Scheme::Tcp, host("10.0.0.1", 7537)),
            (Scheme::Path, host("::1", 7538)),
            (Scheme::Path, host("localhost", 0)),
        ]
    );
    for (address, hint) in [
        ("7000", ":7000"),
        ("::1", "brackets"),
        (":", "not a port"),
        ("h:70000", "not a port"),
        ("[x]:1", "not an IPv6 address"),
    ] {
        for option in ["--tcp", "--listen"] {
            let error = refused(&format!("skep serve dir {option} {address}"));
            assert!(error.contains(hint), "{error}");
        }
    }
}

#[test]
fn a_tracker_stays_sealed_beside_its_plain_ports_unless_it_is_told_not_to() {
    let sealed = |options: &str| match parse(&format!("skep tracker {options}")) {
        Ok(Command::Tracker(tracker)) => tracker.sealed(),
        other => panic!("{other:?}"),
    };
    for options in ["", "--commands 127.0.0.1:7530", "--plain :7539 --metrics :9100"] {
        assert_eq!(sealed(options), [host("::", 7537)], "{options}");
    }
    assert_eq!(sealed("--plain :7539 --listen :7600"), [host("::", 7600)]);
    assert_eq!(sealed("--commands :7530 --no-sealed"), []);
    assert!(refused("skep tracker --no-sealed").contains("--commands"));
    assert!(refused("skep tracker --no-sealed --plain :7539 --listen :7600").contains("--listen"));
}

#[test]
fn sizes_have_units() {
    for (text, bytes) in [
        ("0", 0),
        ("4096", 4096),
        ("10K", 10 << 10),
        ("10k", 10 << 10),
        ("1KiB", 1 << 10),
        ("1KB", 1000),
        ("3M", 3 << 20),
        ("2MB", 2_000_000),
        ("5GiB", 5 << 30),
        ("1T", 1 << 40),
        ("7b", 7),
    ] {
        assert_eq!(serve(&format!("dir --max-upload {text}")).max_upload, Some(bytes), "{text}");
    }
    assert_eq!(
        [serve("dir"), serve("dir --drop-quota 3M")].map(|serve| serve.drop_quota),
        [1 << 30, 3 << 20]
    );
    for text in ["", "M", "1.5G", "10X", "1KBs", "-1", "99999999T", "99999999999999999999"] {
        assert!(number::size(text).is_err(), "{text}");
    }
}

#[test]
fn a_magic_is_text_or_hexadecimal() {
    assert_eq!(serve("dir").magic.as_bytes(), b"ROSTOV");
    assert_eq!(get("rdt://h/a").link.magic().as_bytes(), b"ROSTOV");
    assert_eq!(get("rdt://h/a --magic SKEP").link.magic().as_bytes(), b"SKEP");
    assert_eq!(get("rdt://h/a --magic 0x00fFe0").link.magic().as_bytes(), b"\0\xff\xe0");
    for text in ["", "ninebytes", "0x", "0x0", "0x0g", "0x+1", "0x010203040506070809"] {
        assert!(text.parse::<Magic>().is_err(), "{text}");
    }
}

#[test]
fn numbers_out_of_range_are_refused() {
    for line in [
        "skep serve dir --slots 0",
        "skep serve dir --window 0",
        "skep get rdt://h/a --window 65536",
        "skep get rdt://h/a --timeout 0",
        "skep get rdt://h/a --timeout -1",
        "skep get rdt://h/a --timeout inf",
        "skep get rdt://h/a --timeout NaN",
        "skep demo --loss 91",
        "skep demo --loss NaN",
        "skep demo --delay -1",
        "skep demo --window 1",
        "skep demo --seed x",
    ] {
        refused(line);
    }
    assert_eq!(get("rdt://h/a --timeout 0.5").link.timeout, Duration::from_millis(500));
}

#[test]
fn what_contradicts_itself_is_refused() {
    for line in [
        "skep serve dir -q -v",
        "skep get tcp://h/a -q -v",
        "skep serve dir --read-only --max-upload 1",
        "skep serve dir --read-only --no-replace",
        "skep serve dir --read-only --drop-quota 1",
    ] {
        refused(line);
    }
}

#[test]
fn options_of_rdt_are_refused_elsewhere() {
    for option in
        ["--legacy", "--ascii-types", "--window 1", "--magic A", "--no-cache", "--rate 1M", "--no-gso"]
    {
        let put = put(&format!("file tcp://h/a {option}"));
        assert_eq!(put.link.fits(Scheme::Rdt, put.pace), Ok(()));
        let error = put.link.fits(Scheme::Tcp, put.pace).unwrap_err().to_string();
        assert!(error.contains(option.split(' ').next().unwrap()), "{error}");
    }
    assert_eq!(get("tcp://h/a --timeout 1").link.fits(Scheme::Tcp, Pace::default()), Ok(()));
}

#[test]
fn what_is_about_sending_is_for_those_who_send() {
    for option in ["--rate 1M", "--congestion cubic"] {
        let failure = get(&format!("rdt://h/a {option}")).check().unwrap_err();
        assert_eq!(failure.code(), Code::Usage);
        assert!(failure.to_string().contains("skep put"), "{failure}");
        assert!(failure.to_string().starts_with(option.split(' ').next().unwrap()), "{failure}");
    }
    assert_eq!(get("rdt://h/a --window 3").check(), Ok(()));
    for line in ["skep put file rdt://h/ --rate 0", "skep serve shared --rdt :7537 --rate 0K"] {
        assert!(refused(line).contains("leave it out for no limit"), "{line}");
    }
}

#[test]
fn options_of_sealed_transfers_are_refused_elsewhere() {
    for option in ["--via udp", "--via tcp", "--key k"] {
        let link = get(&format!("skep://h/a {option}")).link;
        let fits = |scheme| link.fits(scheme, Pace::default());
        assert_eq!(fits(Scheme::Skep), Ok(()));
        for scheme in [Scheme::Tcp, Scheme::Rdt, Scheme::Path] {
            let error = fits(scheme).unwrap_err().to_string();
            assert!(error.contains(option.split(' ').next().unwrap()), "{error}");
        }
    }
    for option in ["--legacy", "--ascii-types", "--magic A", "--no-cache"] {
        let put = put(&format!("file skep://h/a {option}"));
        assert!(put.link.fits(Scheme::Skep, put.pace).is_err(), "{option}");
    }
    for option in ["--window 4", "--rate 1M", "--no-gso"] {
        let put = put(&format!("file skep://h/a {option}"));
        assert_eq!(put.link.fits(Scheme::Skep, put.pace), Ok(()), "{option}");
    }
    refused("skep get skep://h/a --via carrier-pigeon");
}

#[test]
fn a_single_dash_is_standard_output() {
    assert!(get("tcp://h/a -o -").is_to_standard_output());
    assert!(!get("tcp://h/a -o ./-").is_to_standard_output());
    assert!(!get("tcp://h/a").is_to_standard_output());
}

#[test]
fn a_bad_url_is_wrong_usage_and_says_why() {
    let failure = get("host/name").target.url().unwrap_err();
    assert!(
        failure.code() == Code::Usage && failure.to_string().contains("skep://KEY@host/name"),
        "{failure}"
    );
    let Ok(Command::Put(put)) = parse("skep put file") else { panic!("no put") };
    let failure = put.target.url().unwrap_err();
    assert!(failure.code() == Code::Usage && failure.to_string().contains("--link-file"), "{failure}");
    refused("skep");
    refused("skep fetch tcp://h/a");
}

#[test]
fn the_life_of_an_invite_has_a_unit() {
    let add = |line: &str| match parse(&format!("skep invite add bee.example {line}")) {
        Ok(Command::Invite(InviteArgs { action: InviteAction::Add { life, .. }, .. })) => life.as_secs(),
        other => panic!("{other:?}"),
    };
    assert_eq!([add(""), add("--for 90s"), add("--for 15m"), add("--for 24h")], [86_400, 90, 900, 86_400]);
    for text in ["", "7", "d", "0d", "91d", "1.5h", "-1h", "+1h", "1w", "99999999999d", "1\u{e4}"] {
        assert!(number::life(text).is_err(), "{text}");
    }
}

#[test]
fn the_id_of_an_invite_may_begin_with_a_dash() {
    for id in ["AAECAwQFBgc", "-AECAwQFBgc", "-hECAwQFBgc", "--ECAwQFBgc"] {
        match parse(&format!("skep invite remove {id}")) {
            Ok(Command::Invite(InviteArgs { action: InviteAction::Remove { id: read }, .. })) => {
                assert_eq!(read.to_string(), id);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_key_file_can_be_named_before_and_behind() {
    for line in ["skep key --key a/k show", "skep key show --key a/k"] {
        let Ok(Command::Key(key)) = parse(line) else { panic!("{line}") };
        assert_eq!(key.who.home().unwrap().key(), std::path::Path::new("a/k"));
    }
}

#[test]
fn a_password_is_no_argument() {
    refused("skep key password bob secret");
    refused("skep key password bob --password secret");
}

#[test]
fn no_error_repeats_the_code_of_an_invite() {
    let (key, code) = ("hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo", "AAECAwQFBgcICQoLDA0ODw");
    for line in [
        format!("skep get skep://{key}.{code}@h:x/a"),
        format!("skep get skep://{key}.{code}/a"),
        format!("skep get skep:/{key}.{code}@h/a"),
        format!("skep get {key}.{code}@h"),
        format!("skep get tcp://{key}.{code}@h/a"),
        format!("skep get skep://{key}.{code}A@h/a"),
        format!("skep get skep://{code}@h/a"),
        format!("skep get tcp://h/a skep://{key}.{code}@h/a"),
        format!("skep skep://{key}.{code}@h/a"),
        format!("skep get --skep://{key}.{code}@h/a"),
        format!("skep get tcp://h/a --window skep://{key}.{code}@h/a"),
    ] {
        let error = match parse(&line) {
            Ok(Command::Get(get)) => get.target.url().unwrap_err().to_string(),
            other => without_secrets(other.unwrap_err()).to_string(),
        };
        assert!(!error.contains(&code[..20]) && error.contains("\u{2026}"), "{line}: {error}");
    }
    let url = get(&format!("skep://{key}.{code}@h/a")).target.url().unwrap();
    assert!(!format!("{url} {url:?}").contains(code));
}
