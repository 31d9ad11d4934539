//! Where a modern PCI device has its registers: the capabilities in its configuration space (4.1.4).
//!
//! Pure. The device may have written anything there: the walk ends, and places are checked
//! when they are mapped.

use driver::{Capability, Configuration};

/// A range of registers in the memory or ports of a base address register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    pub bar: u8,
    pub offset: u32,
    pub length: u32,
}

/// The structures of 4.1.4.3 to 4.1.4.6.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capabilities {
    pub common: Place,
    pub notify: Place,
    /// Bytes from one queue's notification address to the next one's, times the queue's number for that.
    pub multiplier: u32,
    pub isr: Place,
    pub device: Place,
}

/// The IDs of capabilities (PCI local bus specification 3.0, appendix H), and in that of MSI-X the half word with the flag
/// that it is enabled (6.8.2.3).
const VENDOR_SPECIFIC: u8 = 9;
const MSI_X: u8 = 0x11;
const MSI_X_CONTROL: u8 = 2;
const MSI_X_ENABLED: u16 = 1 << 15;
/// Types of structures (4.1.4).
const COMMON: u8 = 1;
const NOTIFY: u8 = 2;
const ISR: u8 = 3;
const DEVICE: u8 = 4;

/// The capabilities of a modern device; `None`: it has not all of them, so it is not one.
pub fn find(space: &Configuration) -> Option<Capabilities> {
    let mut places = [None; 5];
    let mut multiplier = 0;
    for capability in space.capabilities().filter(|capability| capability.id == VENDOR_SPECIFIC) {
        // Those at the end of the space may go past it: there is nothing.
        let word = |offset| space.read32(capability.offset.saturating_add(offset));
        let [_, _, _, kind] = word(0).to_le_bytes();
        let [bar, ..] = word(4).to_le_bytes();
        // The first one of a type is to be used, and one with a reserved bar to be ignored (4.1.4.1).
        if let Some(free @ None) = places.get_mut(usize::from(kind)).filter(|_| bar < 6) {
            *free = Some(Place { bar, offset: word(8), length: word(12) });
            if kind == NOTIFY {
                multiplier = word(16);
            }
        }
    }
    let place = |kind: u8| places.get(usize::from(kind)).copied().flatten();
    let (common, notify, isr, device) = (place(COMMON)?, place(NOTIFY)?, place(ISR)?, place(DEVICE)?);
    Some(Capabilities { common, notify, multiplier, isr, device })
}

/// Whether the device has MSI-X and dm has enabled it: then it has registers for vectors.
pub fn has_vectors(space: &Configuration) -> bool {
    let control = |capability: Capability| space.read16(capability.offset.saturating_add(MSI_X_CONTROL));
    space.capabilities().any(|one| one.id == MSI_X && control(one) & MSI_X_ENABLED != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// In the status register (PCI local bus specification 3.0, 6.2.3).
    const HAS_CAPABILITIES: u32 = 1 << 20;

    /// A space with capabilities one after the other from 0x40 on: (ID, type, bar, offset).
    fn words(capabilities: &[(u32, u32, u32, u32)]) -> [u32; 64] {
        let mut space = [0; 64];
        space[1] = HAS_CAPABILITIES;
        space[13] = 0x40;
        for (index, &(id, kind, bar, offset)) in capabilities.iter().enumerate() {
            let at = 0x40 + index * 20;
            let next = if index + 1 < capabilities.len() { at + 20 } else { 0 };
            let words = [id | (next as u32) << 8 | 20 << 16 | kind << 24, bar, offset, 0x1000, 4];
            space[at / 4..][..5].copy_from_slice(&words);
        }
        space
    }

    fn space(capabilities: &[(u32, u32, u32, u32)]) -> Configuration {
        Configuration::new(words(capabilities))
    }

    const GOOD: [(u32, u32, u32, u32); 5] =
        [(0x11, 0, 0, 0), (9, 1, 4, 0), (9, 3, 4, 0x1000), (9, 4, 4, 0x2000), (9, 2, 4, 0x3000)];

    #[test]
    fn a_modern_device_is_known_by_its_capabilities() {
        let place = |offset| Place { bar: 4, offset, length: 0x1000 };
        let found = Capabilities {
            common: place(0),
            notify: place(0x3000),
            multiplier: 4,
            isr: place(0x1000),
            device: place(0x2000),
        };
        assert_eq!(find(&space(&GOOD)), Some(found));
        // The first one counts, but not if its bar is reserved.
        let more: Vec<_> = GOOD.into_iter().chain([(9, 1, 2, 0x77)]).collect();
        assert_eq!(find(&space(&more)), Some(found));
        let more: Vec<_> = [(9, 1, 6, 0x77)].into_iter().chain(GOOD).collect();
        assert_eq!(find(&space(&more)), Some(found));
    }

    #[test]
    fn what_lacks_one_is_legacy() {
        for left_out in 1..GOOD.len() {
            let mut some = GOOD.to_vec();
            some.remove(left_out);
            assert_eq!(find(&space(&some)), None);
        }
    }

    #[test]
    fn vectors_are_there_if_msi_x_is_enabled() {
        let mut words = words(&GOOD);
        assert!(!has_vectors(&Configuration::new(words)), "it has MSI-X, but disabled");
        words[0x10] |= 1 << 31;
        assert!(has_vectors(&Configuration::new(words)));
        words[0x10] ^= 1;
        assert!(!has_vectors(&Configuration::new(words)), "another capability");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_space_is_walked_to_its_end(words in proptest::collection::vec(any::<u32>(), 64)) {
            let mut words: [u32; 64] = words.try_into().expect("64 words");
            words[1] |= HAS_CAPABILITIES;
            find(&Configuration::new(words));
        }
    }
}
