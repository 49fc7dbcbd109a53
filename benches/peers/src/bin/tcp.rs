//! A file over the kernel's TCP: `congestion=bbr` and `buffer=BYTES` are its settings.

use skep_peers::Task;
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    fs::File,
    io,
    net::{Shutdown, TcpStream},
};

fn main() -> io::Result<()> {
    let task = Task::from_arguments();
    let socket = Socket::new(Domain::for_address(task.address), Type::STREAM, Some(Protocol::TCP))?;
    if let Some(algorithm) = task.setting("congestion") {
        socket.set_tcp_congestion(algorithm.as_bytes())?;
    }
    if let Some(bytes) = task.number("buffer") {
        socket.set_send_buffer_size(bytes as usize)?;
        socket.set_recv_buffer_size(bytes as usize)?;
    }
    if task.serve {
        socket.set_reuse_address(true)?;
        socket.bind(&task.address.into())?;
        socket.listen(8)?;
        loop {
            let mut stream = TcpStream::from(socket.accept()?.0);
            // Goes by sendfile.
            io::copy(&mut File::open(&task.file)?, &mut stream)?;
            stream.shutdown(Shutdown::Write)?;
        }
    }
    socket.connect(&task.address.into())?;
    let mut stream = TcpStream::from(socket);
    // Goes by splice.
    io::copy(&mut stream, &mut File::create(&task.file)?)?;
    Ok(())
}
