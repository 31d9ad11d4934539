//! Accesses of exactly one width, as registers of devices and rings shared with devices need them.
//!
//! Each function is one load or store of this width, in the order of the program: neither left out, nor repeated, nor torn.
//! Volatile accesses are not reordered among themselves by the compiler, and on x86 neither by the processor, but for a
//! load that passes an earlier store.

use crate::{Error, Region};

macro_rules! access {
    ($($type:ty, $read:ident, $write:ident;)+) => {
        impl Region {
            $(
                #[doc = concat!("Reads the `", stringify!($type), "` at `offset`, which must be aligned, in one access.")]
                ///
                /// Errors: `OutOfBounds`, `InvalidArgument` (unaligned).
                #[inline]
                pub fn $read(&self, offset: usize) -> Result<$type, Error> {
                    let place = self.aligned(offset, size_of::<$type>())?;
                    #[cfg(not(target_os = "none"))]
                    {
                        let mut bytes = [0; size_of::<$type>()];
                        if crate::host::region_read(place.address(), &mut bytes) {
                            return Ok(<$type>::from_ne_bytes(bytes));
                        }
                    }
                    // SAFETY: in bounds and aligned, in the range for foreign memory, where no Rust object lies; any
                    // bits are a number. Where nothing is mapped it faults, which ends the task.
                    Ok(unsafe { place.pointer().cast::<$type>().read_volatile() })
                }

                #[doc = concat!("Writes the `", stringify!($type), "` at `offset`, which must be aligned, in one access.")]
                ///
                /// Errors: as for reading.
                #[inline]
                pub fn $write(&self, offset: usize, value: $type) -> Result<(), Error> {
                    let place = self.aligned(offset, size_of::<$type>())?;
                    #[cfg(not(target_os = "none"))]
                    if crate::host::region_write(place.address(), &value.to_ne_bytes()) {
                        return Ok(());
                    }
                    // SAFETY: as for reading; nothing of Rust is written to.
                    unsafe { place.pointer().cast::<$type>().write_volatile(value) };
                    Ok(())
                }
            )+
        }
    };
}

access! {
    u8, read_u8, write_u8;
    u16, read_u16, write_u16;
    u32, read_u32, write_u32;
    u64, read_u64, write_u64;
}

impl Region {
    /// The `length` bytes at `offset`, a multiple of `length`.
    const fn aligned(&self, offset: usize, length: usize) -> Result<Self, Error> {
        match self.part(offset, length) {
            Ok(place) if !place.address().is_multiple_of(length) => Err(Error::InvalidArgument),
            place => place,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_width_reads_what_it_wrote() {
        let region = Region::leak(16);
        region.write_u64(8, 0x0102_0304_0506_0708).unwrap();
        assert_eq!(region.read_u64(8), Ok(0x0102_0304_0506_0708));
        assert_eq!(region.read_u32(8), Ok(0x0506_0708));
        assert_eq!(region.read_u16(10), Ok(0x0506));
        assert_eq!(region.read_u8(15), Ok(1));
        region.write_u8(8, 0xff).unwrap();
        region.write_u16(12, 0xaaaa).unwrap();
        region.write_u32(0, 7).unwrap();
        assert_eq!(region.read_u64(8), Ok(0x0102_aaaa_0506_07ff));
    }

    #[test]
    fn accesses_are_aligned_and_in_bounds() {
        let region = Region::leak(16);
        assert_eq!(region.read_u32(2), Err(Error::InvalidArgument));
        assert_eq!(region.write_u16(1, 0), Err(Error::InvalidArgument));
        assert_eq!(region.read_u64(16), Err(Error::OutOfBounds));
        assert_eq!(region.write_u8(usize::MAX, 0), Err(Error::OutOfBounds));
    }
}
