//! How deep the stack was at its deepest.

/// What cortex-m-rt has filled the stack with before `main`.
const PAINT: u32 = 0xcccc_cccc;

/// Bytes of the stack that were ever in use: from its start down to the last word that has lost its paint.
pub fn deepest() -> usize {
    unsafe extern "C" {
        // Ends of the stack, from the linker script of cortex-m-rt; it grows from the first to the second.
        static _stack_start: u32;
        static _stack_end: u32;
    }
    let (start, end) = (&raw const _stack_start, &raw const _stack_end);
    let mut word = end;
    // SAFETY: only words between the two are read, all of which are memory; volatile, as others write to them.
    while word < start && unsafe { word.read_volatile() } == PAINT {
        word = word.wrapping_add(1);
    }
    start.addr() - word.addr()
}
