//! URLs as users write them.

use super::*;

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn refused(text: &str) -> String {
    text.parse::<Url>().unwrap_err().to_string()
}

#[test]
fn all_schemes_and_their_ports() {
    for (text, scheme, port) in [
        ("tcp://h/a", Scheme::Tcp, 7537),
        ("RDT://h/a", Scheme::Rdt, 7537),
        ("path://h/a", Scheme::Path, 7538),
        ("skep://h/a", Scheme::Skep, 7537),
        ("tcp://h:1/a", Scheme::Tcp, 1),
        ("tcp://h:65535", Scheme::Tcp, 65535),
    ] {
        let url = url(text);
        assert_eq!((url.scheme, url.host.port, url.host.name.as_str()), (scheme, port, "h"), "{text}");
    }
}

#[test]
fn addresses_of_both_ip_versions() {
    for (text, name, port) in [
        ("tcp://127.0.0.1:9/a", "127.0.0.1", 9),
        ("tcp://[::1]/a", "::1", 7537),
        ("rdt://[2001:db8::1]:9/a", "2001:db8::1", 9),
        ("rdt://[fe80::1%eth0]:9/a", "fe80::1%eth0", 9),
    ] {
        let host = url(text).host;
        assert_eq!((host.name.as_str(), host.port), (name, port));
    }
    assert_eq!(url("tcp://[::1]:9/a").host.resolve().unwrap(), ["[::1]:9".parse().unwrap()]);
    let why = url("tcp://[fe80::1]/a").host.resolve().unwrap_err().to_string();
    assert!(why.contains("interface"), "{why}");
    assert_eq!(url("tcp://127.0.0.1/a").host.resolve().unwrap(), ["127.0.0.1:7537".parse().unwrap()]);
}

#[test]
fn a_url_is_shown_as_it_was_written() {
    for text in ["tcp://h:1/a/b", "rdt://[::1]:9/a", "path://10.0.0.1:7538/"] {
        assert_eq!(url(text).to_string(), text);
    }
    assert_eq!(url("tcp://h:1/%1b[2J").to_string(), r"tcp://h:1/\u{1b}[2J");
}

#[test]
fn the_name_is_decoded_and_nothing_else_of_it_is_special() {
    for (text, name) in [
        ("a%20b", "a b"),
        ("a b", "a b"),
        ("%C3%A4", "ä"),
        ("ä", "ä"),
        ("100%25", "100%"),
        ("a%2fb", "a/b"),
        ("a+b?c#d&e@[", "a+b?c#d&e@["),
    ] {
        assert_eq!(url(&format!("tcp://h/{text}")).name_to_get().unwrap().as_str(), name);
    }
    assert!(refused("tcp://%68/a%").contains("%25"));
    assert!(refused("tcp://h/a%2").contains("%25"));
    assert!(refused("tcp://h/a%zz").contains("%25"));
    assert!(refused("tcp://h/a%+1").contains("%25"));
    assert!(refused("tcp://h/%ff").contains("UTF-8"));
    assert_eq!(url("tcp://%68/a").host.name, "%68");
}

#[test]
fn names_that_no_server_takes_are_refused_here() {
    for name in ["..", "a/../b", "/a", "a//b", ".", "%2e%2e/a", "%00", "a/%2e", ".bashrc", "a:b", "nul.txt"] {
        let error = url(&format!("tcp://h/{name}")).name_to_get().unwrap_err().to_string();
        assert!(error.contains("cannot be the name"), "{error}");
    }
    let long = format!("tcp://h/{}", "x".repeat(NAME_MAX + 1));
    assert!(url(&long).name_to_get().unwrap_err().to_string().contains("255"));
}

#[test]
fn to_get_takes_a_name() {
    for text in ["tcp://h", "tcp://h/", "tcp://h/a/", "path://h/"] {
        let error = url(text).name_to_get().unwrap_err().to_string();
        assert!(error.contains("names no file"), "{error}");
    }
    assert_eq!(url("tcp://h/a/b").last_component(), "b");
}

#[test]
fn to_put_takes_the_files_own_name_where_the_url_gives_none() {
    for (text, name) in
        [("tcp://h", "f.bin"), ("tcp://h/", "f.bin"), ("rdt://h/a/", "a/f.bin"), ("tcp://h/b", "b")]
    {
        assert_eq!(url(text).name_to_put(Path::new("/tmp/f.bin")).unwrap(), name);
    }
    assert!(url("tcp://h/").name_to_put(Path::new("/")).is_err());
    assert!(url("tcp://h/../").name_to_put(Path::new("f")).is_err());
    assert_eq!(url("tcp://h/x").name_to_put(Path::new("/")).unwrap(), "x");
}

