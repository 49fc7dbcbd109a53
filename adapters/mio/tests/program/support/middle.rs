//! Somebody on the way between a client and a server, who does not mean well.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// How long a first message is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Numbers that look random and are the same in each run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// A number below this one.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number()).unwrap() % end
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.number().to_le_bytes()[0]).collect()
    }
}

/// A port whose TCP and whose UDP side are the test's.
pub(crate) fn port_of_both() -> (TcpListener, UdpSocket) {
    loop {
        let stream = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        if let Ok(datagrams) = UdpSocket::bind(stream.local_addr().unwrap()) {
            datagrams.set_read_timeout(Some(PATIENCE)).unwrap();
            return (stream, datagrams);
        }
    }
}

/// What happens to one direction of a TCP connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mischief {
    Nothing,
    /// This bit of this byte is another one.
    Flip(u64, u8),
    /// After so many bytes the stream ends, as if that were all.
    Cut(u64),
    /// These two pieces of so many bytes change places.
    Swap(u64, usize),
    /// So many bytes come twice.
    Double(u64, usize),
}

impl Mischief {
    /// Does it to a piece that stands there in the stream; whether the stream goes on after that.
    fn play(self, at: u64, piece: &mut Vec<u8>) -> bool {
        let within = |place: u64| place.checked_sub(at).and_then(|place| usize::try_from(place).ok());
        match self {
            Self::Nothing => {}
            Self::Flip(place, bit) => {
                if let Some(byte) = within(place).and_then(|place| piece.get_mut(place)) {
                    *byte ^= 1 << bit;
                }
            }
            Self::Cut(place) => {
                let end = within(place).unwrap_or(0);
                if end < piece.len() {
                    piece.truncate(end);
                    return false;
                }
            }
            Self::Swap(place, count) => {
                if let Some(place) = within(place).filter(|place| place + 2 * count <= piece.len()) {
                    piece[place..place + 2 * count].rotate_left(count);
                }
            }
            Self::Double(place, count) => {
                if let Some(place) = within(place).filter(|place| place + count <= piece.len()) {
                    let again = piece[place..place + count].to_vec();
                    piece.splice(place..place, again);
                }
            }
        }
        true
    }
}

/// Passes TCP connections on, with mischief on the way there and on the way back.
pub(crate) fn tcp_middle(listener: TcpListener, to: SocketAddr, there: Mischief, back: Mischief) {
    thread::spawn(move || {
        while let Ok((client, _)) = listener.accept() {
            let Ok(server) = TcpStream::connect(to) else { continue };
            let (client_too, server_too) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || pass(client_too, server_too, there));
            thread::spawn(move || pass(server, client, back));
        }
    });
}

