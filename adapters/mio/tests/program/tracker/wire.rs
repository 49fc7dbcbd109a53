//! A stream to a tracker, plain or sealed, read and written by hand.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use skep::identity::Fingerprint;
use skep_core::{
    seal::{
        CheckKey, KeyPair, Psk, Public, RustCrypto, Secret,
        greeting::{Directions, Hail, Host, Terms, greet},
        layer::{Access, Call, Caller, Decision},
        record::{FRONT, OVERHEAD, Opened},
    },
    wire::seal::{HELLO_MAX, Hello, Purpose, REPLY_MAX, Reply, Suite},
};

const TERMS: Terms<'_> = Terms { suites: &[Suite::ChaCha], largest: 65_535 };

pub(crate) type Keys = KeyPair<RustCrypto>;

/// A key pair; the same for the same seed.
pub(crate) fn keys(seed: u8) -> Keys {
    KeyPair::new(Secret::new([seed; 32]))
}

fn ephemeral() -> Secret {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).unwrap();
    Secret::new(seed)
}

/// A stream, and what is still to be read of its last record.
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    sealed: Option<Directions<RustCrypto>>,
    text: Vec<u8>,
}

impl Wire {
    pub(crate) fn plain(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, sealed: None, text: Vec::new() }
    }

    /// A sealed stream to a server whose key is known; as a guest without keys.
    pub(crate) fn sealed(to: SocketAddr, server: &str, own: Option<&Keys>) -> io::Result<Self> {
        let server = *server.parse::<Fingerprint>().unwrap().key();
        let purpose = if own.is_some() { Purpose::Member } else { Purpose::Guest };
        let mut wire = Self::plain(to);
        wire.call(own.unwrap_or(&keys(99)), &Call { server, purpose, psk: None })?;
        Ok(wire)
    }

    /// Seals the stream, as the one who calls.
    pub(crate) fn call(&mut self, own: &Keys, call: &Call) -> io::Result<()> {
        let mut hello = [0; HELLO_MAX];
        let (mut hail, length) = Hail::start(own, call, &TERMS, ephemeral(), &mut hello).unwrap();
        self.stream.write_all(&hello[..length])?;
        let reply = self.whole(Reply::needed)?;
        self.sealed = Some(hail.finish(&reply).map_err(io::Error::other)?);
        Ok(())
    }

    /// Seals the stream, as the one who is called by somebody with this key and secret.
    pub(crate) fn answer(&mut self, own: &Keys, peer: Public, secret: [u8; 32]) -> io::Result<()> {
        let hello = self.whole(Hello::needed)?;
        let check = CheckKey::new(own.public(), None);
        let from = self.stream.peer_addr()?;
        let mut access = Introduced(peer, secret);
        let mut reply = [0; REPLY_MAX];
        let host = Host { own, check: &check };
        let (directions, _, length) =
            greet(&host, &hello, from, &TERMS, ephemeral(), &mut access, &mut reply).expect("a good HELLO");
        self.stream.write_all(&reply[..length])?;
        self.sealed = Some(directions);
        Ok(())
    }

    fn whole(&mut self, needed: impl Fn(&[u8]) -> Option<usize>) -> io::Result<Vec<u8>> {
        let mut message = Vec::new();
        loop {
            let needed = needed(&message).expect("a message of the handshake");
            if needed == message.len() {
                return Ok(message);
            }
            let before = message.len();
            message.resize(needed, 0);
            self.stream.read_exact(&mut message[before..])?;
        }
    }
}

impl Read for Wire {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let Some((_, opener)) = &mut self.sealed else { return self.stream.read(room) };
        while self.text.is_empty() {
            let mut record = vec![0; 2];
            self.stream.read_exact(&mut record)?;
            let length = usize::from(u16::from_be_bytes([record[0], record[1]]));
            record.resize(2 + length, 0);
            self.stream.read_exact(&mut record[2..])?;
            match opener.open(&mut record).map_err(io::Error::other)? {
                Opened::Text(text) => self.text = text.to_vec(),
                Opened::End => return Ok(0),
            }
        }
        let count = room.len().min(self.text.len());
        room[..count].copy_from_slice(&self.text[..count]);
        self.text.drain(..count);
        Ok(count)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some((sealer, _)) = &mut self.sealed else { return self.stream.write(bytes) };
        for text in bytes.chunks(16 << 10) {
            let mut record = vec![0; text.len() + OVERHEAD];
            record[FRONT..FRONT + text.len()].copy_from_slice(text);
            sealer.seal(&mut record).map_err(io::Error::other)?;
            self.stream.write_all(&record)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Somebody whom a tracker has introduced.
struct Introduced(Public, [u8; 32]);

impl Access for Introduced {
    fn decide(&mut self, caller: &Caller, _: bool) -> Decision {
        Decision::admit_if(caller.key == Some(self.0))
    }

    fn introduction(&mut self, _: &[u8; 16]) -> Option<(Public, Psk)> {
        Some((self.0, Psk::new(Secret::new(self.1))))
    }
}
