//! What a debugger, or QEMU, does for the board: the command line, a line of text, the end of the program.

use cortex_m_semihosting::syscall;

const WRITE_0: usize = 0x04;
const GET_COMMAND_LINE: usize = 0x15;
const EXIT_EXTENDED: usize = 0x20;
const APPLICATION_EXIT: usize = 0x2_0026;

/// The arguments of the program, with spaces between; empty where there are none, or too many for the room.
pub fn arguments(room: &mut [u8]) -> &str {
    #[repr(C)]
    struct Block {
        buffer: *mut u8,
        length: usize,
    }
    let block = Block { buffer: room.as_mut_ptr(), length: room.len() };
    // SAFETY: the host writes at most `length` bytes to `buffer`, which is the room that was lent to us.
    let failed = unsafe { syscall(GET_COMMAND_LINE, &block) } != 0;
    let end = room.iter().position(|&byte| byte == 0).unwrap_or(0);
    match core::str::from_utf8(&room[..end]) {
        Ok(line) if !failed => line,
        _ => "",
    }
}

/// Writes a text to the host's terminal, cut after 127 bytes.
pub fn print(text: &str) {
    let mut line = [0; 128];
    let length = text.len().min(line.len() - 1);
    line[..length].copy_from_slice(&text.as_bytes()[..length]);
    // SAFETY: the host reads up to the NUL, which is the last byte of `line` at the latest.
    unsafe { cortex_m_semihosting::syscall1(WRITE_0, line.as_ptr() as usize) };
}

/// Ends the program with an exit code.
pub fn exit(code: u32) -> ! {
    let block = [APPLICATION_EXIT, code as usize];
    loop {
        // SAFETY: the host reads two words.
        unsafe { syscall(EXIT_EXTENDED, &block) };
    }
}
