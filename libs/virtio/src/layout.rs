//! Where the parts of a queue lie in its memory.

/// How the two sides share a queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ring {
    /// Descriptors, and a ring for each direction (2.7).
    Split,
    /// One ring of descriptors that are written over by the other side (2.8).
    Packed,
}

/// The parts of a queue as offsets into its memory. The descriptors are at offset 0.
///
/// `driver` is what the driver writes besides (the available ring, or its event suppression), `device` what the device
/// writes (the used ring, or its event suppression).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    /// Which kind of queue.
    pub ring: Ring,
    /// How many descriptors: a power of two.
    pub size: u16,
    /// Offset of the driver area.
    pub driver: usize,
    /// Offset of the device area.
    pub device: usize,
    /// Length of it all in bytes, a multiple of 8.
    pub length: usize,
}

/// Bytes of a descriptor of either kind (2.7.5, 2.8.13).
pub(crate) const DESCRIPTOR: usize = 16;
/// Most descriptors of a split queue (2.7).
const MOST: u16 = 1 << 15;

impl Layout {
    /// A queue of `size` descriptors, rounded down to a power of two, from 1 to 32,768.
    pub const fn new(ring: Ring, size: u16) -> Self {
        match ring {
            Ring::Split => Self::split(size, 8),
            Ring::Packed => {
                let size = power_of_two(size);
                // The event suppression structures have four bytes (2.8.14). Eight each: they are accessed as words.
                let driver = size as usize * DESCRIPTOR;
                Self { ring, size, driver, device: driver + 8, length: driver + 16 }
            }
        }
    }

    /// A queue of a legacy device, which fixes the size and where the used ring is: on the next page (2.7.2).
    pub const fn legacy(size: u16) -> Self {
        Self::split(size, 4096)
    }

    const fn split(size: u16, alignment: usize) -> Self {
        let size = power_of_two(size);
        let entries = size as usize;
        let driver = entries * DESCRIPTOR;
        // Flags, index, entries, event index; used entries have eight bytes (2.7.6, 2.7.8).
        let device = (driver + 6 + 2 * entries).next_multiple_of(alignment);
        let length = (device + 6 + 8 * entries).next_multiple_of(8);
        Self { ring: Ring::Split, size, driver, device, length }
    }
}

const fn power_of_two(size: u16) -> u16 {
    match size {
        0 => 1,
        MOST.. => MOST,
        _ => 1 << size.ilog2(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legacy_queue_is_where_the_device_looks_for_it() {
        // The formula of 2.7.2 for 256 descriptors: 4096 + 6 + 512, on the next page 6 + 2048.
        let layout = Layout::legacy(256);
        assert_eq!((layout.driver, layout.device, layout.length), (4096, 8192, 8192 + 2056));
    }

    #[test]
    fn sizes_are_powers_of_two() {
        for (wished, size) in [(0, 1), (1, 1), (3, 2), (256, 256), (511, 256), (u16::MAX, 1 << 15)] {
            for ring in [Ring::Split, Ring::Packed] {
                assert_eq!(Layout::new(ring, wished).size, size, "{wished}");
            }
        }
    }
}
