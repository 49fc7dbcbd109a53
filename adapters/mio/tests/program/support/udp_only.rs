//! A way to a tracker on which datagrams pass, and no connection by TCP.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use socket2::{Domain, Socket, Type};

/// What becomes of calls by TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Calls {
    /// They are refused at once.
    Refused,
    /// Nobody answers them.
    Dropped,
}

/// The way; its threads end some time after it.
pub(crate) struct UdpOnly {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    /// A socket that is bound and does not listen refuses; one that listens and whose queue is full drops.
    _full: (Socket, Vec<TcpStream>),
}

impl UdpOnly {
    pub(crate) fn to(to: SocketAddr, calls: Calls) -> Self {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        pass(UdpSocket::bind(address).unwrap(), to, &is_over);
        let mut fillers = Vec::new();
        if calls == Calls::Dropped {
            listener.listen(0).unwrap();
            while let Ok(filler) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
                fillers.push(filler);
            }
        }
        Self { address, is_over, _full: (listener, fillers) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for UdpOnly {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

fn pass(front: UdpSocket, to: SocketAddr, is_over: &Arc<AtomicBool>) {
    let (front, is_over) = (Arc::new(front), Arc::clone(is_over));
    front.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    thread::spawn(move || {
        let mut backs: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
        let mut datagram = [0; 2_048];
        while !is_over.load(Ordering::Relaxed) {
            let Ok((count, from)) = front.recv_from(&mut datagram) else { continue };
            let back = backs.entry(from).or_insert_with(|| answer(&front, from, to, &is_over));
            let _ = back.send(&datagram[..count]);
        }
    });
}

/// A socket of its own for each client, so that the tracker can tell them apart.
fn answer(
    front: &Arc<UdpSocket>,
    client: SocketAddr,
    to: SocketAddr,
    is_over: &Arc<AtomicBool>,
) -> Arc<UdpSocket> {
    let back = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    back.connect(to).unwrap();
    back.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let (front, is_over, own) = (Arc::clone(front), Arc::clone(is_over), Arc::clone(&back));
    thread::spawn(move || {
        let mut datagram = [0; 2_048];
        while !is_over.load(Ordering::Relaxed) {
            if let Ok(count) = own.recv(&mut datagram) {
                let _ = front.send_to(&datagram[..count], client);
            }
        }
    });
    back
}
