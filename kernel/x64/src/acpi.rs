//! The ACPI tables that the kernel reads: the MADT, which says where the I/O APICs are and how the old ISA interrupts are
//! wired (ACPI specification 6.5, sections 5.2.5 to 5.2.12), and the MCFG, which says where the PCI configuration space is
//! (PCI firmware specification 3.3, 4.1.2).
//!
//! Damaged or missing tables give the PC's defaults, never a failure.

use abi::Region;

use crate::descriptors::MOST_IRQS;
use crate::loader::{Bytes, Rsdp};

/// Most I/O APICs that are used.
pub const MOST_IO_APICS: usize = 4;
/// ISA interrupts.
const ISA_IRQS: usize = 16;
/// Tables and entries beyond these numbers are not looked at.
const MOST_TABLES: u64 = 128;
const MOST_ENTRIES: usize = 512;
/// A bus takes 1 MiB of the configuration space.
const BUS_SHIFT: u32 = 20;
/// Physical addresses are below this.
const PHYSICAL_END: u64 = 1 << 52;

/// An I/O APIC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IoApic {
    /// Physical address of its registers.
    pub address: u64,
    /// The global interrupt number of its first input.
    pub first: usize,
}

/// How an interrupt line signals.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Line {
    /// The global interrupt number, which is the input of the I/O APICs.
    pub input: usize,
    /// It stays active until the device is served; otherwise it gives a pulse.
    pub level: bool,
    /// Active is low.
    pub low: bool,
}

/// How interrupts are wired.
#[derive(Clone, Copy, Debug)]
pub struct Wiring {
    /// The I/O APICs.
    pub io_apics: [Option<IoApic>; MOST_IO_APICS],
    isa: [Line; ISA_IRQS],
}

impl Wiring {
    /// What a PC without tables has: one I/O APIC, and ISA interrupts that are pulses on the inputs of their number.
    pub const fn defaults() -> Self {
        let mut isa = [Line { input: 0, level: false, low: false }; ISA_IRQS];
        let mut irq = 0;
        while irq < ISA_IRQS {
            isa[irq].input = irq;
            irq += 1;
        }
        Self { io_apics: [Some(IoApic { address: 0xfec0_0000, first: 0 }), None, None, None], isa }
    }

    /// The line of IRQ `irq`. From 16 up they are PCI's: level-triggered, active low.
    pub fn line(&self, irq: usize) -> Line {
        self.isa.get(irq).copied().unwrap_or(Line { input: irq, level: true, low: true })
    }

    /// What the MADT says, if there is one.
    pub fn read<B: Bytes>(memory: &B, rsdp: Option<Rsdp>) -> Self {
        let mut wiring = Self::defaults();
        if let Some(madt) = rsdp.and_then(|rsdp| find_table(memory, rsdp, *b"APIC")) {
            wiring.apply(memory, madt);
        }
        wiring
    }

    fn apply<B: Bytes>(&mut self, memory: &B, madt: u64) {
        let end = madt.saturating_add(u64::from(memory.u32(madt + 4)));
        let mut entry = madt.saturating_add(44);
        let mut found = 0;
        for _ in 0..MOST_ENTRIES {
            let length = u64::from(memory.byte(entry.saturating_add(1)));
            if length < 2 || entry.saturating_add(length) > end {
                return;
            }
            match memory.byte(entry) {
                1 if length >= 12 => {
                    let apic = IoApic {
                        address: u64::from(memory.u32(entry + 4)),
                        first: memory.u32(entry + 8) as usize,
                    };
                    if apic.first < MOST_IRQS
                        && let Some(place) = self.io_apics.get_mut(found)
                    {
                        *place = Some(apic);
                        found += 1;
                    }
                }
                2 if length >= 10 => {
                    let flags = memory.u16(entry + 8);
                    if let Some(line) = self.isa.get_mut(memory.byte(entry + 3) as usize) {
                        *line = Line {
                            input: memory.u32(entry + 4) as usize,
                            low: flags & 3 == 3,
                            level: flags >> 2 & 3 == 3,
                        };
                    }
                }
                _ => {}
            }
            entry += length;
        }
    }
}

/// The memory-mapped configuration space of the PCI buses from 0 on; empty if the MCFG tells of none.
pub fn configuration<B: Bytes>(memory: &B, rsdp: Option<Rsdp>) -> Region {
    let Some(mcfg) = rsdp.and_then(|rsdp| find_table(memory, rsdp, *b"MCFG")) else {
        return Region::default();
    };
    let end = mcfg.saturating_add(u64::from(memory.u32(mcfg.saturating_add(4))));
    let mut entry = mcfg.saturating_add(44);
    for _ in 0..MOST_ENTRIES {
        if entry.saturating_add(16) > end {
            break;
        }
        let (start, segment) = (memory.u64(entry), memory.u16(entry + 8));
        let (first_bus, last_bus) = (memory.byte(entry + 10), memory.byte(entry + 11));
        let length = (u64::from(last_bus) + 1) << BUS_SHIFT;
        let fits = start.is_multiple_of(1 << BUS_SHIFT) && start < PHYSICAL_END - length;
        if (segment, first_bus) == (0, 0) && fits {
            return Region { start, length };
        }
        entry += 16;
    }
    Region::default()
}

