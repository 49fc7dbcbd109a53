//! `GET_FILE` between peers, by what goes over the wire to the byte.

use super::{driver::Driver, name};
use crate::{
    files::{Client, Dialect, Progress, Server, Session, Settings},
    limits::NAME_MAX,
    miri::fewer,
    stream::{Closed, Fault},
    table::Named,
    wire::file::Code,
};
use core::time::Duration;

type Fixed = Server<heapless::Vec<Named<Session>, 1>>;

fn server() -> Driver<Fixed> {
    let mut driver = Driver::new(Server::new(Settings::DEFAULT, heapless::Vec::new()));
    driver.disk.insert("a/b".into(), b"content".to_vec());
    driver.disk.insert("empty".into(), Vec::new());
    driver
}

/// One request, in small pieces: what is answered.
fn answer(driver: &mut Driver<Fixed>, request: &[u8]) -> Vec<u8> {
    assert!(driver.open_by(0, |machine, now, stream| machine.opened_as(now, stream, Dialect::GetFile)));
    for piece in request.chunks(fewer(1, 16)) {
        driver.feed(0, piece);
    }
    let written = driver.written(0);
    driver.close(0, Closed::Broken);
    assert_eq!((driver.machine.sessions(), driver.files_in_use()), (0, 0));
    written
}

#[test]
fn a_file_is_answered_by_its_size_and_its_content() {
    let mut driver = server();
    assert_eq!(answer(&mut driver, b"GET_FILE\0a/b\0"), b"\x007\0content");
    assert_eq!(answer(&mut driver, b"get_file\0empty\0"), b"\x000\0");
}

#[test]
fn what_is_not_there_is_1_and_other_trouble_is_2() {
    let mut driver = server();
    let long = [b"GET_FILE\0".as_slice(), &[b'x'; NAME_MAX + 1]].concat();
    for request in [b"GET_FILE\0missing\0".as_slice(), b"GET_FILE\0../x\0", b"GET_FILE\0\0", &long] {
        assert_eq!(answer(&mut driver, request), [1], "{request:?}");
    }
    assert_eq!(answer(&mut driver, b"REGISTER\0ana\0"), [2]);
    driver.faults.open = Some(Fault::Failed);
    assert_eq!(answer(&mut driver, b"GET_FILE\0a/b\0"), [2]);
    assert_eq!(answer(&mut driver, b"GET_FILE\0a/b"), b"", "the last NUL has not come");
}

#[test]
fn a_client_asks_and_stores_or_leaves_nothing() {
    for (said, expected) in [
        (b"\x007\0content".as_slice(), Progress::Done { bytes: 7 }),
        (b"07\0content", Progress::Done { bytes: 7 }),
        (b"\x000\0", Progress::Done { bytes: 0 }),
        (b"\x01", Progress::Refused(Code::NotFound)),
        (b"2", Progress::Refused(Code::StorageFault)),
    ] {
        let client = Client::download(name("a/b"), Dialect::GetFile, 100, Duration::from_secs(5));
        let mut driver = Driver::new(client);
        assert!(driver.open(0));
        assert_eq!(driver.written(0), b"GET_FILE\0a/b\0");
        for byte in said {
            driver.feed(0, &[*byte]);
        }
        driver.finish(0);
        assert_eq!(driver.events.last(), Some(&expected), "{said:?}");
        assert_eq!(driver.disk.contains_key("a/b"), matches!(expected, Progress::Done { .. }));
    }
    let client = Client::download(name("a/b"), Dialect::GetFile, 100, Duration::from_secs(5));
    let mut driver = Driver::new(client);
    assert!(driver.open(0));
    driver.feed(0, b"\x007\0conte");
    driver.finish(0);
    driver.close(0, Closed::Broken);
    assert!(matches!(driver.events.last(), Some(Progress::Failed(_))) && driver.disk.is_empty());
}
