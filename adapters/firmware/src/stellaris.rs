//! The Ethernet controller of the Stellaris LM3S6965.
//!
//! One FIFO of 2 KiB each way, read and written word by word. A length stands before each frame, so that its bytes
//! begin in the middle of a word. Registers: the data sheet of the LM3S6965, chapter 15.

use crate::{
    ethernet::{Controller, FRAME, Frame, HEADER},
    registers::Registers,
};

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

/// The controller behind these registers.
#[derive(Clone, Copy)]
pub struct Stellaris(Registers);

impl Stellaris {
    /// Starts the controller behind `registers`, whose clock is on.
    pub(crate) fn new(registers: Registers, address: [u8; 6]) -> Self {
        let [a, b, c, d, e, f] = address;
        registers.write(ADDRESS_LOW, u32::from_le_bytes([a, b, c, d]));
        registers.write(ADDRESS_HIGH, u32::from_le_bytes([e, f, 0, 0]));
        registers.write(THRESHOLD, NO_THRESHOLD);
        registers.write(INTERRUPT, u32::MAX);
        registers.write(RECEIVE_CONTROL, RESET_FIFO);
        registers.write(RECEIVE_CONTROL, RECEIVER | REJECT_DAMAGED);
        registers.write(TRANSMIT_CONTROL, TRANSMITTER | PAD | ADD_CHECK | DUPLEX);
        registers.write(INTERRUPT_MASK, FRAME_RECEIVED);
        Self(registers)
    }
}

impl Controller for Stellaris {
    const BURST: usize = 1;
    const BEFORE: usize = 2;

    fn acknowledge(self) {
        self.0.write(INTERRUPT, u32::MAX);
    }

    fn has_frame(self) -> bool {
        self.0.read(FRAMES) != 0
    }

    fn read(self, frame: &mut Frame) -> Option<usize> {
        while self.has_frame() {
            let first = self.0.read(DATA).to_le_bytes();
            // It counts itself and the check sequence.
            let length = usize::from(u16::from_le_bytes([first[0], first[1]]));
            frame[..4].copy_from_slice(&first);
            let mut room = frame[4..].chunks_exact_mut(4);
            for _ in 1..length.div_ceil(4) {
                let word = self.0.read(DATA);
                if let Some(place) = room.next() {
                    place.copy_from_slice(&word.to_le_bytes());
                }
            }
            let length = length.saturating_sub(2 + 4);
            if (HEADER..=FRAME).contains(&length) {
                return Some(length);
            }
        }
        None
    }

    fn has_room(self) -> bool {
        self.0.read(TRANSMIT_REQUEST) & 1 == 0
    }

    fn write(self, frame: &mut Frame, length: usize) {
        frame[..2].copy_from_slice(&((length - HEADER) as u16).to_le_bytes());
        for word in frame.as_chunks().0.iter().take((2 + length).div_ceil(4)) {
            self.0.write(DATA, u32::from_le_bytes(*word));
        }
        self.0.write(TRANSMIT_REQUEST, 1);
    }
}
