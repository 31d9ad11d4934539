//! x86 I/O ports (Intel SDM volume 1, chapter 19). A task that has no right to a port ends with a report when it uses it.
//!
//! Machines without I/O ports read ones and ignore writes.

#[cfg(all(target_os = "none", target_arch = "x86_64"))]
mod machine {
    use core::arch::asm;

    macro_rules! access {
        ($($type:ty, $register:tt, $read:ident, $write:ident;)+) => { $(
            #[inline(always)]
            pub fn $read(port: u16) -> $type {
                let value;
                // SAFETY: it touches no memory; without the right to the port the processor traps, which ends the task.
                // What a device does to memory is in the hands of who gave the right to it.
                unsafe {
                    asm!(
                        concat!("in ", $register, ", dx"),
                        in("dx") port, out($register) value, options(nostack, preserves_flags)
                    );
                }
                value
            }

            #[inline(always)]
            pub fn $write(port: u16, value: $type) {
                // SAFETY: as for reading.
                unsafe {
                    asm!(
                        concat!("out dx, ", $register),
                        in("dx") port, in($register) value, options(nostack, preserves_flags)
                    );
                }
            }
        )+ };
    }

    access! {
        u8, "al", read_u8, write_u8;
        u16, "ax", read_u16, write_u16;
        u32, "eax", read_u32, write_u32;
    }
}

#[cfg(all(target_os = "none", not(target_arch = "x86_64")))]
mod machine {
    pub fn read_u8(_: u16) -> u8 {
        u8::MAX
    }

    pub fn read_u16(_: u16) -> u16 {
        u16::MAX
    }

    pub fn read_u32(_: u16) -> u32 {
        u32::MAX
    }

    pub fn write_u8(_: u16, _: u8) {}

    pub fn write_u16(_: u16, _: u16) {}

    pub fn write_u32(_: u16, _: u32) {}
}

/// On the host the backend has the ports.
#[cfg(not(target_os = "none"))]
mod machine {
    use crate::host::{port_read, port_write};

    pub fn read_u8(port: u16) -> u8 {
        port_read(port, 1) as u8
    }

    pub fn read_u16(port: u16) -> u16 {
        port_read(port, 2) as u16
    }

    pub fn read_u32(port: u16) -> u32 {
        port_read(port, 4)
    }

    pub fn write_u8(port: u16, value: u8) {
        port_write(port, 1, value.into());
    }

    pub fn write_u16(port: u16, value: u16) {
        port_write(port, 2, value.into());
    }

    pub fn write_u32(port: u16, value: u32) {
        port_write(port, 4, value);
    }
}

/// Reads a byte from a port.
#[inline]
pub fn read_u8(port: u16) -> u8 {
    machine::read_u8(port)
}

/// Reads 16 bits from a port.
#[inline]
pub fn read_u16(port: u16) -> u16 {
    machine::read_u16(port)
}

/// Reads 32 bits from a port.
#[inline]
pub fn read_u32(port: u16) -> u32 {
    machine::read_u32(port)
}

/// Writes a byte to a port.
#[inline]
pub fn write_u8(port: u16, value: u8) {
    machine::write_u8(port, value);
}

/// Writes 16 bits to a port.
#[inline]
pub fn write_u16(port: u16, value: u16) {
    machine::write_u16(port, value);
}

/// Writes 32 bits to a port.
#[inline]
pub fn write_u32(port: u16, value: u32) {
    machine::write_u32(port, value);
}
