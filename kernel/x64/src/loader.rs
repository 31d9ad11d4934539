//! What the boot loader says: memory, the boot files, ACPI's tables. Two protocols: PVH and Multiboot2.
//!
//! Everything is read through [`Bytes`], byte by byte, because nothing promises alignment; lengths are never trusted
//! beyond what bounds a loop. References: Xen's `start_info.h` (PVH), Multiboot2 specification 1.6, section 3.6.

use abi::Region;

use crate::regions::Regions;

/// Most regions of free memory that are kept while booting.
pub const MOST_REGIONS: usize = 128;

/// Physical memory to read from. Addresses that are not there give anything.
pub trait Bytes {
    /// The byte at physical address `address`.
    fn byte(&self, address: u64) -> u8;

    /// `N` bytes, lowest first.
    fn bytes<const N: usize>(&self, address: u64) -> [u8; N] {
        let mut bytes = [0; N];
        for (byte, offset) in bytes.iter_mut().zip(0..) {
            *byte = self.byte(address.wrapping_add(offset));
        }
        bytes
    }

    /// A little-endian number.
    fn u16(&self, address: u64) -> u16 {
        u16::from_le_bytes(self.bytes(address))
    }

    /// A little-endian number.
    fn u32(&self, address: u64) -> u32 {
        u32::from_le_bytes(self.bytes(address))
    }

    /// A little-endian number.
    fn u64(&self, address: u64) -> u64 {
        u64::from_le_bytes(self.bytes(address))
    }
}

/// What the loader said.
#[derive(Clone, Copy, Debug)]
pub struct Loaded {
    /// Usable RAM, in whole pages.
    pub memory: Regions<MOST_REGIONS>,
    /// The boot files; its length is not rounded.
    pub bootfs: Option<Region>,
    /// Where ACPI's root pointer is, if the loader knows.
    pub rsdp: Option<Rsdp>,
}

/// ACPI's root pointer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rsdp(pub u64);

/// What `address`, given by the loader at the start, leads to; `None` if it is of neither protocol.
pub fn parse<B: Bytes>(memory: &B, address: u64) -> Option<Loaded> {
    // EAX is undefined under PVH, so the structure's own magic number decides.
    if memory.u32(address) == PVH_MAGIC {
        parse_pvh(memory, address)
    } else {
        parse_multiboot(memory, address)
    }
}

const PVH_MAGIC: u32 = 0x336e_c578;
/// E820: usable RAM. Multiboot2 uses the same number.
const USABLE: u32 = 1;
/// More entries than this are not looked at.
const MOST_ENTRIES: u64 = 1024;

/// Adds usable memory in a first pass; in a second, takes away what another entry says is not usable.
fn memory_map(entries: impl Iterator<Item = (u64, u64, u32)> + Clone) -> Regions<MOST_REGIONS> {
    let mut regions = Regions::new();
    for (start, length, _) in entries.clone().filter(|(.., kind)| *kind == USABLE) {
        regions.add(start, start.saturating_add(length));
    }
    for (start, length, _) in entries.filter(|(.., kind)| *kind != USABLE) {
        regions.remove(start, start.saturating_add(length));
    }
    regions
}

fn parse_pvh<B: Bytes>(memory: &B, info: u64) -> Option<Loaded> {
    let version = memory.u32(info + 4);
    let modules = memory.u32(info + 12);
    let module_list = memory.u64(info + 16);
    let rsdp = memory.u64(info + 32);
    // The memory map came with version 1; every loader that starts Resea has it.
    if version == 0 {
        return None;
    }
    let map = memory.u64(info + 40);
    let count = u64::from(memory.u32(info + 48)).min(MOST_ENTRIES);
    let entries = (0..count).map(|index| {
        let entry = map.wrapping_add(index * 24);
        (memory.u64(entry), memory.u64(entry + 8), memory.u32(entry + 16))
    });
    let bootfs = (modules > 0)
        .then(|| Region { start: memory.u64(module_list), length: memory.u64(module_list.wrapping_add(8)) });
    Some(Loaded { memory: memory_map(entries), bootfs, rsdp: (rsdp != 0).then_some(Rsdp(rsdp)) })
}

/// Types of Multiboot2's tags.
mod tag {
    pub const END: u32 = 0;
    pub const MODULE: u32 = 3;
    pub const MEMORY_MAP: u32 = 6;
    pub const ACPI_OLD: u32 = 14;
    pub const ACPI_NEW: u32 = 15;
}

