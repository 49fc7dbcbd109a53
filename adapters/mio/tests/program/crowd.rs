//! Many at once.

use std::{io::Write, time::Duration};

use crate::support::{Home, Process, answer, connect, content, request, together};

/// A file for each of so many.
const FILES: usize = 10;

#[test]
fn two_hundred_clients_at_once_are_served_while_one_sleeps_in_its_header() {
    let home = Home::new();
    for number in 0..FILES {
        home.write(&format!("shared/{number}"), content(20_000 + number));
    }
    let server = home.serve("");
    let mut sleeper = connect(server.at("tcp"));
    sleeper.write_all(b"\x01\x20\0fi").unwrap();

    let processes: Vec<Process> = (0..160)
        .map(|number| {
            let scheme = ["tcp", "rdt", "path", "rdt"][number % 4];
            let url = server.url(scheme, &(number % FILES).to_string());
            home.start(&format!("get {url} -q -o got-{number}"))
        })
        .collect();
    together(0..40, |number| {
        let number = number % FILES;
        let answer = answer(server.at("tcp"), &request(number.to_string().as_bytes()));
        assert!(answer[9..] == content(20_000 + number));
    });
    for (number, process) in processes.into_iter().enumerate() {
        process.end().well().silently();
        assert!(home.read(&format!("got-{number}")) == content(20_000 + number % FILES), "{number}");
    }
    // The sleeper holds on (its request may take ten seconds), or was let go by now; both are right.
    sleeper.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    server.stop();
}

#[test]
fn fifty_uploads_to_one_name_leave_one_of_them_whole() {
    let home = Home::new();
    let server = home.serve("");
    let contents: Vec<_> =
        (0..50).map(|number| home.write(&format!("{number}"), content(30_000 + number))).collect();
    let processes: Vec<_> = (0..50)
        .map(|number| {
            home.start(&format!("put {number} {} -q", server.url(["tcp", "rdt"][number % 2], "one")))
        })
        .collect();
    processes.into_iter().for_each(|process| _ = process.end().well());
    server.stop();
    assert_eq!(home.entries("shared"), ["one"]);
    assert!(contents.contains(&home.read("shared/one")));
}
