//! A file over QUIC by quinn: `congestion=bbr|cubic|reno` and `window=BYTES` are its settings. The server's certificate
//! is made when it starts, and lies beside the file it serves; `certificate=FILE` tells the client where.

use quinn::{
    ClientConfig, Endpoint, ServerConfig, TransportConfig, VarInt,
    congestion::{BbrConfig, ControllerFactory, CubicConfig, NewRenoConfig},
    rustls::{
        RootCertStore,
        pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    },
};
use skep_peers::Task;
use std::{error::Error, fs, sync::Arc};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncWriteExt},
};

type Outcome = Result<(), Box<dyn Error>>;

fn transport(task: &Task) -> Arc<TransportConfig> {
    let controller: Arc<dyn ControllerFactory + Send + Sync> = match task.setting("congestion") {
        Some("bbr") => Arc::new(BbrConfig::default()),
        Some("reno") => Arc::new(NewRenoConfig::default()),
        _ => Arc::new(CubicConfig::default()),
    };
    let mut config = TransportConfig::default();
    config.congestion_controller_factory(controller);
    if let Some(window) = task.number("window") {
        config.stream_receive_window(VarInt::from_u64(window).unwrap_or(VarInt::MAX));
        config.receive_window(VarInt::MAX).send_window(window);
    }
    Arc::new(config)
}

async fn serve(task: Task) -> Outcome {
    let made = rcgen::generate_simple_self_signed(["peer".into()])?;
    fs::write(task.setting("certificate").ok_or("certificate=FILE is missing")?, made.cert.der())?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let mut config = ServerConfig::with_single_cert(vec![made.cert.der().clone()], key.into())?;
    config.transport_config(transport(&task));
    let endpoint = Endpoint::server(config, task.address)?;
    while let Some(incoming) = endpoint.accept().await {
        let connection = incoming.await?;
        let mut stream = connection.open_uni().await?;
        let mut file = File::open(&task.file).await?;
        let mut portion = vec![0; 256 << 10];
        loop {
            let count = file.read(&mut portion).await?;
            if count == 0 {
                break;
            }
            stream.write_all(&portion[..count]).await?;
        }
        stream.finish()?;
        let _ = stream.stopped().await;
    }
    Ok(())
}

async fn get(task: Task) -> Outcome {
    let mut roots = RootCertStore::empty();
    let certificate = fs::read(task.setting("certificate").ok_or("certificate=FILE is missing")?)?;
    roots.add(CertificateDer::from(certificate))?;
    let mut config = ClientConfig::with_root_certificates(Arc::new(roots))?;
    config.transport_config(transport(&task));
    let mut endpoint = Endpoint::client("0.0.0.0:0".parse()?)?;
    endpoint.set_default_client_config(config);
    let connection = endpoint.connect(task.address, "peer")?.await?;
    let mut stream = connection.accept_uni().await?;
    let mut file = File::create(&task.file).await?;
    while let Some(chunk) = stream.read_chunk(256 << 10, true).await? {
        file.write_all(&chunk.bytes).await?;
    }
    file.flush().await?;
    connection.close(VarInt::from_u32(0), b"");
    endpoint.wait_idle().await;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let task = Task::from_arguments();
    if task.serve { serve(task).await } else { get(task).await }
}
