//! Names that try to leave the directory, sent by peers that check nothing.

use std::{fs, os::unix::fs::symlink};

use crate::support::{CONFIRM, Home, Known, Server, answer, error, request, until, upload};

const NOT_FOUND: &[u8] = b"Error: El archivo no existe";

/// A served directory with everything in it that might lead out, and something to find outside.
fn trap() -> (Home, Server) {
    let home = Home::new();
    home.folder("outside");
    home.folder("shared/folder");
    home.write("secret", "secret");
    home.write("outside/secret", "secret");
    home.write("shared/file", "content");
    for (link, to) in [
        ("link", home.path("secret")),
        ("relative", "../secret".into()),
        ("inside", "file".into()),
        ("dangling", "nowhere".into()),
        ("parent", home.path("outside")),
        ("folder/up", "..".into()),
        ("folder/out", "../../outside".into()),
    ] {
        symlink(to, home.path("shared").join(link)).unwrap();
    }
    let pipe = home.path("shared/pipe");
    rustix::fs::mknodat(rustix::fs::CWD, pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let server = home.serve("");
    (home, server)
}

/// Everything below a directory: the kind, the name, the content.
fn snapshot(home: &Home, folder: &str, into: &mut Vec<(String, Option<Vec<u8>>)>) {
    for entry in home.entries(folder) {
        let name = format!("{folder}/{entry}");
        let kind = fs::symlink_metadata(home.path(&name)).unwrap().file_type();
        if kind.is_dir() {
            snapshot(home, &name, into);
        }
        into.push((format!("{kind:?} {name}"), kind.is_file().then(|| home.read(&name))));
    }
}

fn everything(home: &Home) -> Vec<(String, Option<Vec<u8>>)> {
    let mut all = Vec::new();
    snapshot(home, ".", &mut all);
    all
}

/// Names that are none, or lead out, or to nothing that can be sent.
fn names(home: &Home) -> Vec<Vec<u8>> {
    let absolute = home.path("secret").to_str().unwrap().as_bytes().to_vec();
    let names: &[&[u8]] = &[
        b"..",
        b".",
        b"../secret",
        b"folder/../../secret",
        b"folder/../file",
        b"./file",
        b"folder//../../secret",
        b"/etc/passwd",
        b"folder/",
        b"",
        b"file\0",
        b"\xff",
        b"link",
        b"relative",
        b"inside",
        b"dangling",
        b"parent/secret",
        b"parent",
        b"folder/up/file",
        b"folder/up/../secret",
        b"folder/out/secret",
        b"file/secret",
        b"pipe",
        b"folder",
        b".skep-0123456789abcdef.part",
    ];
    names.iter().map(|name| name.to_vec()).chain([absolute]).collect()
}

#[test]
fn no_request_gets_what_is_not_shared() {
    let (home, server) = trap();
    let before = everything(&home);
    for name in names(&home) {
        let shown = name.escape_ascii();
        for answer in
            [answer(server.at("tcp"), &request(&name)), Known::answer(server.at("rdt"), &request(&name))]
        {
            assert!(answer == error(1) || answer == error(5), "{shown}: {answer:?}");
        }
    }
    assert_eq!(everything(&home), before);
}

#[test]
fn no_upload_touches_what_is_not_shared() {
    let (home, server) = trap();
    let before = everything(&home);
    for name in names(&home) {
        let shown = name.escape_ascii();
        let bytes = [&upload(4, &name)[..], b"evil"].concat();
        for answer in [answer(server.at("tcp"), &bytes), Known::answer(server.at("rdt"), &bytes)] {
            // A directory or a pipe that is in the way is "not allowed".
            let may = [1, 5].map(error).into_iter().chain([error(7)]);
            assert!(may.into_iter().any(|code| answer == code), "{shown}: {answer:?}");
            if answer == error(7) {
                assert!([&b"pipe"[..], b"folder"].contains(&name.as_slice()), "{shown}");
            }
        }
    }
    assert_eq!(everything(&home), before);
}

#[test]
fn no_path_gets_what_is_not_shared() {
    let (home, server) = trap();
    let before = everything(&home);
    for name in names(&home) {
        // A slash in front is the served directory itself, a NUL is an end.
        let is_inside = name == b"file\0";
        for end in ["\n", "\r\n", "\0"] {
            let got = answer(server.at("path"), &[&name[..], end.as_bytes()].concat());
            let expected = if is_inside { b"content" } else { NOT_FOUND };
            assert_eq!(got, expected, "{}", name.escape_ascii());
        }
    }
    for path in ["/file\n", "///file\n", "file\n"] {
        assert_eq!(answer(server.at("path"), path.as_bytes()), b"content", "{path}");
    }
    for path in ["/../secret\n", "//../secret\n", "/link\n", "\n", "/\n"] {
        assert_eq!(answer(server.at("path"), path.as_bytes()), NOT_FOUND, "{path}");
    }
    assert_eq!(everything(&home), before);
}

#[test]
fn case_07_what_windows_takes_for_something_else_is_neither_sent_nor_stored() {
    let (home, server) = trap();
    let names = [
        "CON",
        "nul.txt",
        "folder/aux",
        "COM1 ",
        "COM\u{b9}",
        "lpt9.tar.gz",
        "C:",
        "C:\\x",
        "file::$DATA",
        "a\\b",
        "file.",
    ];
    for name in names {
        // One may be there: the file system here has nothing against it.
        if !name.contains('\\') {
            home.write(&format!("shared/{name}"), "content");
        }
        let before = everything(&home);
        assert_eq!(answer(server.at("tcp"), &request(name.as_bytes())), error(5), "{name:?}");
        let bytes = [&upload(4, name.as_bytes())[..], b"evil"].concat();
        assert_eq!(answer(server.at("tcp"), &bytes), error(5), "{name:?}");
        assert_eq!(everything(&home), before, "{name:?}");
    }
}

#[test]
fn case_05_hidden_files_are_neither_sent_nor_stored() {
    let (home, server) = trap();
    home.folder("shared/.ssh");
    home.write("shared/.ssh/authorized_keys", "secret");
    home.write("shared/.profile", "secret");
    let before = everything(&home);
    for name in [".profile", ".ssh/authorized_keys", "folder/.new", "-rf"] {
        assert_eq!(answer(server.at("tcp"), &request(name.as_bytes())), error(5), "{name:?}");
        let bytes = [&upload(4, name.as_bytes())[..], b"evil"].concat();
        assert_eq!(answer(server.at("tcp"), &bytes), error(5), "{name:?}");
    }
    assert_eq!(everything(&home), before);
}

#[test]
fn case_09_an_upload_whose_name_differs_in_case_only_is_refused() {
    let (home, server) = trap();
    for name in ["File", "FILE"] {
        let bytes = [&upload(4, name.as_bytes())[..], b"evil"].concat();
        assert_eq!(answer(server.at("tcp"), &bytes), error(2), "{name:?}");
    }
    assert_eq!(home.read("shared/file"), b"content");
    let bytes = [&upload(4, b"file")[..], b"good"].concat();
    assert_eq!(answer(server.at("tcp"), &bytes), CONFIRM);
    assert_eq!(home.read("shared/file"), b"good");
}

#[test]
fn an_unfinished_upload_cannot_be_fetched() {
    use std::io::Write;
    let home = Home::new();
    let server = home.serve("");
    let mut uploading = crate::support::connect(server.at("tcp"));
    uploading.write_all(&upload(10, b"new")).unwrap();
    uploading.write_all(b"secret").unwrap();
    let part = home.wait_for_part("shared");
    let name = part.file_name().unwrap().to_str().unwrap();
    assert_eq!(answer(server.at("tcp"), &request(name.as_bytes())), error(5));
    assert_eq!(answer(server.at("tcp"), &request(b"new")), error(1));
    assert_eq!(answer(server.at("path"), format!("{name}\n").as_bytes()), NOT_FOUND);
    uploading.write_all(b"done").unwrap();
    until("the whole upload", || (home.entries("shared") == ["new"]).then_some(()));
    assert_eq!(home.read("shared/new"), b"secretdone");
}
