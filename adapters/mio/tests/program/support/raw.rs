//! The bytes of a file transfer (docs/protocol.md section 1), written by hand.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use socket2::{Domain, SockRef, Socket, Type};

pub(crate) const CONFIRM: [u8; 1] = [3];

pub(crate) fn upload(length: u64, name: &[u8]) -> Vec<u8> {
    let size = u16::try_from(name.len()).unwrap();
    [&[0], &length.to_le_bytes()[..], &size.to_le_bytes(), name].concat()
}

pub(crate) fn request(name: &[u8]) -> Vec<u8> {
    let size = u16::try_from(name.len()).unwrap();
    [&[1], &size.to_le_bytes()[..], name].concat()
}

pub(crate) fn error(code: u8) -> [u8; 2] {
    [4, code]
}

/// A connection on which nothing takes for ever.
pub(crate) fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    // Little is received before it is asked for.
    SockRef::from(&stream).set_recv_buffer_size(64 << 10).unwrap();
    stream
}

/// Connects from another network than others of these do.
pub(crate) fn connect_from(network: u8, to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, network, 1], 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.into()
}

/// Sends the bytes, and reads to the end. The server ends it: this side only listens after it has spoken.
pub(crate) fn answer(to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(to);
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}
