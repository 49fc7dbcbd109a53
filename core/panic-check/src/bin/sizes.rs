//! The state of each machine, as objects of just its size: `run` reads them from the image's symbols.
#![no_std]
#![no_main]

use heapless::Vec;
use skep_core::{
    files::{Client, Server, Session},
    rdt::{Connection, Endpoint, Fixed, Segment, Transmission},
    table::Slot,
};
use skep_panic_check::keep;

macro_rules! sizes {
    ($($name:ident: $type:ty,)*) => {
        $(#[unsafe(no_mangle)] static $name: [u8; size_of::<$type>()] = [0; size_of::<$type>()];)*

        /// Where the image begins.
        #[unsafe(no_mangle)]
        pub extern "C" fn _start() -> ! {
            loop {
                $(keep(&$name);)*
            }
        }
    };
}

// Their names are sorted and printed: the machines first, then what a memory takes for each more.
sizes! {
    SIZE_rdt_endpoint_1_connection_window_1: Endpoint<Fixed<1, 1>>,
    SIZE_rdt_endpoint_1_connection_window_4: Endpoint<Fixed<1, 4>>,
    SIZE_rdt_endpoint_4_connections_window_16: Endpoint<Fixed<4, 16>>,
    SIZE_rdt_each_connection_window_4: Slot<Connection<Fixed<1, 4>>>,
    SIZE_rdt_each_segment_of_a_window: (Segment, [Transmission; 2], bool),
    SIZE_files_client: Client,
    SIZE_files_server_1_stream: Server<Vec<Slot<Session>, 1>>,
    SIZE_files_server_8_streams: Server<Vec<Slot<Session>, 8>>,
    SIZE_files_each_stream: Slot<Session>,
}
