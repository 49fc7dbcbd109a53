//! The network stack that drivers share: a device, smoltcp's interface, and the sockets of all of them.

use skep_core::Instant;
use smoltcp::{
    iface::{Interface, PollIngressSingleResult, PollResult, SocketSet},
    phy::Device,
};

/// Frames that sockets may send between two looks at what else there is to do.
const FRAMES_OUT: usize = 64;

/// A device and what speaks on it. All of it is the caller's, made as smoltcp's own documentation shows.
pub struct Stack<'s, D> {
    /// The network card.
    pub device: D,
    /// Addresses, routes, neighbours.
    pub interface: Interface,
    /// The sockets of every driver on this stack, and others.
    pub sockets: SocketSet<'s>,
    /// Sockets have sent something, or given up, and nobody has looked what follows from that.
    stirred: bool,
}

impl<'s, D: Device> Stack<'s, D> {
    /// These three together.
    pub const fn new(device: D, interface: Interface, sockets: SocketSet<'s>) -> Self {
        Self { device, interface, sockets, stirred: false }
    }

    /// Takes one frame from the device. `false`: there was none.
    pub fn receive(&mut self, now: Instant) -> bool {
        let outcome = self.interface.poll_ingress_single(moment(now), &mut self.device, &mut self.sockets);
        outcome != PollIngressSingleResult::None
    }

    /// Sends what the sockets have to send, as far as the device takes it.
    pub fn transmit(&mut self, now: Instant) {
        for _ in 0..FRAMES_OUT {
            let outcome = self.interface.poll_egress(moment(now), &mut self.device, &mut self.sockets);
            if outcome == PollResult::None {
                return;
            }
            self.stirred = true;
        }
    }

    /// Whether sockets have sent something, or given up, since this was asked.
    pub(crate) const fn take_stirred(&mut self) -> bool {
        core::mem::replace(&mut self.stirred, false)
    }

    /// When the sockets have something to do by themselves, not before `now`.
    pub fn deadline(&mut self, now: Instant) -> Option<Instant> {
        let at = self.interface.poll_at(moment(now), &self.sockets)?;
        let at = u64::try_from(at.total_micros()).unwrap_or(0);
        Some(Instant::from_micros(at).max(now))
    }

    /// The most full frames that the device takes at once without losing one, if there is such a number.
    pub fn burst(&self) -> Option<usize> {
        self.device.capabilities().max_burst_size
    }
}

impl<D: core::fmt::Debug> core::fmt::Debug for Stack<'_, D> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Stack").field("device", &self.device).finish_non_exhaustive()
    }
}

/// A moment as smoltcp counts it: both count microseconds from the same start.
pub(crate) fn moment(now: Instant) -> smoltcp::time::Instant {
    smoltcp::time::Instant::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}
