//! The Ethernet controller of the Stellaris LM3S6965 as a `phy::Device` of smoltcp, polled.
//!
//! One FIFO of 2 KiB each way, read and written word by word. A length stands before each frame, so that its bytes
//! begin in the middle of a word. Registers: the data sheet of the LM3S6965, chapter 15.

use smoltcp::{
    phy::{self, Device, DeviceCapabilities, Medium},
    time::Instant,
};

use crate::registers::Registers;

/// Full frames that the FIFO holds for sure.
const BURST: usize = 1;
/// An Ethernet frame without its check sequence.
const FRAME: usize = 1514;
const HEADER: usize = 14;
/// A frame behind the two bytes of its length.
const FRAME_WORDS: usize = (2 + FRAME).div_ceil(4);

// Registers, in bytes behind the base.
const INTERRUPT: usize = 0x00;
const INTERRUPT_MASK: usize = 0x04;
const RECEIVE_CONTROL: usize = 0x08;
const TRANSMIT_CONTROL: usize = 0x0c;
const DATA: usize = 0x10;
const ADDRESS_LOW: usize = 0x14;
const ADDRESS_HIGH: usize = 0x18;
const THRESHOLD: usize = 0x1c;
const FRAMES: usize = 0x34;
const TRANSMIT_REQUEST: usize = 0x38;

const FRAME_RECEIVED: u32 = 1 << 0;
const RECEIVER: u32 = 1 << 0;
const REJECT_DAMAGED: u32 = 1 << 3;
const RESET_FIFO: u32 = 1 << 4;
const TRANSMITTER: u32 = 1 << 0;
const PAD: u32 = 1 << 1;
const ADD_CHECK: u32 = 1 << 2;
const DUPLEX: u32 = 1 << 4;
/// Frames are sent when they are asked for, not when the FIFO has so many bytes.
const NO_THRESHOLD: u32 = 0x3f;

/// Room for one frame in each direction.
pub(crate) type Frames = [[u8; FRAME_WORDS * 4]; 2];

/// None so far.
pub(crate) const NO_FRAMES: Frames = [[0; _]; 2];

/// The controller, and a frame in each direction.
pub struct Stellaris {
    registers: Registers,
    received: &'static mut [u8; FRAME_WORDS * 4],
    to_send: &'static mut [u8; FRAME_WORDS * 4],
}

impl Stellaris {
    /// Starts the controller behind `registers`, whose clock is on.
    pub(crate) fn new(registers: Registers, frames: &'static mut Frames, address: [u8; 6]) -> Self {
        let [a, b, c, d, e, f] = address;
        registers.write(ADDRESS_LOW, u32::from_le_bytes([a, b, c, d]));
        registers.write(ADDRESS_HIGH, u32::from_le_bytes([e, f, 0, 0]));
        registers.write(THRESHOLD, NO_THRESHOLD);
        registers.write(INTERRUPT, u32::MAX);
        registers.write(RECEIVE_CONTROL, RESET_FIFO);
        registers.write(RECEIVE_CONTROL, RECEIVER | REJECT_DAMAGED);
        registers.write(TRANSMIT_CONTROL, TRANSMITTER | PAD | ADD_CHECK | DUPLEX);
        registers.write(INTERRUPT_MASK, FRAME_RECEIVED);
        let [received, to_send] = frames;
        Self { registers, received, to_send }
    }

    /// Takes the interrupt back that a received frame has raised.
    pub(crate) fn acknowledge(&self) {
        self.registers.write(INTERRUPT, u32::MAX);
    }

    /// Whether a received frame waits.
    pub(crate) fn has_frame(&self) -> bool {
        self.registers.read(FRAMES) != 0
    }

    /// Reads the next frame out of the FIFO: where it ends in `received`, of which the first two bytes are its length.
    fn read_frame(&mut self) -> Option<usize> {
        while self.has_frame() {
            let first = self.registers.read(DATA).to_le_bytes();
            // It counts itself and the check sequence.
            let length = usize::from(u16::from_le_bytes([first[0], first[1]]));
            self.received[..4].copy_from_slice(&first);
            let mut room = self.received[4..].chunks_exact_mut(4);
            for _ in 1..length.div_ceil(4) {
                let word = self.registers.read(DATA);
                if let Some(place) = room.next() {
                    place.copy_from_slice(&word.to_le_bytes());
                }
            }
            let end = length.saturating_sub(4);
            if (2 + HEADER..=2 + FRAME).contains(&end) {
                return Some(end);
            }
        }
        None
    }

    fn has_room(&self) -> bool {
        self.registers.read(TRANSMIT_REQUEST) & 1 == 0
    }
}

impl Device for Stellaris {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = ToSend<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, ToSend<'_>)> {
        if !self.has_room() {
            return None;
        }
        let end = self.read_frame()?;
        let received = Received(self.received.get(2..end)?);
        Some((received, ToSend { registers: self.registers, room: self.to_send }))
    }

    fn transmit(&mut self, _: Instant) -> Option<ToSend<'_>> {
        self.has_room().then_some(ToSend { registers: self.registers, room: self.to_send })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME;
        capabilities.max_burst_size = Some(BURST);
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
pub struct ToSend<'a> {
    registers: Registers,
    room: &'a mut [u8; FRAME_WORDS * 4],
}

impl phy::TxToken for ToSend<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let length = length.clamp(HEADER, FRAME);
        let (before, rest) = self.room.split_at_mut(2);
        before.copy_from_slice(&((length - HEADER) as u16).to_le_bytes());
        let result = fill(&mut rest[..length]);
        for word in self.room.as_chunks().0.iter().take((2 + length).div_ceil(4)) {
            self.registers.write(DATA, u32::from_le_bytes(*word));
        }
        self.registers.write(TRANSMIT_REQUEST, 1);
        result
    }
}
