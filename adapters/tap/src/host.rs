//! The machine itself: its stack, its clock, its sleep.

use crate::{args::Args, wire::Wire};
use rustix::{
    event::{PollFd, PollFlags, poll},
    time::Timespec,
};
use skep::exit::Failure;
use skep_core::{Instant, seal::Secret};
use skep_smoltcp::{Stack, rdt::DATAGRAM};
use smoltcp::{
    iface::{Config, Interface, SocketHandle, SocketSet},
    socket::{tcp, udp},
    wire::{EthernetAddress, IpCidr},
};
use std::{
    io,
    os::fd::AsFd,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Datagrams that a UDP socket holds in each direction.
pub(crate) const DATAGRAMS: usize = 128;

/// Bytes that a TCP socket holds in each direction.
const STREAM: usize = 65_535;

/// The longest sleep: a signal that comes just before it is noticed after it.
const NAP: Duration = Duration::from_millis(500);

/// How long to wait before the other end may have room again.
const BLOCKED: Duration = Duration::from_micros(100);

/// A machine without a role.
pub(crate) struct Host {
    pub(crate) stack: Stack<'static, Wire>,
    origin: std::time::Instant,
    interrupted: Arc<AtomicBool>,
}

impl Host {
    /// The machine that the command line describes.
    pub(crate) fn new(args: &Args) -> Result<Self, Failure> {
        let mut wire = Wire::open(args)?;
        let [.., a, b, c] = args.ip.address().octets();
        // Locally administered (IEEE 802), and other for other machines of the network.
        let mac = args.mac.unwrap_or(EthernetAddress([2, 0x53, 0x4b, a, b, c]));
        if !mac.is_unicast() {
            return Err(Failure::usage(format!(
                "{mac} is no address of one machine; its first byte is even"
            )));
        }
        let mut config = Config::new(mac.into());
        config.random_seed = u64::from_ne_bytes(random()?);
        let mut interface = Interface::new(config, &mut wire, smoltcp::time::Instant::ZERO);
        interface.update_ip_addrs(|addresses| _ = addresses.push(IpCidr::Ipv4(args.ip)));
        if let Some(gateway) = args.gateway {
            let added = interface.routes_mut().add_default_ipv4_route(gateway);
            added.map_err(|_| Failure::usage("too many routes"))?;
        }
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&interrupted))
                .map_err(|error| Failure::cannot("set up signals", &error))?;
        }
        let stack = Stack::new(wire, interface, SocketSet::new(Vec::new()));
        Ok(Self { stack, origin: std::time::Instant::now(), interrupted })
    }

    /// One more UDP socket.
    pub(crate) fn udp(&mut self) -> SocketHandle {
        let buffer = || {
            let metadata = vec![udp::PacketMetadata::EMPTY; DATAGRAMS];
            udp::PacketBuffer::new(metadata, vec![0; DATAGRAMS * DATAGRAM])
        };
        self.stack.sockets.add(udp::Socket::new(buffer(), buffer()))
    }

    /// More TCP sockets.
    pub(crate) fn tcp<const COUNT: usize>(&mut self) -> [SocketHandle; COUNT] {
        std::array::from_fn(|_| {
            let buffer = || tcp::SocketBuffer::new(vec![0; STREAM]);
            self.stack.sockets.add(tcp::Socket::new(buffer(), buffer()))
        })
    }

    /// The time since the start.
    pub(crate) fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// Whether somebody wants the program to end.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Sleeps until then, or until a frame comes, or for a while.
    pub(crate) fn sleep(&self, until: Option<Instant>) -> Result<(), Failure> {
        let span = until.map_or(NAP, |until| until.since(self.now()).min(NAP));
        let span = if self.stack.device.is_blocked() { span.max(BLOCKED) } else { span };
        if span.is_zero() {
            return Ok(());
        }
        let timeout = Timespec { tv_sec: 0, tv_nsec: span.as_nanos() as _ };
        let mut events = [PollFd::from_borrowed_fd(self.stack.device.as_fd(), PollFlags::IN)];
        match poll(&mut events, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(Failure::cannot("wait for frames", &io::Error::from(error))),
        }
    }
}

/// Random bytes of the system.
pub(crate) fn random<const COUNT: usize>() -> Result<[u8; COUNT], Failure> {
    let mut bytes = [0; COUNT];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::cannot("get random numbers", &io::Error::other(error)))?;
    Ok(bytes)
}

/// A random seed, secret.
pub(crate) fn seed() -> Result<Secret, Failure> {
    Ok(Secret::take(&mut random()?))
}
