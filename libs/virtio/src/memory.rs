//! Fields of a queue in memory that the device shares: each access is one access of this width, in the order of the program.
//!
//! Offsets lie in the layout that the queue has checked its memory against, so no access fails; if one did, reading gives 0.
//! All numbers are little-endian (2.7, "le16" and so on; in the processor's order for legacy devices, which is the same here).

use core::sync::atomic::{Ordering, fence};
use ipc::{Error, Region};

macro_rules! fields {
    ($($type:ty, $load:ident, $read:ident, $store:ident, $write:ident;)+) => { $(
        /// The field at `offset`. What the device wrote before it is seen by what is loaded after it.
        #[inline(always)]
        pub fn $load(memory: &Region, offset: usize) -> $type {
            let value = memory.$read(offset).unwrap_or(0);
            fence(Ordering::Acquire);
            <$type>::from_le(value)
        }

        /// Writes the field at `offset`. Whoever sees that sees all that was stored before it.
        #[inline(always)]
        pub fn $store(memory: &Region, offset: usize, value: $type) {
            fence(Ordering::Release);
            // Cannot fail, as said above.
            let _: Result<(), Error> = memory.$write(offset, value.to_le());
        }
    )+ };
}

fields! {
    u16, load16, read_u16, store16, write_u16;
    u32, load32, read_u32, store32, write_u32;
    u64, load64, read_u64, store64, write_u64;
}
