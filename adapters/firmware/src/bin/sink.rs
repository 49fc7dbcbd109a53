//! smoltcp's own TCP without skep: calls `from=10.9.0.1:9000`, throws away what comes, and says how long that took.
//!
//! To compare with: it has room for four full segments, as RDT has with a window of 4.
#![no_std]
#![no_main]

use cortex_m::singleton;
use skep_firmware::{
    buffers, network, say, semihosting,
    settings::{self, Settings},
};
use smoltcp::{iface::SocketStorage, socket::tcp};

const ROOM: usize = 4 * 1_460;

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut line = [0; 256];
    let settings = Settings::new(semihosting::arguments(&mut line));
    let code = run(settings).map_or(2, |()| 0);
    semihosting::exit(code)
}

fn run(settings: Settings<'_>) -> Option<()> {
    let core::net::SocketAddr::V4(from) = settings::socket_address(settings.get("from")?)? else {
        return None;
    };
    let places = singleton!(: [SocketStorage<'static>; 1] = [SocketStorage::EMPTY])?;
    let (mut clock, mut stack) = network::start(settings, places)?;
    let (incoming, outgoing) = (singleton!(: [u8; ROOM] = [0; _])?, singleton!(: [u8; 256] = [0; _])?);
    let handle = buffers::tcp(&mut stack, incoming, outgoing);
    let socket = stack.sockets.get_mut::<tcp::Socket<'_>>(handle);
    socket.connect(stack.interface.context(), from, 50_000).ok()?;
    let (mut bytes, mut began) = (0, clock.now());
    loop {
        let now = clock.now();
        while stack.receive(now) {
            let socket = stack.sockets.get_mut::<tcp::Socket<'_>>(handle);
            while let Ok(count) = socket.recv(|content| (content.len(), content.len())) {
                if count == 0 {
                    break;
                }
                if bytes == 0 {
                    began = now;
                }
                bytes += count;
            }
            stack.transmit(now);
        }
        stack.transmit(now);
        let socket = stack.sockets.get_mut::<tcp::Socket<'_>>(handle);
        if !socket.may_recv() && bytes > 0 {
            let micros = clock.now().as_micros() - began.as_micros();
            say!["done ", bytes as u32, " bytes in ", micros as u32, " us"];
            return Some(());
        }
        let until = stack.deadline(now);
        clock.sleep(&stack.device, until);
    }
}