fn pass(mut from: TcpStream, mut to: TcpStream, mischief: Mischief) {
    let mut room = vec![0; 256 << 10];
    let mut at = 0;
    while let Ok(count @ 1..) = from.read(&mut room) {
        let mut piece = room[..count].to_vec();
        let goes_on = mischief.play(at, &mut piece);
        at += count as u64;
        if to.write_all(&piece).is_err() {
            break;
        }
        if !goes_on {
            let _ = to.shutdown(Shutdown::Write);
            // The other side of the cut notices as little.
            while let Ok(1..) = from.read(&mut room) {}
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}

/// A way for datagrams on which everything happens that can happen to them, and much more than by chance.
pub(crate) struct Storm {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    hostile: Arc<AtomicU64>,
}

impl Storm {
    /// For each datagram about `hostile` others that are damaged, copied, of before, or nothing at all.
    pub(crate) fn to(to: SocketAddr, hostile: usize, seed: u64) -> Self {
        let front = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let back = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        back.connect(to).unwrap();
        let storm =
            Self { address: front.local_addr().unwrap(), is_over: Arc::default(), hostile: Arc::default() };
        for socket in [&front, &back] {
            socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
            let _ = socket2::SockRef::from(&**socket).set_recv_buffer_size(4 << 20);
        }
        let client = Arc::new(std::sync::Mutex::new(None));
        for is_back in [false, true] {
            let (front, back, client) = (Arc::clone(&front), Arc::clone(&back), Arc::clone(&client));
            let (is_over, count) = (Arc::clone(&storm.is_over), Arc::clone(&storm.hostile));
            let mut weather = Weather::new(hostile, seed + u64::from(is_back));
            thread::spawn(move || {
                let mut room = [0; 2_048];
                while !is_over.load(Ordering::Relaxed) {
                    let datagram = if is_back {
                        back.recv(&mut room).ok().map(|count| &room[..count])
                    } else {
                        front.recv_from(&mut room).ok().map(|(count, from)| {
                            *client.lock().unwrap() = Some(from);
                            &room[..count]
                        })
                    };
                    let known: Option<SocketAddr> = *client.lock().unwrap();
                    let (sent, hostile) = weather.of(datagram);
                    for datagram in sent {
                        match (is_back, known) {
                            (false, _) => _ = back.send(&datagram),
                            (true, Some(client)) => _ = front.send_to(&datagram, client),
                            (true, None) => {}
                        }
                    }
                    count.fetch_add(hostile, Ordering::Relaxed);
                }
            });
        }
        storm
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// How much of what was sent on nobody had sent like that.
    pub(crate) fn hostile(&self) -> u64 {
        self.hostile.load(Ordering::Relaxed)
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

struct Weather {
    dice: Dice,
    hostile: usize,
    before: Vec<Vec<u8>>,
    held: Option<Vec<u8>>,
}

impl Weather {
    fn new(hostile: usize, seed: u64) -> Self {
        Self { dice: Dice::new(seed), hostile, before: Vec::new(), held: None }
    }

    /// What goes on in place of a datagram, and how much of it is hostile. `None`: none came for a while.
    fn of(&mut self, datagram: Option<&[u8]>) -> (Vec<Vec<u8>>, u64) {
        let Some(datagram) = datagram else { return (self.held.take().into_iter().collect(), 0) };
        let mut sent = Vec::new();
        let hostile = self.dice.below(2 * self.hostile + 1);
        for _ in 0..hostile {
            sent.push(self.hostile(datagram));
        }
        if self.before.len() < 512 {
            self.before.push(datagram.to_vec());
        } else {
            let place = self.dice.below(512);
            self.before[place] = datagram.to_vec();
        }
        match self.dice.below(40) {
            // It is lost, or comes after the next ones.
            0 => {}
            1 | 2 if self.held.is_none() => self.held = Some(datagram.to_vec()),
            // The real one is somewhere in the crowd.
            _ => {
                let place = self.dice.below(sent.len() + 1);
                sent.insert(place, datagram.to_vec());
                if self.dice.below(3) == 0 {
                    sent.extend(self.held.take());
                }
            }
        }
        (sent, hostile as u64)
    }

    fn hostile(&mut self, datagram: &[u8]) -> Vec<u8> {
        let mut copy = datagram.to_vec();
        let length = copy.len();
        match self.dice.below(8) {
            // A bit is another one, most often where the header is.
            0 | 1 => {
                let place = if self.dice.below(2) == 0 {
                    self.dice.below(length)
                } else {
                    self.dice.below(length.min(16))
                };
                copy[place] ^= 1 << self.dice.below(8);
            }
            2 => copy.truncate(self.dice.below(length)),
            3 => copy.extend(self.dice.bytes(7)),
            // Something of before, as it was or damaged.
            4 | 5 if !self.before.is_empty() => {
                let place = self.dice.below(self.before.len());
                copy.clone_from(&self.before[place]);
            }
            // The right connection, and nothing else.
            6 => {
                let from = 9.min(length);
                for byte in &mut copy[from..] {
                    *byte = self.dice.number().to_le_bytes()[0];
                }
            }
            7 => {
                let count = self.dice.below(1_472);
                copy = self.dice.bytes(count);
            }
            _ => {}
        }
        copy
    }
}
