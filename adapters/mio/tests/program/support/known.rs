//! A client that knows only the fixed RDT (docs/protocol.md section 2), and goes on only when it is told to: in
//! stop-and-wait, or segment by segment in an order of its own.

use std::{
    net::{SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

const MAGIC: &[u8] = b"ROSTOV";
const SEGMENT: usize = 1024;

/// A connection to a server. It acknowledges nothing while it is not asked to receive.
pub(crate) struct Known {
    socket: UdpSocket,
    next: u32,
    expected: u32,
    unread: Vec<u8>,
    has_ended: bool,
}

enum Packet {
    Granted,
    Acknowledged(u32),
    FinishTaken,
    /// Content, the end, or something that came before.
    Other,
}

impl Known {
    pub(crate) fn connect(to: SocketAddr) -> Self {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        socket.connect(to).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let mut known = Self { socket, next: 0, expected: 0, unread: Vec::new(), has_ended: false };
        known.insist(&[0], |packet| matches!(packet, Packet::Granted));
        known
    }

    /// Sends the bytes, segment by segment.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        for body in bytes.chunks(SEGMENT) {
            self.send_segment(self.next, body);
            self.next += 1;
        }
    }

    /// Sends one segment until it is acknowledged, whether its turn has come or not.
    pub(crate) fn send_segment(&mut self, number: u32, body: &[u8]) {
        let length = u16::try_from(body.len()).unwrap();
        let packet = [&[2], &length.to_be_bytes()[..], &number.to_be_bytes(), body].concat();
        self.insist(&packet, |answer| matches!(answer, Packet::Acknowledged(of) if *of == number));
    }

    /// Says that nothing more will be sent.
    pub(crate) fn finish(&mut self) {
        self.insist(&[4], |packet| matches!(packet, Packet::FinishTaken));
    }

    /// Receives at least so many bytes, or all until the end; `None` when the server is silent for `patience`.
    pub(crate) fn receive(&mut self, least: usize, patience: Duration) -> Option<Vec<u8>> {
        let mut heard = Instant::now();
        while self.unread.len() < least && !self.has_ended {
            let before = self.unread.len();
            self.hear();
            if self.unread.len() > before {
                heard = Instant::now();
            }
            if heard.elapsed() > patience {
                return None;
            }
        }
        Some(std::mem::take(&mut self.unread))
    }

    /// What came so far and was not asked for.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.unread)
    }

    /// Sends the request and gives the whole answer.
    pub(crate) fn answer(to: SocketAddr, request: &[u8]) -> Vec<u8> {
        let mut known = Self::connect(to);
        known.send(request);
        let answer = known.receive(usize::MAX, Duration::from_secs(20)).expect("an answer and its end");
        known.finish();
        answer
    }

    /// Sends a packet until it is answered.
    fn insist(&mut self, packet: &[u8], is_answer: impl Fn(&Packet) -> bool) {
        for _ in 0..100 {
            self.transmit(packet);
            while let Some(heard) = self.hear() {
                if is_answer(&heard) {
                    return;
                }
            }
        }
        panic!("no answer to a packet of type {}", packet[0]);
    }

    fn transmit(&self, packet: &[u8]) {
        let _ = self.socket.send(&[MAGIC, packet].concat());
    }

    /// Takes a datagram and does with it what the protocol asks for.
    fn hear(&mut self) -> Option<Packet> {
        let mut datagram = [0; 2048];
        let count = self.socket.recv(&mut datagram).ok()?;
        let packet = datagram[..count].strip_prefix(MAGIC)?;
        let number = |at: usize| u32::from_be_bytes(packet[at..at + 4].try_into().unwrap());
        Some(match packet[0] {
            1 => Packet::Granted,
            2 => {
                if number(3) == self.expected {
                    self.unread.extend_from_slice(&packet[7..]);
                    self.expected += 1;
                }
                if number(3) < self.expected {
                    self.transmit(&[&[3], &packet[3..7]].concat());
                }
                Packet::Other
            }
            3 => Packet::Acknowledged(number(1)),
            4 => {
                self.has_ended = true;
                self.transmit(&[5]);
                Packet::Other
            }
            5 => Packet::FinishTaken,
            other => panic!("a packet of type {other}"),
        })
    }
}
