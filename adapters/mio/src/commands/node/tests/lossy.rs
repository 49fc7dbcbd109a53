//! A path by UDP to a port on loopback that loses datagrams.

use std::{
    collections::HashMap,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

pub(super) struct Lossy {
    /// Where it is called instead.
    pub(super) port: u16,
    lost: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Lossy {
    /// A path to a port. Of every so many datagrams about one is lost, both ways.
    pub(super) fn start(to: u16, loses: u32) -> Self {
        let mut random = 1_u32;
        Self::losing(to, move |_| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 8).is_multiple_of(loses)
        })
    }

    /// One on which nothing comes back.
    pub(super) fn one_way(to: u16) -> Self {
        Self::losing(to, |is_back| is_back)
    }

    /// `is_lost` says of each datagram whether it is, and is told whether that was on its way back.
    fn losing(to: u16, is_lost: impl FnMut(bool) -> bool + Send + 'static) -> Self {
        let front = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = front.local_addr().unwrap().port();
        front.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let (stop, lost) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&lost));
        let thread = thread::spawn(move || {
            let mut callers: HashMap<SocketAddr, UdpSocket> = HashMap::new();
            let mut is_lost = is_lost;
            let mut loses = |is_back| {
                let is_lost = is_lost(is_back);
                counted.fetch_add(is_lost.into(), Ordering::Relaxed);
                is_lost
            };
            let mut room = vec![0; 65_536];
            while !stopped.load(Ordering::Relaxed) {
                if let Ok((count, from)) = front.recv_from(&mut room) {
                    let socket = callers.entry(from).or_insert_with(|| {
                        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
                        socket.set_nonblocking(true).unwrap();
                        socket.connect(("127.0.0.1", to)).unwrap();
                        socket
                    });
                    if !loses(false) {
                        let _ = socket.send(&room[..count]);
                    }
                }
                for (caller, socket) in &callers {
                    while let Ok(count) = socket.recv(&mut room) {
                        if !loses(true) {
                            let _ = front.send_to(&room[..count], caller);
                        }
                    }
                }
            }
        });
        Self { port, lost, stop, thread: Some(thread) }
    }

    pub(super) fn lost(&self) -> u32 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Drop for Lossy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join);
    }
}
