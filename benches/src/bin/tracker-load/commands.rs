//! Commands of docs/protocol.md section 3, a connection each.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

use crate::server::Server;

/// Clients at once.
const CLIENTS: usize = 32;

fn command(to: SocketAddr, strings: &[&str]) -> u8 {
    let mut stream = TcpStream::connect(to).unwrap();
    let mut request = Vec::new();
    for string in strings {
        request.extend_from_slice(string.as_bytes());
        request.push(0);
    }
    stream.write_all(&request).unwrap();
    let mut answer = [9];
    stream.read_exact(&mut answer).unwrap();
    answer[0]
}

/// Rounds of REGISTER, CONNECT, PUBLISH and LIST_USERS (its first byte), by many at once.
pub(crate) fn commands(times: usize) {
    let server = Server::start();
    let to = server.commands;
    assert_eq!(command(to, &["REGISTER", "first"]), 0);
    for (what, is_durable) in [("REGISTER (stored first)", true), ("CONNECT, DISCONNECT", false)] {
        let next = AtomicUsize::new(0);
        let (cpu, begin) = (server.cpu(), Instant::now());
        thread::scope(|scope| {
            for client in 0..CLIENTS {
                let next = &next;
                scope.spawn(move || {
                    let name = format!("client{client}");
                    if !is_durable {
                        command(to, &["REGISTER", &name]);
                    }
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= times {
                            return;
                        }
                        if is_durable {
                            assert_eq!(command(to, &["REGISTER", &format!("user{number}")]), 0);
                        } else {
                            assert_eq!(command(to, &["CONNECT", &name, "4000"]), 0);
                            assert_eq!(command(to, &["DISCONNECT", &name]), 0);
                        }
                    }
                });
            }
        });
        let (cpu, wall) = (server.cpu() - cpu, begin.elapsed());
        let connections = if is_durable { times } else { 2 * times } as f64;
        println!(
            "{what}: {connections} connections, {:.0} a second ({:.2} s), {:.0} a CPU-second of the tracker",
            connections / wall.as_secs_f64(),
            wall.as_secs_f64(),
            connections / cpu.as_secs_f64(),
        );
    }
}
