//! Luminary's (now Texas Instruments') evaluation board of the Stellaris LM3S6965, as QEMU's `lm3s6965evb` has it.

use crate::{
    counter::Counter,
    ethernet::{self, Controller, Frames, NO_FRAMES},
    interrupts::{self, Interrupt},
    registers::Registers,
    stellaris::Stellaris,
};
use cortex_m::singleton;
use skep_core::Instant;

/// The Ethernet controller of the board.
pub type Ethernet = ethernet::Ethernet<Stellaris>;

// SAFETY: here is the system control.
const SYSTEM_CONTROL: Registers = unsafe { Registers::new(0x400f_e000) };
// SAFETY: here is the general-purpose timer 0.
const ALARM: Registers = unsafe { Registers::new(0x4003_0000) };
// SAFETY: here is the Ethernet controller, without DMA.
const ETHERNET: Registers = unsafe { Registers::new(0x4004_8000) };
// SAFETY: here is the system control space of the processor; SysTick alone is used of it.
const PROCESSOR: Registers = unsafe { Registers::new(0xe000_e000) };

// SAFETY: here is the UART 0, an ARM PrimeCell PL011.
#[cfg(feature = "defmt")]
const UART: Registers = unsafe { Registers::new(0x4000_c000) };

// Gates of clocks.
const GATES_1: usize = 0x104;
const GATES_2: usize = 0x108;
const TIMER_0: u32 = 1 << 16;
const ETHERNET_MAC_AND_PHY: u32 = 1 << 28 | 1 << 30;

// SysTick, which counts down: 24 bits. General-purpose timers cannot be read in QEMU.
const SYSTICK_CONTROL: usize = 0x10;
const SYSTICK_RELOAD: usize = 0x14;
const SYSTICK_VALUE: usize = 0x18;
const ENABLE_FROM_PROCESSOR_CLOCK: u32 = 1 << 0 | 1 << 2;

// The general-purpose timer.
const CONFIGURATION: usize = 0x00;
const MODE: usize = 0x04;
const CONTROL: usize = 0x0c;
const INTERRUPT_MASK: usize = 0x18;
const INTERRUPT_CLEAR: usize = 0x24;
const LOAD: usize = 0x28;
const ONCE: u32 = 1;
const ENABLE: u32 = 1;
const TIMED_OUT: u32 = 1;

/// 12.5 MHz, the clock after a reset.
const TICKS_IN_2_MICROSECONDS: u32 = 25;

/// In microseconds: three quarters of the time in which SysTick wraps.
const LONGEST_SLEEP: u64 = 1_000_000;

/// Bytes of the flash that is made of RAM.
pub const FLASH_SIZE: usize = 16 << 10;
/// Bytes of it that are erased at once.
pub const FLASH_PAGE: usize = 1 << 10;

const SOURCES: &[Interrupt] = &[Interrupt(19), Interrupt(42)]; // the alarm, the Ethernet

/// The clock of the board, and its sleep.
pub struct Clock(Counter);

/// Starts the board, whose Ethernet gets the given address. `None` if the board has been started before.
pub fn start(address: [u8; 6]) -> Option<(Clock, Ethernet)> {
    SYSTEM_CONTROL.write(GATES_1, SYSTEM_CONTROL.read(GATES_1) | TIMER_0);
    SYSTEM_CONTROL.write(GATES_2, SYSTEM_CONTROL.read(GATES_2) | ETHERNET_MAC_AND_PHY);
    PROCESSOR.write(SYSTICK_RELOAD, 0xff_ffff);
    PROCESSOR.write(SYSTICK_VALUE, 0); // begins with the reload value
    PROCESSOR.write(SYSTICK_CONTROL, ENABLE_FROM_PROCESSOR_CLOCK);
    ALARM.write(CONTROL, 0);
    ALARM.write(CONFIGURATION, 0);
    ALARM.write(MODE, ONCE);
    ALARM.write(INTERRUPT_MASK, TIMED_OUT);
    let ethernet = Ethernet::new(Stellaris::new(ETHERNET, address), singleton!(: Frames = NO_FRAMES)?);
    interrupts::enable(SOURCES);
    Some((Clock(Counter::new(24, TICKS_IN_2_MICROSECONDS, 2)), ethernet))
}

impl Clock {
    /// The time since the start.
    pub fn now(&mut self) -> Instant {
        self.0.at(PROCESSOR.read(SYSTICK_VALUE))
    }

    /// Lets the processor stand still until this moment, or until a frame comes, or less long.
    pub fn sleep(&mut self, ethernet: &Ethernet, until: Option<Instant>) {
        let until = until.unwrap_or(Instant::FAR).as_micros();
        let span = until.saturating_sub(self.now().as_micros()).min(LONGEST_SLEEP) as u32;
        ALARM.write(CONTROL, 0);
        ALARM.write(INTERRUPT_CLEAR, TIMED_OUT);
        ethernet.controller().acknowledge();
        interrupts::acknowledge(SOURCES);
        if span == 0 || ethernet.controller().has_frame() {
            return;
        }
        ALARM.write(LOAD, span * TICKS_IN_2_MICROSECONDS / 2);
        ALARM.write(CONTROL, ENABLE);
        // What happened since `acknowledge` is pending, and ends this at once.
        cortex_m::asm::wfi();
    }
}

/// Sends bytes over the UART.
#[cfg(feature = "defmt")]
pub(crate) fn send(bytes: &[u8]) {
    const DATA: usize = 0x00;
    const FLAGS: usize = 0x18;
    const CONTROL: usize = 0x30;
    const FULL: u32 = 1 << 5;
    const ENABLE_AND_TRANSMITTER: u32 = 1 << 0 | 1 << 8;

    UART.write(CONTROL, ENABLE_AND_TRANSMITTER);
    for &byte in bytes {
        while UART.read(FLAGS) & FULL != 0 {}
        UART.write(DATA, byte.into());
    }
}
