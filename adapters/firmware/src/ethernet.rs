//! A `phy::Device` of smoltcp, made of an Ethernet controller that is polled and memory for a frame in each direction.

use smoltcp::{
    phy::{self, Device, DeviceCapabilities, Medium},
    time::Instant,
};

/// An Ethernet header.
pub(crate) const HEADER: usize = 14;
/// The longest frame, without its check sequence.
pub(crate) const FRAME: usize = 1514;

/// Memory for a frame, in whole words, and for two bytes more.
pub(crate) type Frame = [u8; (2 + FRAME).next_multiple_of(4)];

/// Memory for one in each direction.
pub(crate) type Frames = [Frame; 2];

/// None so far.
pub(crate) const NO_FRAMES: Frames = [[0; _]; 2];

/// The registers of a controller.
pub trait Controller: Copy {
    /// Full frames that it holds for sure: who sends to the board must not have more on the way.
    const BURST: usize;
    /// Bytes before a frame in its memory.
    const BEFORE: usize;

    /// Takes the interrupt back that a received frame has raised.
    fn acknowledge(self);

    /// Whether a received frame waits.
    fn has_frame(self) -> bool;

    /// Reads the next good frame; its length, [`HEADER`] to [`FRAME`].
    fn read(self, frame: &mut Frame) -> Option<usize>;

    /// Whether there is room for a full frame to send.
    fn has_room(self) -> bool;

    /// Sends a frame of this length, where there is room.
    fn write(self, frame: &mut Frame, length: usize);
}

/// A controller, and a frame in each direction.
pub struct Ethernet<C> {
    controller: C,
    received: &'static mut Frame,
    to_send: &'static mut Frame,
}

impl<C: Controller> Ethernet<C> {
    /// One with a controller that was started.
    pub(crate) fn new(controller: C, [received, to_send]: &'static mut Frames) -> Self {
        Self { controller, received, to_send }
    }

    /// Its controller.
    pub(crate) fn controller(&self) -> C {
        self.controller
    }
}

impl<C: Controller> Device for Ethernet<C> {
    type RxToken<'a>
        = Received<'a>
    where
        C: 'a;
    type TxToken<'a>
        = ToSend<'a, C>
    where
        C: 'a;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, ToSend<'_, C>)> {
        if !self.controller.has_room() {
            return None;
        }
        let length = self.controller.read(self.received)?;
        let received = Received(self.received.get(C::BEFORE..C::BEFORE + length)?);
        Some((received, ToSend { controller: self.controller, frame: self.to_send }))
    }

    fn transmit(&mut self, _: Instant) -> Option<ToSend<'_, C>> {
        let has_room = self.controller.has_room();
        has_room.then_some(ToSend { controller: self.controller, frame: self.to_send })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME;
        capabilities.max_burst_size = Some(C::BURST);
        capabilities
    }
}

/// A frame that was received.
pub struct Received<'a>(&'a [u8]);

impl phy::RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(self.0)
    }
}

/// Room for a frame to send.
pub struct ToSend<'a, C> {
    controller: C,
    frame: &'a mut Frame,
}

impl<C: Controller> phy::TxToken for ToSend<'_, C> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let length = length.clamp(HEADER, FRAME);
        let result = fill(&mut self.frame[C::BEFORE..C::BEFORE + length]);
        self.controller.write(self.frame, length);
        result
    }
}
