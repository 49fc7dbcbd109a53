//! ARM's MPS2 with the FPGA image AN385, as QEMU's `mps2-an385` has it. Addresses: ARM's application note AN385.

use core::time::Duration;

use crate::{
    counter::Counter,
    interrupts::{self, Interrupt},
    lan9118::Lan9118,
    registers::Registers,
};

/// The Ethernet controller of the board.
pub type Ethernet = Lan9118;

// SAFETY: here is the CMSDK timer 0.
const CLOCK: Registers = unsafe { Registers::new(0x4000_0000) };
// SAFETY: here is the CMSDK timer 1.
const ALARM: Registers = unsafe { Registers::new(0x4000_1000) };
// SAFETY: here is the LAN9118, which has no DMA.
const ETHERNET: Registers = unsafe { Registers::new(0x4020_0000) };

// A CMSDK timer: it counts down, 25 million times a second.
const CONTROL: usize = 0x0;
const VALUE: usize = 0x4;
const RELOAD: usize = 0x8;
const INTERRUPT_CLEAR: usize = 0xc;
const ENABLE: u32 = 1 << 0;
const INTERRUPT: u32 = 1 << 3;
const TICKS_PER_MICROSECOND: u32 = 25;

/// Half of the time in which the clock's counter wraps, at most.
const LONGEST_SLEEP: Duration = Duration::from_secs(80);

const SOURCES: &[Interrupt] = &[Interrupt(9), Interrupt(13)]; // the alarm, the Ethernet

/// The board.
pub struct Board {
    /// Its Ethernet.
    pub ethernet: Ethernet,
    counter: Counter,
}

impl Board {
    /// Starts the board, whose Ethernet gets the given address; `None` if the Ethernet does not answer.
    pub fn start(address: [u8; 6]) -> Option<Self> {
        CLOCK.write(RELOAD, u32::MAX);
        CLOCK.write(VALUE, u32::MAX);
        CLOCK.write(CONTROL, ENABLE);
        let ethernet = Lan9118::new(ETHERNET, address)?;
        interrupts::enable(SOURCES);
        Some(Self { ethernet, counter: Counter::new(32) })
    }

    /// Microseconds since the start.
    pub fn now(&mut self) -> u64 {
        self.counter.at(CLOCK.read(VALUE)) / u64::from(TICKS_PER_MICROSECOND)
    }

    /// Lets the processor stand still until a frame comes, or `span` is over, or earlier.
    pub fn sleep(&mut self, span: Duration) {
        let span = span.min(LONGEST_SLEEP).as_micros() as u32;
        ALARM.write(CONTROL, 0);
        ALARM.write(INTERRUPT_CLEAR, 1);
        self.ethernet.acknowledge();
        interrupts::acknowledge(SOURCES);
        if span == 0 || self.ethernet.has_frame() {
            return;
        }
        ALARM.write(RELOAD, 0); // once
        ALARM.write(VALUE, span * TICKS_PER_MICROSECOND);
        ALARM.write(CONTROL, ENABLE | INTERRUPT);
        // What happened since `acknowledge` is pending, and ends this at once.
        cortex_m::asm::wfi();
    }
}