fn parse_multiboot<B: Bytes>(memory: &B, info: u64) -> Option<Loaded> {
    let total = u64::from(memory.u32(info));
    // The fixed part, and far more than any loader passes.
    if !(16..1 << 20).contains(&total) {
        return None;
    }
    let mut loaded = Loaded { memory: Regions::new(), bootfs: None, rsdp: None };
    let mut offset = 8;
    while offset + 8 <= total {
        let place = info + offset;
        let (kind, size) = (memory.u32(place), u64::from(memory.u32(place + 4)));
        if kind == tag::END || size < 8 {
            break;
        }
        match kind {
            tag::MODULE if loaded.bootfs.is_none() => {
                let (start, end) = (u64::from(memory.u32(place + 8)), u64::from(memory.u32(place + 12)));
                loaded.bootfs = Some(Region { start, length: end.saturating_sub(start) });
            }
            tag::MEMORY_MAP => {
                let step = u64::from(memory.u32(place + 8)).max(24);
                let count = (size.saturating_sub(16) / step).min(MOST_ENTRIES);
                loaded.memory = memory_map((0..count).map(|index| {
                    let entry = place + 16 + index * step;
                    (memory.u64(entry), memory.u64(entry + 8), memory.u32(entry + 16))
                }));
            }
            // The tag holds a copy of the root pointer; the newer one has a 64-bit table.
            tag::ACPI_NEW => loaded.rsdp = Some(Rsdp(place + 8)),
            tag::ACPI_OLD if loaded.rsdp.is_none() => loaded.rsdp = Some(Rsdp(place + 8)),
            _ => {}
        }
        offset = offset.saturating_add(size.next_multiple_of(8));
    }
    Some(loaded)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::vec::Vec;

    /// Memory that starts at address 0 and reads as 0 past its end.
    pub(crate) struct Model(pub Vec<u8>);

    impl Bytes for Model {
        fn byte(&self, address: u64) -> u8 {
            self.0.get(address as usize).copied().unwrap_or(0)
        }
    }

    impl Model {
        pub(crate) fn put(&mut self, address: usize, bytes: &[u8]) {
            if self.0.len() < address + bytes.len() {
                self.0.resize(address + bytes.len(), 0);
            }
            self.0[address..address + bytes.len()].copy_from_slice(bytes);
        }

        pub(crate) fn words(&mut self, mut address: usize, words: &[u64]) {
            for word in words {
                self.put(address, &word.to_le_bytes());
                address += 8;
            }
        }
    }

    #[test]
    fn pvh_tells_memory_module_and_acpi() {
        let mut model = Model(Vec::new());
        model.words(0x100, &[1 << 32 | u64::from(PVH_MAGIC), 1 << 32, 0x200, 0, 0xf5000, 0x300, 3]);
        model.words(0x200, &[0x7f_f000, 0x1234, 0, 0]);
        model.words(0x300, &[0, 0x9_fc00, 1, 0x10_0000, 0x70_0000, 1, 0x20_0000, 0x1000, 2]);
        let loaded = parse(&model, 0x100).unwrap();
        assert_eq!(loaded.bootfs, Some(Region { start: 0x7f_f000, length: 0x1234 }));
        assert_eq!(loaded.rsdp, Some(Rsdp(0xf5000)));
        let regions: Vec<_> = loaded.memory.iter().map(|region| (region.start, region.length)).collect();
        assert_eq!(regions, [(0, 0x9_f000), (0x10_0000, 0x10_0000), (0x20_1000, 0x5f_f000)]);
    }

    #[test]
    fn multiboot_tells_the_same() {
        let mut model = Model(Vec::new());
        let tags: &[&[u32]] = &[
            &[1, 9, 0x41, 0],
            &[3, 17, 0x80_0000, 0x80_2345, 0, 0],
            &[6, 64, 24, 0, 0x10_0000, 0, 0x50_0000, 0, 1, 0, 0, 0, 0x1000, 0, 2, 0],
            &[15, 44, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0, 8],
        ];
        let words: Vec<u32> = tags.concat();
        model.words(0x100, &[8 + 4 * words.len() as u64]);
        for (index, word) in words.iter().enumerate() {
            model.put(0x108 + 4 * index, &word.to_le_bytes());
        }
        let loaded = parse(&model, 0x100).unwrap();
        assert_eq!(loaded.bootfs, Some(Region { start: 0x80_0000, length: 0x2345 }));
        assert_eq!(loaded.rsdp, Some(Rsdp(0x108 + 4 * (4 + 6 + 16) + 8)));
        assert_eq!(
            loaded.memory.iter().collect::<Vec<_>>(),
            [Region { start: 0x10_0000, length: 0x50_0000 }]
        );
    }

    #[test]
    fn garbage_is_refused_or_harmless() {
        assert!(parse(&Model(Vec::new()), 0x100).is_none());
        let mut seed = 1u64;
        for _ in 0..200 {
            let bytes = (0..512).map(|_| {
                seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1);
                (seed >> 56) as u8 & 15
            });
            let mut model = Model(bytes.collect());
            let _ = parse(&model, 8);
            model.put(8, &PVH_MAGIC.to_le_bytes());
            let _ = parse(&model, 8);
        }
    }
}
