//! Hosts with two addresses: if the first one is silent, the second is called before the first is given up; and whichever is
//! called answers.

use std::{
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    process::Command,
};

use socket2::{Domain, Socket, Type};

use crate::support::{Ended, Home, Process, content, skipped, until};

/// What is called there is taken from the network, and never answered.
struct Silent {
    port: u16,
    udp: UdpSocket,
    _tcp: Socket,
    /// It has no room for a second one.
    _first: TcpStream,
}

impl Silent {
    fn new() -> Option<Self> {
        let udp = UdpSocket::bind("[::1]:0").ok()?;
        let address = udp.local_addr().unwrap();
        let tcp = Socket::new(Domain::IPV6, Type::STREAM, None).unwrap();
        tcp.bind(&address.into()).unwrap();
        tcp.listen(0).unwrap();
        let first = TcpStream::connect(address).unwrap();
        udp.set_nonblocking(true).unwrap();
        Some(Self { port: address.port(), udp, _tcp: tcp, _first: first })
    }

    /// How many datagrams have come since the last time.
    fn calls(&self) -> usize {
        std::iter::from_fn(|| self.udp.recv(&mut [0; 2_048]).ok()).count()
    }
}

/// Runs the program where `two` is `::1` and `127.0.0.1`; `None` where nobody can arrange that.
fn run(home: &Home, line: &str) -> Option<Ended> {
    home.write("hosts", "::1 two\n127.0.0.1 two\n");
    let words: Vec<&str> = line.split(' ').collect();
    let program = home.command(&words);
    let inside = |words: &[&str]| {
        let mut command = Command::new("unshare");
        let script = "mount --bind hosts /etc/hosts && exec \"$@\"";
        command.args(["--mount", "sh", "-c", script, "sh"]).args(words).current_dir(home.path(""));
        command
    };
    if !inside(&["true"]).output().is_ok_and(|output| output.status.success()) {
        return None;
    }
    let mut command = inside(&[program.get_program().to_str().unwrap()]);
    command.args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Some(Process::start(&mut command).end())
}

#[test]
fn a_host_whose_first_address_is_silent_is_reached_by_the_second() {
    let Some(silent) = Silent::new() else { return skipped("there is no ::1") };
    let home = Home::new();
    home.befriend("");
    let bytes = home.write("shared/file", content(100_000));
    let at = SocketAddr::from(([127, 0, 0, 1], silent.port));
    if TcpListener::bind(at).is_err() {
        return skipped("the port is taken");
    }
    let plain = home.serve_at(&format!("shared --tcp {at} --rdt {at}"));
    let urls = ["tcp", "rdt"].map(|scheme| format!("{scheme}://two:{}/file", silent.port));
    for url in &urls {
        // Who waits for the first address to be given up waits for longer than this test may take.
        let Some(ended) = run(&home, &format!("get {url} -o - -q --timeout 600")) else {
            return skipped("no names of hosts can be made here");
        };
        assert!(ended.well().out == bytes, "{url}");
    }
    // They would be 22 if the first address were given up first, and 10 when it is sealed.
    let calls = silent.calls();
    assert!((1..16).contains(&calls), "{calls}");
    plain.stop();
    let sealed = home.serve_as("server", &format!("shared --listen {at} --public"));
    let url = format!("skep://{}@two:{}/file", sealed.key(), silent.port);
    for way in ["", " --via udp", " --via tcp"] {
        let ended = run(&home, &format!("get {url} -o - -q --timeout 600{way}")).unwrap();
        assert!(ended.well().out == bytes, "{way}");
        let calls = silent.calls();
        assert!(calls < 8, "{way}: {calls}");
    }
}

#[test]
fn a_member_reaches_a_tracker_whose_first_address_is_silent() {
    let Some(silent) = Silent::new() else { return skipped("there is no ::1") };
    let home = Home::new();
    home.make_key("client");
    let at = SocketAddr::from(([127, 0, 0, 1], silent.port));
    if TcpListener::bind(at).is_err() {
        return skipped("the port is taken");
    }
    let tracker = home.start_as("tracker", &format!("tracker --listen {at}"));
    let link = until("the tracker", || {
        tracker.out().lines().find_map(|line| line.strip_prefix("tracker ").map(str::to_owned))
    });
    let link = link.replace("127.0.0.1", "two");
    for way in ["--via udp", "--via tcp", ""] {
        let Some(ended) = run(&home, format!("ls -s {link} -u ana --timeout 600 {way}").trim_end()) else {
            return skipped("no names of hosts can be made here");
        };
        assert_eq!(ended.well().out, b"", "{way}");
        let calls = silent.calls();
        // A call that is given up is said 7 times, and to the next address TCP has to come first then.
        assert!(calls < 7, "{way}: {calls}");
    }
}

/// An address that is good on one link only, with its interface.
fn link_local() -> Option<String> {
    let interfaces = std::fs::read_to_string("/proc/net/if_inet6").ok()?;
    interfaces.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [digits, _, _, "20", _, name] = words[..] else { return None };
        let bits = u128::from_str_radix(digits, 16).ok()?;
        Some(format!("{}%{name}", std::net::Ipv6Addr::from_bits(bits)))
    })
}

#[test]
fn a_server_listens_on_an_address_of_one_link() {
    let Some(address) = link_local() else { return skipped("no interface has an address of its link") };
    let home = Home::new();
    home.befriend("");
    let bytes = home.write("shared/file", content(100_000));
    let server = home.serve_as("server", &format!("shared --listen [{address}]:0 --public"));
    let at = format!("{}@[{address}]:{}", server.key(), server.all_at("skep")[0].port());
    for way in ["udp", "tcp"] {
        assert!(home.run(&format!("get skep://{at}/file --via {way} -o - -q")).well().out == bytes, "{way}");
    }
}

#[test]
#[cfg(target_os = "linux")] // elsewhere 127.0.0.2 is not this host's
fn a_server_answers_from_the_address_that_was_called() {
    for any in ["0.0.0.0", "[::]"] {
        let home = Home::new();
        home.befriend("");
        let bytes = home.write("shared/file", content(3_000_000));
        let server = home.serve_as("server", &format!("shared --listen {any}:0 --rdt {any}:0 --public"));
        let port = |scheme| server.all_at(scheme)[0].port();
        // Left alone, the system would answer from the first.
        for ip in ["127.0.0.1", "127.0.0.2", "127.0.0.3"] {
            let (plain, sealed) = (port("rdt"), port("skep"));
            for way in [
                format!("rdt://{ip}:{plain}/file"),
                format!("rdt://{ip}:{plain}/file --legacy"),
                format!("skep://{}@{ip}:{sealed}/file --via udp", server.key()),
            ] {
                assert!(home.run(&format!("get {way} -o - -q")).well().out == bytes, "{any}: {way}");
            }
        }
    }
}
