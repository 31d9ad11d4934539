//! The console: a 16550 UART at the first serial port, at 115200 baud, 8 data bits, no parity.
//!
//! Output is polled, and waits a bounded time: a console that nobody reads must not stop the kernel. Input interrupts.

use crate::cpu::{in8, out8, relax};

/// The IRQ of the first serial port.
pub const IRQ: usize = 4;

const PORT: u16 = 0x3f8;
const DATA: u16 = PORT;
const INTERRUPT_ENABLE: u16 = PORT + 1;
const FIFO_CONTROL: u16 = PORT + 2;
const LINE_CONTROL: u16 = PORT + 3;
const MODEM_CONTROL: u16 = PORT + 4;
const LINE_STATUS: u16 = PORT + 5;

const RECEIVED: u8 = 1 << 0;
const CAN_SEND: u8 = 1 << 5;
const INTERRUPT_ON_RECEIVE: u8 = 1 << 0;
/// 8 data bits; bit 7 gives access to the divisor.
const EIGHT_BITS: u8 = 3;
const DIVISOR_ACCESS: u8 = 1 << 7;
/// FIFOs on and emptied.
const FIFO_ON: u8 = 7;
/// Ready, and OUT2, which connects the interrupt on PCs.
const READY: u8 = 0b1011;

/// How often to look whether there is room before a byte is dropped: some milliseconds on every machine.
const PATIENCE: usize = 20_000;

/// Sets the port up, without interrupts.
pub fn start() {
    out8(INTERRUPT_ENABLE, 0);
    out8(LINE_CONTROL, EIGHT_BITS | DIVISOR_ACCESS);
    out8(DATA, 1);
    out8(INTERRUPT_ENABLE, 0);
    out8(LINE_CONTROL, EIGHT_BITS);
    out8(FIFO_CONTROL, FIFO_ON);
    out8(MODEM_CONTROL, READY);
}

/// Has received bytes interrupt.
pub fn enable_interrupt() {
    out8(INTERRUPT_ENABLE, INTERRUPT_ON_RECEIVE);
}

/// Makes the port raise its interrupt again if bytes still wait: the line is edge-triggered.
pub fn rearm() {
    out8(INTERRUPT_ENABLE, 0);
    out8(INTERRUPT_ENABLE, INTERRUPT_ON_RECEIVE);
}

/// A received byte, if one waits.
pub fn receive() -> Option<u8> {
    (in8(LINE_STATUS) & RECEIVED != 0).then(|| in8(DATA))
}

/// Sends a byte; drops it when there is no room in time.
pub fn put(byte: u8) {
    for _ in 0..PATIENCE {
        if in8(LINE_STATUS) & CAN_SEND != 0 {
            out8(DATA, byte);
            return;
        }
        relax();
    }
}
