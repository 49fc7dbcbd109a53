//! ARM's MPS2 with the FPGA image AN385, as QEMU's `mps2-an385` has it. Addresses: ARM's application note AN385.

use crate::{
    counter::Counter,
    ethernet::{self, Controller, Frames, NO_FRAMES},
    interrupts::{self, Interrupt},
    lan9118::Lan9118,
    registers::Registers,
};
use cortex_m::singleton;
use skep_core::Instant;

/// The Ethernet controller of the board.
pub type Ethernet = ethernet::Ethernet<Lan9118>;

// SAFETY: here is the CMSDK timer 0.
const CLOCK: Registers = unsafe { Registers::new(0x4000_0000) };
// SAFETY: here is the CMSDK timer 1.
const ALARM: Registers = unsafe { Registers::new(0x4000_1000) };
// SAFETY: here is the LAN9118, which has no DMA.
const ETHERNET: Registers = unsafe { Registers::new(0x4020_0000) };

// SAFETY: here is the CMSDK UART 0.
#[cfg(feature = "defmt")]
const UART: Registers = unsafe { Registers::new(0x4000_4000) };

// A CMSDK timer: it counts down, 25 million times a second.
const CONTROL: usize = 0x0;
const VALUE: usize = 0x4;
const RELOAD: usize = 0x8;
const INTERRUPT_CLEAR: usize = 0xc;
const ENABLE: u32 = 1 << 0;
const INTERRUPT: u32 = 1 << 3;
const TICKS_PER_MICROSECOND: u32 = 25;

/// In microseconds: half of the time in which the clock's counter wraps.
const LONGEST_SLEEP: u64 = 80_000_000;

/// Bytes of the flash that is made of RAM.
pub const FLASH_SIZE: usize = 5 << 19;
/// Bytes of it that are erased at once.
pub const FLASH_PAGE: usize = 4 << 10;

const SOURCES: &[Interrupt] = &[Interrupt(9), Interrupt(13)]; // the alarm, the Ethernet

/// The clock of the board, and its sleep.
pub struct Clock(Counter);

/// Starts the board, whose Ethernet gets the given address; `None` if the Ethernet does not answer, or the board has
/// been started before.
pub fn start(address: [u8; 6]) -> Option<(Clock, Ethernet)> {
    CLOCK.write(RELOAD, u32::MAX);
    CLOCK.write(VALUE, u32::MAX);
    CLOCK.write(CONTROL, ENABLE);
    let ethernet = Ethernet::new(Lan9118::new(ETHERNET, address)?, singleton!(: Frames = NO_FRAMES)?);
    interrupts::enable(SOURCES);
    Some((Clock(Counter::new(32, TICKS_PER_MICROSECOND, 1)), ethernet))
}

impl Clock {
    /// The time since the start.
    pub fn now(&mut self) -> Instant {
        self.0.at(CLOCK.read(VALUE))
    }

    /// Lets the processor stand still until this moment, or until a frame comes, or less long.
    pub fn sleep(&mut self, ethernet: &Ethernet, until: Option<Instant>) {
        let until = until.unwrap_or(Instant::FAR).as_micros();
        let span = until.saturating_sub(self.now().as_micros()).min(LONGEST_SLEEP) as u32;
        ALARM.write(CONTROL, 0);
        ALARM.write(INTERRUPT_CLEAR, 1);
        ethernet.controller().acknowledge();
        interrupts::acknowledge(SOURCES);
        if span == 0 || ethernet.controller().has_frame() {
            return;
        }
        ALARM.write(RELOAD, 0); // once
        ALARM.write(VALUE, span * TICKS_PER_MICROSECOND);
        ALARM.write(CONTROL, ENABLE | INTERRUPT);
        // What happened since `acknowledge` is pending, and ends this at once.
        cortex_m::asm::wfi();
    }
}

/// Sends bytes over the UART.
#[cfg(feature = "defmt")]
pub(crate) fn send(bytes: &[u8]) {
    const DATA: usize = 0x00;
    const STATE: usize = 0x04;
    const CONTROL: usize = 0x08;
    const DIVISOR: usize = 0x10;
    const FULL: u32 = 1 << 0;
    const TRANSMITTER: u32 = 1 << 0;

    UART.write(DIVISOR, 25_000_000 / 115_200);
    UART.write(CONTROL, TRANSMITTER);
    for &byte in bytes {
        while UART.read(STATE) & FULL != 0 {}
        UART.write(DATA, byte.into());
    }
}
