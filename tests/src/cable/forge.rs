//! Frames that nobody should send to the board at seat 0.

use super::PORT;
use crate::Random;
use skep_core::wire::rdt::{Known, Magic, Own, Pass, Terms, TypeKind};

/// Where the payload of a UDP datagram begins.
const PAYLOAD: usize = 42;

/// Makes them, the same for the same seed.
#[derive(Debug)]
pub struct Forger(Random);

impl Forger {
    /// A forger with this seed.
    pub fn new(seed: u64) -> Self {
        Self(Random::new(seed))
    }

    /// A datagram of RDT that is right, from somebody who is not there: on the network of the board, or on another.
    pub fn rdt(&mut self) -> Vec<u8> {
        let random = &mut self.0;
        let terms = Terms { window: 9, segment: 99 };
        let own = [
            Own::Open { terms, realm: Magic::ROSTOV, pass: Pass::NONE },
            Own::Data { transmission: 1, segment: 0, asks: false, body: b"body" },
            Own::Fin { segments: 1 },
            Own::Ping { token: 0 },
            Own::Accept { terms, token: 0 },
        ];
        let known = [Known::Connect, Known::Fin, Known::Info { number: 0, body: b"body" }];
        let mut room = [0; 200];
        let number = random.next() as u32;
        let length = match random.below(2) {
            0 => random.one_of(&own).emit(number, &mut room),
            _ => random.one_of(&known).emit(&Magic::ROSTOV, TypeKind::Raw, &mut room),
        };
        let from = if random.happens(300) {
            [99, 1, 2, random.next() as u8]
        } else {
            [10, 0, 0, 100 + random.below(100) as u8]
        };
        let port = 1_024 + random.below(60_000) as u16;
        udp(from, port, &room[..length.unwrap()])
    }

    /// The beginning of a TCP connection to the board's server, from somebody who is not there.
    pub fn syn(&mut self) -> Vec<u8> {
        let random = &mut self.0;
        let from = [10, 0, 0, 100 + random.below(100) as u8];
        let mut frame = udp(from, 1_024 + random.below(60_000) as u16, &[0; 12]);
        frame[23] = 6;
        fix_check_sum(&mut frame);
        frame[38..42].copy_from_slice(&(random.next() as u32).to_be_bytes());
        frame[46..50].copy_from_slice(&[0x50, 0x02, 0x20, 0x00]);
        // The check sum is over the addresses, the protocol and the length, too (RFC 9293 section 3.1).
        let check = check_sum(&[&frame[26..34], &[0, 6, 0, 20], &frame[34..]].concat());
        frame[50..52].copy_from_slice(&check);
        frame
    }

    /// A frame with something wrong, or with nothing right.
    pub fn garbage(&mut self) -> Vec<u8> {
        let mut frame = match self.0.below(3) {
            0 => self.rdt(),
            1 => {
                let length = self.0.below(1_500) as usize;
                let payload = self.0.bytes(length.min(1_400));
                let mut frame = udp([10, 0, 0, 2], 7_538, &payload);
                // TCP, ICMP, or what nobody knows.
                frame[23] = self.0.one_of(&[6, 1, 17, 2, 255]);
                fix_check_sum(&mut frame);
                frame
            }
            _ => {
                let length = 1 + self.0.below(1_513) as usize;
                let mut frame = self.0.bytes(length);
                let address = [2, 0, 0, 0, 0, 0];
                let end = length.min(6);
                frame[..end].copy_from_slice(&address[..end]);
                if let Some(kind) = frame.get_mut(12..14) {
                    kind.copy_from_slice(&self.0.one_of(&[[8, 0], [8, 6], [0x86, 0xdd]]));
                }
                frame
            }
        };
        for _ in 0..self.0.below(4) {
            let place = self.0.below(frame.len() as u64) as usize;
            frame[place] ^= 1 << self.0.below(8);
        }
        if self.0.happens(400) {
            frame.truncate(1 + self.0.below(frame.len() as u64) as usize);
        }
        frame
    }
}

/// A datagram to the port of the board's server, in a packet, in a frame.
fn udp(from: [u8; 4], port: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; PAYLOAD];
    frame[..6].copy_from_slice(&[2, 0, 0, 0, 0, 0]);
    frame[6..12].copy_from_slice(&[2, 9, 9, 9, 9, 9]);
    frame[12..15].copy_from_slice(&[8, 0, 0x45]);
    frame[16..18].copy_from_slice(&(28 + payload.len() as u16).to_be_bytes());
    frame[22..24].copy_from_slice(&[64, 17]);
    frame[26..30].copy_from_slice(&from);
    frame[30..34].copy_from_slice(&[10, 0, 0, 1]);
    frame[34..36].copy_from_slice(&port.to_be_bytes());
    frame[36..38].copy_from_slice(&PORT.to_be_bytes());
    frame[38..40].copy_from_slice(&(8 + payload.len() as u16).to_be_bytes());
    // A check sum of zero is none (RFC 768).
    frame.extend_from_slice(payload);
    fix_check_sum(&mut frame);
    frame
}

/// The check sum of the IPv4 header (RFC 791).
fn fix_check_sum(frame: &mut [u8]) {
    frame[24..26].fill(0);
    let check = check_sum(&frame[14..34]);
    frame[24..26].copy_from_slice(&check);
}

/// The check sum of the internet (RFC 1071).
fn check_sum(bytes: &[u8]) -> [u8; 2] {
    let words = bytes.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
    let sum: u32 = words.sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    (!((sum & 0xffff) + (sum >> 16)) as u16).to_be_bytes()
}
