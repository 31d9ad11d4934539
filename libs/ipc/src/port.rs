//! x86 I/O ports (Intel SDM volume 1, chapter 19). A task that has no right to a port ends with a report when it uses it.
//!
//! Machines without I/O ports read ones and ignore writes.

use crate::{Error, Region};

#[cfg(all(target_os = "none", target_arch = "x86_64"))]
mod machine {
    use crate::Region;
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

    pub fn read_all(port: u16, to: &Region) {
        // SAFETY: the instruction writes whole words within the region, which lies where no Rust object lies; the direction
        // flag is clear (System V ABI). Else as for one access.
        unsafe {
            asm!(
                "rep insd",
                in("dx") port, inout("rcx") to.len() / 4 => _, inout("rdi") to.pointer() => _,
                options(nostack, preserves_flags)
            );
        }
    }

    pub fn write_all(port: u16, from: &Region) {
        // SAFETY: as in `read_all`; it only reads the region.
        unsafe {
            asm!(
                "rep outsd",
                in("dx") port, inout("rcx") from.len() / 4 => _, inout("rsi") from.pointer() => _,
                options(nostack, preserves_flags)
            );
        }
    }
}

#[cfg(all(target_os = "none", not(target_arch = "x86_64")))]
mod machine {
    use crate::Region;

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

    pub fn read_all(_: u16, to: &Region) {
        for offset in 0..to.len() {
            // In bounds, as said.
            let _ = to.write(offset, &[u8::MAX]);
        }
    }

    pub fn write_all(_: u16, _: &Region) {}
}

/// On the host the backend has the ports.
#[cfg(not(target_os = "none"))]
mod machine {
    use crate::Region;
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

    pub fn read_all(port: u16, to: &Region) {
        for offset in (0..to.len() / 4 * 4).step_by(4) {
            // In bounds, as said.
            let _ = to.write(offset, &read_u32(port).to_le_bytes());
        }
    }

    pub fn write_all(port: u16, from: &Region) {
        let mut bytes = [0; 4];
        for offset in (0..from.len() / 4 * 4).step_by(4) {
            // In bounds, as said.
            let _ = from.read(offset, &mut bytes);
            write_u32(port, u32::from_le_bytes(bytes));
        }
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

/// Reads 32 bits from a port again and again, until `to` is full.
///
/// Errors: `InvalidArgument` (its length is not a multiple of 4).
#[inline]
pub fn read_all(port: u16, to: &Region) -> Result<(), Error> {
    whole(to).map(|()| machine::read_all(port, to))
}

/// Writes all of `from` to a port, 32 bits at a time. Errors as [`read_all`].
#[inline]
pub fn write_all(port: u16, from: &Region) -> Result<(), Error> {
    whole(from).map(|()| machine::write_all(port, from))
}

const fn whole(region: &Region) -> Result<(), Error> {
    if region.len().is_multiple_of(4) { Ok(()) } else { Err(Error::InvalidArgument) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_no_device_is_all_bits_are_ones() {
        let region = Region::leak(12);
        assert_eq!(read_all(0x1f0, &region.part(0, 8).unwrap()), Ok(()));
        let mut bytes = [0; 12];
        region.read(0, &mut bytes).unwrap();
        assert_eq!(bytes, [255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0]);
        let odd = region.part(0, 6).unwrap();
        assert_eq!(
            (read_all(0x1f0, &odd), write_all(0x1f0, &odd)),
            (Err(Error::InvalidArgument), Err(Error::InvalidArgument))
        );
    }
}
