//! A client of one transfer.

use super::{
    PlainRdt, PlainTcp, STREAMS, SealedRdt, SealedTcp,
    access::{self, Nobody},
    say, seed, settings, turn,
};
use crate::{
    args::{Call, Via},
    folder::Folder,
    host::{Host, random},
};
use skep::{
    exit::{Failure, describe},
    progress::Summary,
    storage::Directory,
    url::{Scheme, Url},
};
use skep_core::{
    files::{Client, Dialect, Failure as Broken, Progress},
    rdt::Language,
    seal,
    stream::StreamId,
    wire::{Name, seal::Purpose},
};
use skep_smoltcp::{Carrier, Driver, rdt, tcp};
use std::{
    net::SocketAddr,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::{Duration, Instant as Clock},
};

/// How long the other side may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Fetches a file.
pub(super) fn get(host: Host, url: &Url, output: Option<&Path>, call: &Call) -> Result<(), Failure> {
    let usage = |error: skep::url::BadUrl| Failure::usage(error.to_string());
    let name = url.name_to_get().map_err(usage)?;
    let output = output.map_or_else(|| PathBuf::from(url.last_component()), Path::to_path_buf);
    let client = Client::download(name, Dialect::Files, u64::MAX - 1, PATIENCE);
    transfer(host, url, call, client, &output)
}

/// Sends a file.
pub(super) fn put(host: Host, file: &Path, url: &Url, call: &Call) -> Result<(), Failure> {
    let name = url.name_to_put(file).map_err(|error| Failure::usage(error.to_string()))?;
    let name = Name::new(name.as_bytes()).map_err(|_| Failure::usage("that cannot be the name of a file"))?;
    transfer(host, url, call, Client::upload(name, PATIENCE), file)
}

fn transfer(host: Host, url: &Url, call: &Call, client: Client, file: &Path) -> Result<(), Failure> {
    let (mut host, shown) = (host, file.display());
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let directory =
        Directory::open(parent).map_err(|error| Failure::cannot(format_args!("use {shown}"), &error))?;
    let only = file.file_name().and_then(|name| name.to_str());
    let only = only.ok_or_else(|| Failure::usage(format!("{shown} is not the name of a file")))?;
    let mut folder = Folder::only(directory, only.to_owned());
    let to = address(url)?;
    // A port of its own, so that an earlier one's last words are not taken for those of this one.
    let port = 49_152 | u16::from_ne_bytes(random()?);
    let udp = host.udp();
    let taken = |_| Failure::network("the port cannot be used");
    let (now, stack) = (host.now(), &mut host.stack);
    let whom = |url: &Url| {
        let key = url.key.as_ref().map(skep::identity::Fingerprint::key).copied();
        let server =
            key.ok_or_else(|| Failure::usage(format!("{url} has no key; it is skep://KEY@IP/NAME")))?;
        Ok::<_, Failure>(seal::layer::Call { server, purpose: Purpose::Member, psk: None })
    };
    let started = Clock::now();
    let outcome = match (url.scheme, call.via) {
        (Scheme::Rdt, _) => {
            let rdt = PlainRdt::bind::<_, Folder>(stack, udp, port, settings(), seed()?, rdt::Plain);
            let mut driver = Driver::new(client, rdt.map_err(taken)?);
            let called = driver.carrier.call(now, to, Language::Any);
            let stream = driver.adopt(called);
            finish(&mut host, &mut driver, &mut folder, stream)
        }
        (Scheme::Tcp, _) => {
            let tcp = PlainTcp::new(host.tcp(), seed()?, tcp::Plain);
            let mut driver = Driver::new(client, tcp);
            let called = driver.carrier.call(now, &mut host.stack, to);
            let stream = driver.adopt(called);
            finish(&mut host, &mut driver, &mut folder, stream)
        }
        (Scheme::Skep, via) => {
            let whom = whom(url)?;
            let (datagrams, streams) = access::sealed(&access::identity(call.key.as_deref())?, &Nobody)?;
            if via == Via::Udp {
                let rdt = SealedRdt::bind::<_, Folder>(stack, udp, port, settings(), seed()?, datagrams);
                let mut driver = Driver::new(client, rdt.map_err(taken)?);
                let called = driver.carrier.call(now, to, whom);
                let stream = driver.adopt(called);
                finish(&mut host, &mut driver, &mut folder, stream)
            } else {
                let tcp = SealedTcp::new(host.tcp(), seed()?, streams);
                let mut driver = Driver::new(client, tcp);
                let called = driver.carrier.call(now, &mut host.stack, to, &whom);
                let stream = driver.adopt(called);
                finish(&mut host, &mut driver, &mut folder, stream)
            }
        }
        (Scheme::Path, _) => {
            return Err(Failure::usage("skep-tap does not speak path://; use tcp:// or rdt://"));
        }
    };
    let (bytes, at) = outcome.map_err(|why| Failure::new(why.code(), format!("{url}: {why}")))?;
    say(&format_args!("{only}: {}", Summary { bytes, elapsed: at.duration_since(started), resent: None }));
    Ok(())
}

/// Turns until the transfer is over and the other side knows; bytes of content, and when the last was stored.
fn finish<C: Carrier>(
    host: &mut Host,
    driver: &mut Driver<Client, C, STREAMS>,
    folder: &mut Folder,
    stream: Option<StreamId>,
) -> Result<(u64, Clock), Failure> {
    let Some(stream) = stream else { return Err(Failure::network("there can be nobody at that address")) };
    let mut end = None;
    let tell = |_: &mut Client, event| {
        if !matches!(event, Progress::Started { .. }) {
            end = Some((event, Clock::now()));
        }
    };
    let over = turn(host, driver, folder, tell, |host, driver| {
        if driver.is_there(stream) || driver.carrier.linger_until() > host.now() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    over?;
    match end {
        None | Some((Progress::Failed(Broken::Unreachable), _)) => Err(Failure::network("no answer")),
        Some((Progress::Done { bytes }, at)) => Ok((bytes, at)),
        Some((Progress::Refused(code), _)) => Err(Failure::refused(format!("refused: {code:?}"))),
        Some((Progress::Failed(Broken::Storage(fault)), _)) => Err(Failure::local(describe(fault))),
        Some((Progress::Failed(_) | Progress::Started { .. }, _)) => {
            Err(Failure::network("the connection broke off; try again"))
        }
    }
}

/// Nobody looks up names here.
fn address(url: &Url) -> Result<SocketAddr, Failure> {
    let found =
        url.host.resolve().map_err(|error| Failure::cannot(format_args!("find {}", url.host), &error))?;
    let found = found.into_iter().find(SocketAddr::is_ipv4);
    found.ok_or_else(|| Failure::usage(format!("{} has no IPv4 address", url.host)))
}