#[test]
fn path_requests_only_fetch_and_hold_no_line_break() {
    assert!(url("path://h/a").name_to_put(Path::new("f")).unwrap_err().to_string().contains("only fetches"));
    assert!(url("path://h/a%0Ab").name_to_get().unwrap_err().to_string().contains("line break"));
    // No name has one; where it would end a request, that is said.
    assert!(url("tcp://h/a%0Ab").name_to_get().unwrap_err().to_string().contains("invisible"));
}

#[test]
fn what_is_no_url_is_told_what_would_be_one() {
    for (text, hint) in [
        ("", "write it like"),
        ("host/name", "write it like"),
        ("tcp:/h/a", "write it like"),
        ("http://h/a", "there are tcp://"),
        ("tcp:///a", "host is missing"),
        ("tcp://:7537/a", "host is missing"),
        ("tcp://h:/a", "not a port"),
        ("tcp://h:0/a", "no port 0"),
        ("tcp://h:65536/a", "not a port"),
        ("tcp://h:+1/a", "not a port"),
        ("tcp://h:http/a", "not a port"),
        ("tcp://::1/a", "brackets"),
        ("tcp://[::1/a", "bracket"),
        ("tcp://[::1]7/a", "behind the bracket"),
        ("tcp://[h]/a", "not an IPv6 address"),
        ("tcp://u@h/a", "no users"),
        ("tcp://a b/c", "no spaces"),
        ("tcp://\x1b[2J/c", "no spaces"),
    ] {
        let error = refused(text);
        assert!(error.contains(hint), "{text:?}: {error}");
        assert!(!error.contains(char::is_control), "{text:?}");
    }
}

#[test]
fn a_host_that_does_not_exist_is_an_error() {
    assert!(Host::parse("no-such-host.invalid", 1).unwrap().resolve().is_err());
}

const KEY: &str = "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo";
const CODE: &str = "AAECAwQFBgcICQoLDA0ODw";

#[test]
fn a_sealed_url_says_whose_server_it_has_to_be() {
    for (text, key, code, host) in [
        (format!("skep://{KEY}@h:9/a"), Some(KEY), None, "h:9"),
        (format!("SKEP://{KEY}@[::1]/a"), Some(KEY), None, "[::1]:7537"),
        (format!("skep://{KEY}.{CODE}@h/a"), Some(KEY), Some(CODE), "h:7537"),
        ("skep://h/a@b".to_owned(), None, None, "h:7537"),
    ] {
        let url = url(&text);
        assert_eq!(url.key.map(|key| key.to_string()).as_deref(), key, "{text}");
        assert_eq!(url.invite.as_ref().map(|code| code.reveal().to_string()).as_deref(), code, "{text}");
        assert_eq!(url.host.to_string(), host);
    }
}

#[test]
fn a_link_is_read_as_it_was_printed() {
    let host = Host::parse("[::1]:9", PORT).unwrap();
    let (key, code): (Fingerprint, Code) = (KEY.parse().unwrap(), CODE.parse().unwrap());
    assert_eq!(link(&host, &key, None).as_str(), format!("skep://{KEY}@[::1]:9/"));
    let url = url(&link(&host, &key, Some(&code)));
    assert_eq!((url.key, &url.invite, &url.host), (Some(key), &Some(code), &host));
    // In messages the code is left out.
    assert_eq!(url.to_string(), format!("skep://{KEY}@[::1]:9/"));
}

#[test]
fn a_sealed_url_that_is_damaged_is_refused_without_its_code() {
    for (text, hint) in [
        (format!("skep://{}@h/a", &KEY[1..]), "43 characters, this has 42"),
        (format!("skep://{KEY}{CODE}@h/a"), "this has 65"),
        (format!("skep://{KEY}=@h/a"), "43 characters"),
        (format!("skep://{KEY}.@h/a"), "invite is damaged"),
        (format!("skep://{KEY}.{CODE}A@h/a"), "invite is damaged"),
        (format!("skep://{KEY}.{CODE}.{CODE}@h/a"), "invite is damaged"),
        (format!("skep://.{CODE}@h/a"), "key of the server"),
        ("skep://@h/a".to_owned(), "key of the server"),
        (format!("skep://{KEY}@/a"), "host is missing"),
        (format!("skep://{KEY}/a"), "host is missing"),
        (format!("skep://{KEY}.{CODE}/a"), "host is missing"),
        (format!("skep://{KEY}.{CODE}:7537/a"), "host is missing"),
        (format!("skep://{KEY}.{CODE}@h:0/a"), "no port 0"),
        (format!("tcp://{KEY}.{CODE}@h/a"), "no users"),
        (format!("rdt://{KEY}@h/a"), "no users"),
    ] {
        let error = refused(&text);
        assert!(error.contains(hint) && !error.contains(&CODE[..20]), "{text}: {error}");
    }
}