/// The first table with this signature.
fn find_table<B: Bytes>(memory: &B, Rsdp(rsdp): Rsdp, signature: [u8; 4]) -> Option<u64> {
    if memory.bytes(rsdp) != *b"RSD PTR " {
        return None;
    }
    let extended = memory.byte(rsdp + 15) >= 2 && memory.u64(rsdp + 24) != 0;
    let (root, entry_size) =
        if extended { (memory.u64(rsdp + 24), 8) } else { (u64::from(memory.u32(rsdp + 16)), 4) };
    let count = u64::from(memory.u32(root.checked_add(4)?)).saturating_sub(36) / entry_size;
    (0..count.min(MOST_TABLES))
        .map(|index| {
            let place = root.saturating_add(36 + index * entry_size);
            if extended { memory.u64(place) } else { u64::from(memory.u32(place)) }
        })
        .find(|table| memory.bytes(*table) == signature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loader::tests::Model;
    use std::vec::Vec;

    fn tables(entries: &[u8]) -> Model {
        let mut model = Model(Vec::new());
        model.put(0x100, b"RSD PTR ");
        model.put(0x110, &0x200u32.to_le_bytes());
        model.put(0x200, b"RSDT");
        model.put(0x204, &44u32.to_le_bytes());
        model.put(0x224, &0x300u32.to_le_bytes());
        model.put(0x228, &0x400u32.to_le_bytes());
        model.put(0x300, b"FACP");
        model.put(0x400, b"APIC");
        model.put(0x404, &(44 + entries.len() as u32).to_le_bytes());
        model.put(0x42c, entries);
        model
    }

    #[test]
    fn io_apics_and_overrides_are_found() {
        let mut entries = std::vec![0, 8, 0, 0, 1, 0, 0, 0];
        entries.extend([1, 12, 0, 0, 0, 0, 0xc1, 0xfe, 0, 0, 0, 0]);
        entries.extend([1, 12, 1, 0, 0, 0, 0xc2, 0xfe, 24, 0, 0, 0]);
        entries.extend([2, 10, 0, 0, 2, 0, 0, 0, 0, 0]);
        entries.extend([2, 10, 0, 11, 11, 0, 0, 0, 0x0f, 0]);
        let wiring = Wiring::read(&tables(&entries), Some(Rsdp(0x100)));
        assert_eq!(wiring.io_apics[0], Some(IoApic { address: 0xfec1_0000, first: 0 }));
        assert_eq!(wiring.io_apics[1], Some(IoApic { address: 0xfec2_0000, first: 24 }));
        assert_eq!(wiring.line(0), Line { input: 2, level: false, low: false });
        assert_eq!(wiring.line(11), Line { input: 11, level: true, low: true });
        assert_eq!(wiring.line(4), Line { input: 4, level: false, low: false });
        assert_eq!(wiring.line(17), Line { input: 17, level: true, low: true });
    }

    #[test]
    fn the_configuration_space_of_the_first_segment_is_found() {
        let mcfg = |entries: &[(u64, u16, u8, u8)]| {
            let mut model = tables(&[]);
            model.put(0x224, &0x500u32.to_le_bytes());
            model.put(0x500, b"MCFG");
            model.put(0x504, &(44 + 16 * entries.len() as u32).to_le_bytes());
            for (place, (start, segment, first, last)) in (0x52c..).step_by(16).zip(entries) {
                model.put(place, &start.to_le_bytes());
                model.put(place + 8, &segment.to_le_bytes());
                model.put(place + 10, &[*first, *last]);
            }
            configuration(&model, Some(Rsdp(0x100)))
        };
        let space = Region { start: 0xb000_0000, length: 256 << 20 };
        assert_eq!(mcfg(&[(0xb000_0000, 0, 0, 255)]), space);
        assert_eq!(mcfg(&[(0xa000_0000, 1, 0, 3), (0xa000_0000, 0, 1, 3), (0xb000_0000, 0, 0, 255)]), space);
        assert_eq!(mcfg(&[(0xe000_0000, 0, 0, 0)]).length, 1 << 20);
        for none in [&[][..], &[(0xb000_1000, 0, 0, 255)], &[(u64::MAX << 20, 0, 0, 255)]] {
            assert_eq!(mcfg(none), Region::default(), "{none:x?}");
        }
        assert_eq!(configuration(&tables(&[]), Some(Rsdp(0x100))), Region::default(), "no such table");
        assert_eq!(configuration(&Model(Vec::new()), None), Region::default());
    }

    #[test]
    fn without_tables_a_pc_is_assumed() {
        for model in
            [Model(Vec::new()), tables(&[1, 0]), tables(&[1, 12, 0]), tables(&[0, 8, 0, 0, 0, 0, 0, 0])]
        {
            let wiring = Wiring::read(&model, Some(Rsdp(0x100)));
            assert_eq!(wiring.io_apics[0].unwrap().address, 0xfec0_0000);
            assert_eq!(wiring.line(4).input, 4);
        }
        assert_eq!(Wiring::read(&Model(Vec::new()), None).line(1).input, 1);
    }
}
