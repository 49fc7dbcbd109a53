//! What the clients have in common: one file into the flash, and the end.

use crate::{board::Clock, board::Ethernet, board::FLASH_SIZE, flash::Flash, say, settings::Settings};
use core::time::Duration;
use skep_core::{
    files::{Client, Dialect, Progress},
    wire::Name,
};
use skep_smoltcp::{Carrier, Driver, Stack, storage::Nor};

/// A server has so long to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Two slots, as a file that is fetched may replace one.
pub type Store = Nor<Flash, 2, 1>;

/// The parts of `get=SCHEME://WHOM/NAME`: the scheme, whom to call, and the machine that fetches.
pub fn wanted(settings: Settings<'_>) -> Option<(&str, &str, Client)> {
    let (scheme, rest) = settings.get("get")?.split_once("://")?;
    let (whom, name) = rest.split_once('/')?;
    let name = Name::new(name.as_bytes()).ok()?;
    Some((scheme, whom, Client::download(name, Dialect::Files, u64::MAX, PATIENCE)))
}

/// Drives the client, which has called, until the server knows that all has come. Whether it has.
pub fn run<C: Carrier>(
    driver: &mut Driver<Client, C, 1>,
    clock: &mut Clock,
    stack: &mut Stack<'static, Ethernet>,
) -> Option<bool> {
    let mut store = Store::mount(Flash::take()?, 0, FLASH_SIZE as u32).ok()?;
    let mut began = 0;
    let mut is_done = false;
    loop {
        let now = clock.now();
        let micros = now.as_micros();
        let until = driver.turn(now, stack, &mut store, |_, progress| match progress {
            Progress::Started { .. } => began = micros,
            Progress::Done { bytes } => {
                say!["done ", bytes as u32, " bytes in ", (micros - began) as u32, " us"];
                is_done = true;
            }
            Progress::Refused(_) | Progress::Failed(_) => {}
        });
        if driver.count() == 0 {
            return Some(is_done);
        }
        clock.sleep(&stack.device, until);
    }
}
