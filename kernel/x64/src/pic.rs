//! The old 8259 interrupt controllers: moved away from the exceptions' vectors and masked for good.

use crate::cpu::out8;

const MASTER: u16 = 0x20;
const SLAVE: u16 = 0xa0;
/// Past the last vector with a gate; masked, they never use it.
const UNUSED_VECTOR: u8 = 0xf0;

/// Masks all their interrupts (8259A data sheet, initialisation command words).
pub fn disable() {
    for (port, wiring) in [(MASTER, 1 << 2), (SLAVE, 2)] {
        out8(port, 0x11);
        out8(port + 1, UNUSED_VECTOR);
        out8(port + 1, wiring);
        out8(port + 1, 1);
        out8(port + 1, 0xff);
    }
}
