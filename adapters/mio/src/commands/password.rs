//! The key of a password: asks the server for the salt, and makes it.

use crate::{
    exit::Failure,
    identity::{Cost, Password, Salt, password_secret},
    url::Url,
};
use skep_core::{
    seal::{
        KeyPair, Public, RustCrypto, Secret,
        greeting::{ACCOUNT_MAX, Hail, Terms},
        layer::SALT,
    },
    wire::seal::{HELLO_MAX, Reply, Suite},
};
use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// The secret key of `name` at a server: of the password, over the salt that the server keeps for it.
pub(super) fn secret(
    url: &Url,
    server: &Public,
    name: &str,
    password: &Password,
    timeout: Duration,
) -> Result<Secret, Failure> {
    if name.len() > ACCOUNT_MAX {
        return Err(Failure::usage(format!("an account's name has at most {ACCOUNT_MAX} bytes")));
    }
    let answer = ask(url, server, name, timeout);
    let answer = answer.map_err(|error| {
        let reason = match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                "it has no accounts with passwords, or has another key".to_owned()
            }
            _ => error.to_string(),
        };
        Failure::network(format!("cannot ask {} for the account {name}: {reason}", url.host))
    })?;
    let mut salt = [0; 16];
    salt.copy_from_slice(&answer[..16]);
    let number = |index: usize| {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&answer[16 + 4 * index..20 + 4 * index]);
        u32::from_be_bytes(bytes)
    };
    // A server that asks for less than protects a password, or for more than there is, is not obeyed.
    let cost = Cost::new(number(0), number(1), number(2));
    let cost = cost.map_err(|reason| Failure::refused(format!("{}: {reason}", url.host)))?;
    password_secret(password, &Salt(salt), cost)
}

/// Asks over TCP; whatever answers first has to be the server, as nobody else has its key.
fn ask(url: &Url, server: &Public, name: &str, timeout: Duration) -> io::Result<[u8; SALT]> {
    let mut random = [0; 32];
    let mut fresh = || {
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        Ok::<_, io::Error>(Secret::take(&mut random))
    };
    let nobody = KeyPair::<RustCrypto>::new(fresh()?);
    let terms = Terms { suites: &[Suite::ChaCha], largest: 1_024 };
    let mut hello = [0; HELLO_MAX];
    let (mut hail, length) = Hail::ask(&nobody, server, name.as_bytes(), &terms, fresh()?, &mut hello)
        .map_err(io::Error::other)?;
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in url.host.resolve()? {
        let mut stream = match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => stream,
            Err(error) => {
                last = error;
                continue;
            }
        };
        stream.set_read_timeout(Some(timeout))?;
        stream.write_all(&hello[..length])?;
        let mut reply = Vec::new();
        loop {
            let needed =
                Reply::needed(&reply).ok_or_else(|| io::Error::other("the answer was not understood"))?;
            if needed <= reply.len() {
                return hail.salt(&reply).map_err(io::Error::other);
            }
            let before = reply.len();
            reply.resize(needed, 0);
            stream.read_exact(&mut reply[before..])?;
        }
    }
    Err(last)
}
