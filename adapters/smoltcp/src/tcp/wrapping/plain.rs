//! Nothing.

use super::{Broken, Greeting, Inbox, Outbox, Wrapping};
use crate::Origin;
use core::net::SocketAddr;
use skep_core::limits::MESSAGE_MAX;

/// In the clear: everybody on the way can read and change what is sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl Wrapping for Plain {
    type Records = ();
    type Caller = ();

    const LEAST: usize = MESSAGE_MAX;

    fn listening() -> Self::Records {}

    fn greet<const SIZE: usize>(
        &mut self,
        (): &mut (),
        _: SocketAddr,
        _: &mut Inbox<SIZE>,
        _: &mut Outbox<SIZE>,
    ) -> Greeting<()> {
        Greeting::Done(())
    }

    fn origin(address: SocketAddr, (): ()) -> Origin {
        Origin::at(address)
    }

    fn open<const SIZE: usize>((): &mut (), inbox: &mut Inbox<SIZE>) -> Result<(), Broken> {
        inbox.open_all();
        Ok(())
    }

    fn has_ended((): &(), has_socket: bool) -> bool {
        has_socket
    }

    fn around((): &()) -> (usize, usize) {
        (0, 0)
    }

    fn text_max((): &()) -> usize {
        usize::MAX
    }

    fn seal((): &mut (), _: &mut [u8]) -> Result<(), Broken> {
        Ok(())
    }

    fn end((): &mut (), _: &mut [u8]) -> Option<usize> {
        None
    }
}
