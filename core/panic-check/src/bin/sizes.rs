//! The state of each machine, as objects of just its size: `run` reads them from the image's symbols.
#![no_std]
#![no_main]

use heapless::Vec;
use skep_core::{
    Cell, client,
    files::{Client, Server, Session},
    guard::{DEVICE_BUCKETS, DEVICE_SLOTS, Guard, HOST_BUCKETS, HOST_SLOTS},
    limits::{MESSAGE_MAX, NAME_MAX},
    rdt::{Connection, Endpoint, Fixed, Segment, Transmission},
    seal::{Layer, Protection, RustCrypto, layer, record},
    table::{Named, Slot},
    tracker,
};
use skep_panic_check::keep;

type Sessions<const COUNT: usize> = Vec<Slot<layer::Session<RustCrypto>>, COUNT>;
type Sealed<const COUNT: usize, const SLOTS: usize = DEVICE_SLOTS> =
    Layer<RustCrypto, Sessions<COUNT>, Vec<Cell, COUNT>, SLOTS, DEVICE_BUCKETS>;

/// An endpoint of a device with one connection, and a client of files.
const CLIENT: usize = size_of::<Endpoint<Fixed<1, WINDOW>>>() + size_of::<Client>();
const WINDOW: usize = 4;
/// What of it are buffers: what the window remembers of each segment, messages that may have to be sent again, and the name
/// of the file. Queues are none.
const BUFFERS: usize = WINDOW * (size_of::<Segment>() + size_of::<[Transmission; 2]>() + size_of::<bool>())
    + MESSAGE_MAX
    + NAME_MAX;

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
    SIZE_rdt_and_files_client_besides_buffers: [u8; CLIENT - BUFFERS],
    SIZE_rdt_endpoint_1_connection_window_1: Endpoint<Fixed<1, 1>>,
    SIZE_rdt_endpoint_1_connection_window_4: Endpoint<Fixed<1, 4>>,
    SIZE_rdt_endpoint_4_connections_window_16: Endpoint<Fixed<4, 16>>,
    SIZE_rdt_each_connection_window_4: Slot<Connection<Fixed<1, 4>>>,
    SIZE_rdt_each_connection_window_8_besides_messages:
        [u8; size_of::<Slot<Connection<Fixed<1, 8>>>>() - MESSAGE_MAX],
    SIZE_rdt_each_segment_of_a_window: (Segment, [Transmission; 2], bool),
    SIZE_files_client: Client,
    SIZE_files_server_1_stream: Server<Vec<Named<Session>, 1>>,
    SIZE_files_server_8_streams: Server<Vec<Named<Session>, 8>>,
    SIZE_files_each_stream: Named<Session>,
    SIZE_guard_of_a_device: Guard<DEVICE_SLOTS, DEVICE_BUCKETS>,
    SIZE_guard_of_a_host: Guard<HOST_SLOTS, HOST_BUCKETS>,
    SIZE_seal_layer_1_session_1_handshake: Sealed<1, 1>,
    SIZE_seal_layer_8_sessions_4_handshakes: Sealed<8>,
    SIZE_seal_each_handshake: Slot<layer::Opening<RustCrypto>>,
    SIZE_seal_each_session: (Slot<layer::Session<RustCrypto>>, Cell),
    SIZE_seal_each_session_protection: Protection,
    SIZE_seal_each_stream: (record::Sealer, record::Opener),
    SIZE_tracker_8_links_8_users_32_files: tracker::Tracker<tracker::Fixed<8, 8, 32, 128, 32, 4>>,
    SIZE_tracker_client_8_users_32_files: client::Client<client::Fixed<8, 32, 8, 2, 128>>,
}
