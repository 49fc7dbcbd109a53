//! The log of defmt over the first UART. The host decodes it: `defmt-print -e IMAGE < FILE`.

use crate::{board, semihosting};
use defmt::{Encoder, Logger, global_logger};

#[global_logger]
struct Uart;

struct State {
    encoder: Encoder,
    is_taken: bool,
}

static mut STATE: State = State { encoder: Encoder::new(), is_taken: false };

// SAFETY: the board has one core, and no interrupt handler that could log in between.
unsafe impl Logger for Uart {
    fn acquire() {
        let state = &raw mut STATE;
        // SAFETY: nobody else has a reference: defmt calls these one after the other.
        let State { encoder, is_taken } = unsafe { &mut *state };
        if core::mem::replace(is_taken, true) {
            semihosting::exit(101);
        }
        encoder.start_frame(board::send);
    }

    unsafe fn flush() {}

    unsafe fn release() {
        let state = &raw mut STATE;
        // SAFETY: as in `acquire`.
        let State { encoder, is_taken } = unsafe { &mut *state };
        encoder.end_frame(board::send);
        *is_taken = false;
    }

    unsafe fn write(bytes: &[u8]) {
        let state = &raw mut STATE;
        // SAFETY: as in `acquire`.
        unsafe { &mut *state }.encoder.write(bytes, board::send);
    }
}
