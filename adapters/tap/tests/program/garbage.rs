//! What nobody should send: the machine goes on.

use crate::{
    content,
    link::ends,
    process::{Server, run_well, skep_tap},
};
use std::{fs, net::UdpSocket, thread, time::Duration};
use tempfile::TempDir;

/// Random numbers, the same every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ mixed >> 27
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.iter_mut().for_each(|byte| *byte = self.next() as u8);
    }
}

/// A frame with an IPv4 packet that is right in most places.
fn frame(random: &mut Random, mac: [u8; 6]) -> Vec<u8> {
    let mut frame = vec![0; 42 + random.below(1_400)];
    random.fill(&mut frame);
    frame[..6].copy_from_slice(&mac);
    frame[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 9]);
    match random.below(4) {
        0 => frame[12..14].copy_from_slice(&[8, 6]),
        1 => {}
        _ => {
            let length = frame.len() - 14;
            let protocol = [6, 17, 1][random.below(3)];
            frame[12..14].copy_from_slice(&[8, 0]);
            frame[14..16].copy_from_slice(&[0x45, 0]);
            frame[16..18].copy_from_slice(&(length as u16).to_be_bytes());
            frame[20..24].copy_from_slice(&[0, 0, 64, protocol]);
            // From anybody on the network, and from others.
            frame[26..34].copy_from_slice(&[10, 9, 0, random.next() as u8, 10, 9, 0, 1]);
            if random.below(5) == 0 {
                frame[26] = random.next() as u8;
            }
            frame[36..38].copy_from_slice(&7_537_u16.to_be_bytes());
            if protocol == 17 {
                frame[38..40].copy_from_slice(&((length - 20) as u16).to_be_bytes());
                // No check sum: it is not looked at.
                frame[40..42].copy_from_slice(&[0, 0]);
                let magic: &[u8] = [&b"SKEP"[..], b"ROSTOV", b"SKES"][random.below(3)];
                let end = (42 + magic.len()).min(frame.len());
                frame[42..end].copy_from_slice(&magic[..end - 42]);
                if let Some(kind) = frame.get_mut(end) {
                    *kind = [random.next() as u8, 0x10 + random.below(8) as u8, random.below(6) as u8]
                        [random.below(3)];
                }
            }
            frame[24..26].copy_from_slice(&[0, 0]);
            let sum: u32 =
                frame[14..34].chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
            let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
            frame[24..26].copy_from_slice(&sum.to_be_bytes());
        }
    }
    // Cut off, or changed.
    if random.below(4) == 0 {
        frame.truncate(1 + random.below(frame.len()));
    }
    if random.below(4) == 0 {
        let place = random.below(frame.len());
        frame[place] ^= 1 << random.below(8);
    }
    frame
}

#[test]
fn garbage_from_the_network_stops_nobody() {
    let home = TempDir::new().unwrap();
    let shared = home.path().join("shared");
    fs::create_dir(&shared).unwrap();
    fs::write(shared.join("file"), content(1, 200_000)).unwrap();
    for door in ["--plain".to_owned(), format!("--public --key {}", home.path().join("key").display())] {
        let [one, other] = ends(home.path(), false);
        let serve = format!("{one} serve {} {door}", shared.display());
        let mut server = Server::start(&mut skep_tap(&serve), "serving");
        let address = |end: &str| end.split([' ', ',']).nth(1).unwrap().to_owned();
        let (victim, attacker) = (address(&one), address(&other));
        let socket = UdpSocket::bind(&attacker).unwrap();
        let mut random = Random(7);
        for number in 0..20_000 {
            socket.send_to(&frame(&mut random, [2, 0x53, 0x4b, 9, 0, 1]), &victim).unwrap();
            if number % 64 == 0 {
                thread::sleep(Duration::from_micros(300));
            }
        }
        drop(socket);
        assert!(server.is_running());
        let got = home.path().join("got");
        let urls = if door == "--plain" {
            vec!["rdt://10.9.0.1/file".to_owned(), "tcp://10.9.0.1/file".to_owned()]
        } else {
            vec![format!("{}file", server.link), format!("{}file --via tcp", server.link)]
        };
        for url in urls {
            let key = home.path().join("mine");
            let get = format!("{other} get {url} -o {} --key {}", got.display(), key.display());
            run_well(&mut skep_tap(&get));
            assert!(fs::read(&got).unwrap() == content(1, 200_000));
        }
    }
}
