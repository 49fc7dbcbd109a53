//! The stack of smoltcp over the board's Ethernet, set up as the settings say.

use crate::{
    board::{self, Clock, Ethernet},
    settings::Settings,
};
use skep_smoltcp::Stack;
use smoltcp::{
    iface::{Config, Interface, SocketSet, SocketStorage},
    wire::{EthernetAddress, IpCidr},
};

/// Starts the board and its network, which has room for so many sockets. `None`: the Ethernet does not answer.
pub fn start(
    settings: Settings<'_>,
    sockets: &'static mut [SocketStorage<'static>],
) -> Option<(Clock, Stack<'static, Ethernet>)> {
    let (address, length) = settings.network();
    // An address of our own making (the second bit), different for every IP address.
    let [a, b, c, d] = address.octets();
    let ethernet = [0x02, 0, a, b, c, d];
    let (mut clock, mut device) = board::start(ethernet)?;
    let mut config = Config::new(EthernetAddress(ethernet).into());
    config.random_seed = settings.number().unwrap_or_default();
    let now = smoltcp::time::Instant::from_micros(clock.now().as_micros() as i64);
    let mut interface = Interface::new(config, &mut device, now);
    interface.update_ip_addrs(|addresses| {
        // There is room for one.
        let _ = addresses.push(IpCidr::new(address.into(), length));
    });
    if let Some(gateway) = settings.gateway() {
        let _ = interface.routes_mut().add_default_ipv4_route(gateway);
    }
    Some((clock, Stack::new(device, interface, SocketSet::new(sockets))))
}
