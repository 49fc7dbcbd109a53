//! The Ethernet controller SMSC LAN9118.
//!
//! Frames go through two FIFOs, word by word. The one for received frames has 10,560 bytes, which is six or seven full
//! frames; what comes when it is full is dropped without a trace. Registers: the data sheet of the LAN9118, chapter 5.

use crate::{
    ethernet::{Controller, FRAME, Frame, HEADER},
    registers::Registers,
};

// Ports and registers, in bytes behind the base. An access to an offset that there is not may hang the bus.
const RECEIVE_DATA: usize = 0x00;
const TRANSMIT_DATA: usize = 0x20;
const RECEIVE_STATUS: usize = 0x40;
const TRANSMIT_STATUS: usize = 0x48;
const INTERRUPT_CONFIGURATION: usize = 0x54;
const INTERRUPT_STATUS: usize = 0x58;
const INTERRUPT_ENABLE: usize = 0x5c;
const BYTE_TEST: usize = 0x64;
const FIFO_LEVELS: usize = 0x68;
const RECEIVE_CONFIGURATION: usize = 0x6c;
const TRANSMIT_CONFIGURATION: usize = 0x70;
const HARDWARE_CONFIGURATION: usize = 0x74;
const RECEIVE_FILL: usize = 0x7c;
const TRANSMIT_FILL: usize = 0x80;
const MAC_COMMAND: usize = 0xa4;
const MAC_DATA: usize = 0xa8;

// Registers of the MAC, behind MAC_COMMAND and MAC_DATA.
const MAC_CONTROL: u32 = 1;
const MAC_ADDRESS_HIGH: u32 = 2;
const MAC_ADDRESS_LOW: u32 = 3;

const SOFT_RESET: u32 = 1;
const MUST_BE_ONE: u32 = 1 << 20;
const TRANSMIT_FIFO_5K: u32 = 5 << 16;
const DUMP_RECEIVED: u32 = 1 << 15;
const DUMP_TO_TRANSMIT: u32 = 3 << 14;
const TRANSMIT_ON: u32 = 1 << 1;
const RECEIVE_LEVEL: u32 = 1 << 3;
const INTERRUPT_ACTIVE_HIGH_PUSH_PULL: u32 = 0x111;
const MAC_BUSY: u32 = 1 << 31;
const FULL_DUPLEX: u32 = 1 << 20;
const TRANSMITTER: u32 = 1 << 3;
const RECEIVER: u32 = 1 << 2;
const FIRST_SEGMENT: u32 = 1 << 13;
const LAST_SEGMENT: u32 = 1 << 12;
const FRAME_ERROR: u32 = 1 << 15;

/// The controller behind these registers.
#[derive(Clone, Copy)]
pub struct Lan9118(Registers);

impl Lan9118 {
    /// Resets and starts the controller behind `registers`; `None` where there is none.
    pub(crate) fn new(registers: Registers, address: [u8; 6]) -> Option<Self> {
        if registers.read(BYTE_TEST) != 0x8765_4321 {
            return None;
        }
        registers.write(HARDWARE_CONFIGURATION, SOFT_RESET);
        while registers.read(HARDWARE_CONFIGURATION) & SOFT_RESET != 0 {}
        registers.write(HARDWARE_CONFIGURATION, MUST_BE_ONE | TRANSMIT_FIFO_5K);
        registers.write(INTERRUPT_ENABLE, 0);
        registers.write(INTERRUPT_STATUS, u32::MAX);

        let controller = Self(registers);
        let [a, b, c, d, e, f] = address;
        controller.write_mac(MAC_ADDRESS_LOW, u32::from_le_bytes([a, b, c, d]));
        controller.write_mac(MAC_ADDRESS_HIGH, u32::from_le_bytes([e, f, 0, 0]));
        // Interrupt on the first frame that waits; none for room to send.
        registers.write(FIFO_LEVELS, 0x4800_0000);
        registers.write(RECEIVE_CONFIGURATION, DUMP_RECEIVED);
        registers.write(RECEIVE_CONFIGURATION, 0);
        registers.write(TRANSMIT_CONFIGURATION, DUMP_TO_TRANSMIT);
        registers.write(TRANSMIT_CONFIGURATION, TRANSMIT_ON);
        registers.write(INTERRUPT_CONFIGURATION, INTERRUPT_ACTIVE_HIGH_PUSH_PULL);
        registers.write(INTERRUPT_ENABLE, RECEIVE_LEVEL);
        controller.write_mac(MAC_CONTROL, FULL_DUPLEX | TRANSMITTER | RECEIVER);
        Some(controller)
    }

    fn write_mac(&self, register: u32, value: u32) {
        self.0.write(MAC_DATA, value);
        self.0.write(MAC_COMMAND, MAC_BUSY | register);
        while self.0.read(MAC_COMMAND) & MAC_BUSY != 0 {}
    }
}

impl Controller for Lan9118 {
    const BURST: usize = 6;
    const BEFORE: usize = 0;

    fn acknowledge(self) {
        self.0.write(INTERRUPT_STATUS, u32::MAX);
    }

    fn has_frame(self) -> bool {
        self.0.read(RECEIVE_FILL) >> 16 & 0xff != 0
    }

    fn read(self, frame: &mut Frame) -> Option<usize> {
        while self.has_frame() {
            let status = self.0.read(RECEIVE_STATUS);
            let length = (status >> 16 & 0x3fff) as usize;
            let words = length.div_ceil(4);
            let room = frame.as_chunks_mut::<4>().0;
            let fitting = words.min(room.len());
            // Most of the time of a transfer goes by here: a few words at a time.
            let (fours, rest) = room[..fitting].as_chunks_mut::<4>();
            let next = || self.0.read(RECEIVE_DATA).to_le_bytes();
            for [a, b, c, d] in fours {
                (*a, *b, *c, *d) = (next(), next(), next(), next());
            }
            rest.fill_with(next);
            // All of its words must be taken, also of a frame that is too long or damaged.
            for _ in fitting..words {
                next();
            }
            let length = length.saturating_sub(4);
            if status & FRAME_ERROR == 0 && (HEADER..=FRAME).contains(&length) {
                return Some(length);
            }
        }
        None
    }

    fn has_room(self) -> bool {
        // Nobody asks what became of a frame.
        while self.0.read(TRANSMIT_FILL) >> 16 & 0xff != 0 {
            self.0.read(TRANSMIT_STATUS);
        }
        self.0.read(TRANSMIT_FILL) & 0xffff >= FRAME as u32 + 16
    }

    fn write(self, frame: &mut Frame, length: usize) {
        self.0.write(TRANSMIT_DATA, FIRST_SEGMENT | LAST_SEGMENT | length as u32);
        self.0.write(TRANSMIT_DATA, length as u32);
        for word in frame.as_chunks().0.iter().take(length.div_ceil(4)) {
            self.0.write(TRANSMIT_DATA, u32::from_le_bytes(*word));
        }
    }
}
