//! A way to a tracker on which datagrams and connections leave by addresses that a test chooses, and may change: as behind
//! a network's edge.

use std::{
    io,
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use socket2::{Domain, Socket, Type};

use super::port_of_both;

/// By which of the addresses of this machine the two leave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaves {
    pub(crate) udp: Ipv4Addr,
    pub(crate) tcp: Ipv4Addr,
}

impl Leaves {
    /// Both by the same.
    pub(crate) const fn by(address: Ipv4Addr) -> Self {
        Self { udp: address, tcp: address }
    }
}

/// The way, for one member; its threads end some time after it.
pub(crate) struct Uplinks {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    to: SocketAddr,
    leaves: Mutex<Leaves>,
    front: UdpSocket,
    /// Where datagrams leave, and those who sent them from here are.
    back: Mutex<Arc<UdpSocket>>,
    client: Mutex<Option<SocketAddr>>,
    is_over: AtomicBool,
}

impl Uplinks {
    pub(crate) fn to(to: SocketAddr, leaves: Leaves) -> Self {
        let (listener, front) = port_of_both();
        front.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let address = front.local_addr().unwrap();
        let back = Mutex::new(Arc::new(leaving(leaves.udp, to)));
        let (leaves, client) = (Mutex::new(leaves), Mutex::new(None));
        let state = Arc::new(State { to, leaves, front, back, client, is_over: AtomicBool::new(false) });
        let shared = Arc::clone(&state);
        thread::spawn(move || shared.carry_there());
        State::carry_back(&state);
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                // A tracker that is gone is a stream that ends.
                let _ = shared.join(stream);
            }
        });
        Self { address, state }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on all leaves by other addresses.
    pub(crate) fn change(&self, leaves: Leaves) {
        *self.state.leaves.lock().unwrap() = leaves;
        *self.state.back.lock().unwrap() = Arc::new(leaving(leaves.udp, self.state.to));
        State::carry_back(&self.state);
    }
}

impl Drop for Uplinks {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::Relaxed);
    }
}

fn leaving(by: Ipv4Addr, to: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind((by, 0)).unwrap();
    socket.connect(to).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    socket
}

impl State {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    fn back(&self) -> Arc<UdpSocket> {
        Arc::clone(&self.back.lock().unwrap())
    }

    fn carry_there(&self) {
        let mut datagram = [0; 2_048];
        while !self.is_over() {
            let Ok((count, from)) = self.front.recv_from(&mut datagram) else { continue };
            *self.client.lock().unwrap() = Some(from);
            let _ = self.back().send(&datagram[..count]);
        }
    }

    /// What comes to an address that was left is lost.
    fn carry_back(state: &Arc<Self>) {
        let (state, own) = (Arc::clone(state), state.back());
        thread::spawn(move || {
            let mut datagram = [0; 2_048];
            while !state.is_over() && Arc::ptr_eq(&own, &state.back()) {
                if let (Ok(count), Some(client)) = (own.recv(&mut datagram), *state.client.lock().unwrap()) {
                    let _ = state.front.send_to(&datagram[..count], client);
                }
            }
        });
    }

    fn join(&self, front: TcpStream) -> io::Result<()> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((self.leaves.lock().unwrap().tcp, 0)).into())?;
        socket.connect(&self.to.into())?;
        let back = TcpStream::from(socket);
        let (front_too, back_too) = (front.try_clone()?, back.try_clone()?);
        thread::spawn(move || carry(front_too, back_too));
        thread::spawn(move || carry(back, front));
        Ok(())
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}
