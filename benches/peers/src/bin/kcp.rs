//! A file over KCP in its fastest mode, without congestion control: `window=PACKETS` is its setting. KCP has no end of a
//! stream, so the file's length goes first.

use skep_peers::Task;
use std::{error::Error, time::Duration};
use tokio::{
    fs::File,
    io::{self, AsyncReadExt, AsyncWriteExt},
};
use tokio_kcp::{KcpConfig, KcpListener, KcpNoDelayConfig, KcpStream};

fn config(task: &Task) -> KcpConfig {
    let window = task.number("window").unwrap_or(1024) as u16;
    KcpConfig {
        mtu: 1400,
        nodelay: KcpNoDelayConfig::fastest(),
        wnd_size: (window, window),
        session_expire: Duration::from_secs(30),
        flush_write: false,
        flush_acks_input: true,
        stream: true,
        ..KcpConfig::default()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let task = Task::from_arguments();
    if task.serve {
        let mut listener = KcpListener::bind(config(&task), task.address).await?;
        loop {
            let (mut stream, _) = listener.accept().await?;
            let mut file = File::open(&task.file).await?;
            stream.read_u8().await?;
            stream.write_u64(file.metadata().await?.len()).await?;
            io::copy(&mut file, &mut stream).await?;
            stream.flush().await?;
            // The client says when it has everything.
            let _ = stream.read_u8().await;
        }
    }
    let mut stream = KcpStream::connect(&config(&task), task.address).await?;
    // KCP has no handshake: the server learns of a client by its first byte.
    stream.write_u8(0).await?;
    stream.flush().await?;
    let length = stream.read_u64().await?;
    let mut file = File::create(&task.file).await?;
    io::copy(&mut (&mut stream).take(length), &mut file).await?;
    file.flush().await?;
    stream.write_u8(0).await?;
    stream.flush().await?;
    stream.shutdown().await?;
    Ok(())
}
