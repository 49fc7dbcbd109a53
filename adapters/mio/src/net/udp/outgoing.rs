//! Datagrams that wait to leave by a socket: those that are alone gather here, so that many leave in one system call,
//! whoever they are for; and what the socket did not take is kept.

use super::Udp;
use std::{io, net::SocketAddr};

/// They leave in this order.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    /// Whom each is for, and how long it is.
    datagrams: Vec<(SocketAddr, usize)>,
    /// Their bytes, back to back.
    bytes: Vec<u8>,
}

impl Outgoing {
    pub(crate) const fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
    }

    /// Puts datagrams of that size, back to back in `bytes`, behind the others. Only the last may be shorter.
    pub(crate) fn push(&mut self, to: SocketAddr, bytes: &[u8], size: usize) {
        self.datagrams.extend(bytes.chunks(size.max(1)).map(|datagram| (to, datagram.len())));
        self.bytes.extend_from_slice(bytes);
    }

    /// Sends as many as the socket takes. Those that the system refuses are lost, which the endpoint can deal with. Whether
    /// none is left.
    pub(crate) fn flush(&mut self, udp: &mut Udp) -> bool {
        let (mut datagrams, mut bytes) = (&*self.datagrams, &*self.bytes);
        while !datagrams.is_empty() {
            let batch = datagrams.iter().scan(bytes, |rest, &(to, length)| {
                let (datagram, left) = rest.split_at(length);
                *rest = left;
                Some((to, datagram))
            });
            let sent = match udp.send_each(batch) {
                Ok(sent) => sent.max(1),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => {
                    udp.refused(datagrams[0].0, error);
                    1
                }
            };
            let (gone, left) = datagrams.split_at(sent);
            bytes = &bytes[gone.iter().map(|&(_, length)| length).sum()..];
            datagrams = left;
        }
        let left = (datagrams.len(), bytes.len());
        self.datagrams.drain(..self.datagrams.len() - left.0);
        self.bytes.drain(..self.bytes.len() - left.1);
        self.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{net::UdpSocket, time::Duration};

    #[test]
    fn one_that_the_system_refuses_takes_no_other_along() {
        let to = UdpSocket::bind("127.0.0.1:0").unwrap();
        to.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let (peer, mut nobody) = (to.local_addr().unwrap(), to.local_addr().unwrap());
        nobody.set_port(0);
        let mut udp = Udp::bind("0.0.0.0:0".parse().unwrap()).unwrap();
        let mut outgoing = Outgoing::default();
        for (number, who) in [nobody, peer, peer, nobody, nobody, peer, nobody].into_iter().enumerate() {
            outgoing.push(who, &[number as u8; 3], 3);
        }
        assert!(outgoing.flush(&mut udp));
        for number in [1, 2, 5] {
            let mut room = [0; 8];
            assert_eq!(to.recv(&mut room).unwrap(), 3);
            assert_eq!(room[..3], [number; 3]);
        }
    }
}
