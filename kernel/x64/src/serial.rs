//! The console: a 16550 UART at the first serial port, at 115200 baud, 8 data bits, no parity.
//!
//! Output is polled, and waits a bounded time: a console that nobody reads must not stop the kernel. Input interrupts.

use crate::cpu::{in8, out8, relax};

/// The IRQ of the first serial port.
pub const IRQ: usize = 4;

const PORT: u16 = 0x3f8;
const DATA: u16 = PORT;
const INTERRUPT_ENABLE: u16 = PORT + 1;
const INTERRUPT_IDENTIFICATION: u16 = PORT + 2;
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
/// In the identification register: the FIFOs are on, as they are in a 16550A.
const FIFO_WORKS: u8 = 0xc0;
/// Bytes that the FIFO for output takes when it is empty.
const FIFO_LENGTH: u8 = 16;
/// Ready, and OUT2, which connects the interrupt on PCs.
const READY: u8 = 0b1011;

/// How often to look whether there is room before a byte is dropped: some milliseconds on every machine. (A full FIFO
/// takes 1.4 ms to send.)
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

/// What is known of the port's room for output.
pub struct Output {
    /// Bytes that fit without looking.
    room: u8,
    /// There was no room in time when last looked.
    stuck: bool,
}

impl Output {
    /// Nothing is known.
    pub const NEW: Self = Self { room: 0, stuck: false };

    /// Sends a byte of text, with a carriage return before the end of a line.
    pub fn put(&mut self, byte: u8) {
        if byte == b'\n' {
            self.send(b'\r');
        }
        self.send(byte);
    }

    /// Sends a byte; drops it when there is no room in time, and then every further one until there is room again.
    fn send(&mut self, byte: u8) {
        if self.room == 0 {
            self.stuck = !wait_until_empty(if self.stuck { 1 } else { PATIENCE });
            if self.stuck {
                return;
            }
            // Empty: all of the FIFO is free, if there is one.
            self.room =
                if in8(INTERRUPT_IDENTIFICATION) & FIFO_WORKS == FIFO_WORKS { FIFO_LENGTH } else { 1 };
        }
        self.room -= 1;
        out8(DATA, byte);
    }
}

fn wait_until_empty(looks: usize) -> bool {
    (0..looks).any(|_| {
        let empty = in8(LINE_STATUS) & CAN_SEND != 0;
        if !empty {
            relax();
        }
        empty
    })
}
