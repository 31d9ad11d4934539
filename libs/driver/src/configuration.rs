//! The PCI configuration space of a device: a copy, and the list of capabilities in it.

/// How many words the space has, without what PCI Express adds.
const WORDS: usize = 64;
/// Where the list of capabilities begins, and the flag that says that there is one (PCI local bus specification 3.0,
/// 6.2.3, 6.7).
const STATUS: u8 = 0x06;
const HAS_CAPABILITIES: u16 = 1 << 4;
const FIRST_CAPABILITY: u8 = 0x34;
/// Capabilities lie behind the header, at multiples of 4, so there are at most so many.
const HEADER: u8 = 0x40;
const MOST_CAPABILITIES: usize = 48;

/// The first 256 bytes of a device's configuration space, as they were when they were read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Configuration([u32; WORDS]);

/// An entry of the list of capabilities.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capability {
    /// What it is (PCI local bus specification 3.0, appendix H): 9 for one of the vendor.
    pub id: u8,
    /// Where it begins: a multiple of 4 from 64 on.
    pub offset: u8,
}

impl Configuration {
    /// From its words.
    pub const fn new(words: [u32; WORDS]) -> Self {
        Self(words)
    }

    /// All words.
    pub const fn words(&self) -> &[u32; WORDS] {
        &self.0
    }

    /// The word at `offset`, which is rounded down to a multiple of 4.
    pub fn read32(&self, offset: u8) -> u32 {
        // Every offset of 8 bits is below 4 × 64.
        self.0.get(usize::from(offset) / 4).copied().unwrap_or(u32::MAX)
    }

    /// The half word at `offset`, which is rounded down to a multiple of 2.
    pub fn read16(&self, offset: u8) -> u16 {
        (self.read32(offset) >> (u32::from(offset & 2) * 8)) as u16
    }

    /// The byte at `offset`.
    pub fn read8(&self, offset: u8) -> u8 {
        (self.read32(offset) >> (u32::from(offset & 3) * 8)) as u8
    }

    /// The capabilities, in the order of the list. It ends, whatever the device says.
    pub fn capabilities(&self) -> impl Iterator<Item = Capability> {
        let has_some = self.read16(STATUS) & HAS_CAPABILITIES != 0;
        let mut next = if has_some { self.read8(FIRST_CAPABILITY) & !3 } else { 0 };
        // A list in a circle ends when there can be no more.
        (0..MOST_CAPABILITIES).map_while(move |_| {
            let offset = next;
            next = self.read8(offset.saturating_add(1)) & !3;
            (offset >= HEADER).then(|| Capability { id: self.read8(offset), offset })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn with_capabilities(list: &[(u8, u8, u8)]) -> Configuration {
        let mut words = [0; WORDS];
        words[1] = u32::from(HAS_CAPABILITIES) << 16;
        words[usize::from(FIRST_CAPABILITY) / 4] = list.first().map_or(0, |(offset, ..)| u32::from(*offset));
        for &(offset, id, next) in list {
            words[usize::from(offset) / 4] = u32::from(id) | u32::from(next) << 8;
        }
        Configuration::new(words)
    }

    fn offsets(configuration: &Configuration) -> Vec<u8> {
        configuration.capabilities().map(|capability| capability.offset).collect()
    }

    #[test]
    fn bytes_are_where_they_should_be() {
        let mut words = [0; WORDS];
        words[2] = 0x4433_2211;
        let configuration = Configuration::new(words);
        assert_eq!(configuration.read32(8), 0x4433_2211);
        assert_eq!([8, 10].map(|offset| configuration.read16(offset)), [0x2211, 0x4433]);
        assert_eq!([8, 9, 10, 11].map(|offset| configuration.read8(offset)), [0x11, 0x22, 0x33, 0x44]);
    }

    #[test]
    fn the_list_is_followed() {
        let list = with_capabilities(&[(0x50, 9, 0x40), (0x40, 5, 0x70), (0x70, 0x11, 0)]);
        assert_eq!(offsets(&list), [0x50, 0x40, 0x70]);
        assert_eq!(list.capabilities().map(|capability| capability.id).collect::<Vec<_>>(), [9, 5, 0x11]);
    }

    #[test]
    fn without_the_flag_there_is_none() {
        let mut list = with_capabilities(&[(0x50, 9, 0)]);
        list.0[1] = 0;
        assert_eq!(offsets(&list), []);
    }

    #[test]
    fn a_list_in_a_circle_ends() {
        assert_eq!(offsets(&with_capabilities(&[(0x50, 9, 0x40), (0x40, 9, 0x50)])).len(), MOST_CAPABILITIES);
        assert_eq!(offsets(&with_capabilities(&[(0x50, 9, 0x10)])), [0x50], "it leads into the header");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_list_ends_and_stays_in_its_place(words in prop::collection::vec(any::<u32>(), WORDS)) {
            let configuration = Configuration::new(words.try_into().expect("64 words"));
            let offsets = offsets(&configuration);
            prop_assert!(offsets.len() <= MOST_CAPABILITIES);
            prop_assert!(offsets.iter().all(|offset| *offset >= HEADER && offset.is_multiple_of(4)));
        }
    }
}
