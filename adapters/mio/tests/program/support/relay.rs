//! A slow way to a server: what would be over in milliseconds takes seconds, and can be disturbed meanwhile.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use socket2::SockRef;

/// A rest after each piece.
const REST: Duration = Duration::from_millis(2);

/// Bytes of a stream that pass at once.
const PIECE: usize = 2 << 10;

/// Bytes that wait in a socket.
const BUFFER: usize = 64 << 10;

/// Passes less than a megabyte a second to a server, and back, for one client. Its threads end some time after it.
pub(crate) struct Relay {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    is_open: AtomicBool,
    is_over: AtomicBool,
}

impl State {
    fn rest(&self) {
        if !self.is_open.load(Ordering::Relaxed) {
            thread::sleep(REST);
        }
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

impl Relay {
    /// To a TCP or a UDP address, as the scheme needs it.
    pub(crate) fn to(scheme: &str, to: SocketAddr) -> Self {
        let state = Arc::new(State::default());
        let address = if scheme == "rdt" { udp(to, &state) } else { tcp(to, &state) };
        Self { address, state }
    }

    /// Passes everything at once from now on.
    pub(crate) fn open(&self) {
        self.state.is_open.store(true, Ordering::Relaxed);
    }

    pub(crate) fn url(&self, scheme: &str, name: &str) -> String {
        format!("{scheme}://{}/{name}", self.address)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::Relaxed);
    }
}

fn tcp(to: SocketAddr, state: &Arc<State>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    // What is under way stays little, so that the end of one side is soon noticed on the other.
    SockRef::from(&listener).set_recv_buffer_size(BUFFER).unwrap();
    let state = Arc::clone(state);
    thread::spawn(move || {
        let Ok((front, _)) = listener.accept() else { return };
        let Ok(back) = TcpStream::connect(to) else { return };
        SockRef::from(&back).set_recv_buffer_size(BUFFER).unwrap();
        let (front_too, back_too) = (front.try_clone().unwrap(), back.try_clone().unwrap());
        let state_too = Arc::clone(&state);
        thread::spawn(move || carry(front_too, back_too, &state_too));
        carry(back, front, &state);
    });
    address
}

fn carry(mut from: TcpStream, mut to: TcpStream, state: &State) {
    let mut piece = [0; PIECE];
    loop {
        match from.read(&mut piece) {
            Ok(count @ 1..) if to.write_all(&piece[..count]).is_ok() => state.rest(),
            Ok(0) => {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
            // One side broke off: so does the other, and not by an end that is in order.
            _ => {
                for broken in [&from, &to] {
                    let _ = SockRef::from(broken).set_linger(Some(Duration::ZERO));
                    let _ = broken.shutdown(Shutdown::Read);
                }
                return;
            }
        }
    }
}

fn udp(to: SocketAddr, state: &Arc<State>) -> SocketAddr {
    let front = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    let back = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    back.connect(to).unwrap();
    let address = front.local_addr().unwrap();
    for socket in [&front, &back] {
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    }
    let (front_too, back_too, state_too) = (Arc::clone(&front), Arc::clone(&back), Arc::clone(state));
    let (told, client) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let mut datagram = [0; 2048];
        let mut is_known = false;
        while !state_too.is_over() {
            let Ok((count, from)) = front_too.recv_from(&mut datagram) else { continue };
            if !is_known {
                front_too.connect(from).unwrap();
                is_known = told.send(()).is_ok();
            }
            let _ = back_too.send(&datagram[..count]);
            state_too.rest();
        }
    });
    let state = Arc::clone(state);
    thread::spawn(move || {
        let mut datagram = [0; 2048];
        let mut is_known = false;
        while !state.is_over() {
            // A server that is gone is an error here, and silence for the client.
            let Ok(count) = back.recv(&mut datagram) else { continue };
            is_known = is_known || client.recv().is_ok();
            let _ = front.send(&datagram[..count]);
            state.rest();
        }
    });
    address
}
