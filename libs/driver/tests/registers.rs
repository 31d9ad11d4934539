//! Registers: the same for ports and memory, and nothing outside of their range.

use driver::Registers;
use ipc::Region;
use ipc::host::{Backend, install};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Ports that keep what was written to them, byte for byte; others are as if there was no device.
#[derive(Default)]
struct Ports(RefCell<BTreeMap<u16, u8>>);

impl Backend for Ports {
    fn port_read(&self, port: u16, width: usize) -> u32 {
        let byte = |index| u32::from(self.0.borrow().get(&(port + index)).copied().unwrap_or(0xff));
        (0..width as u16).map(|index| byte(index) << (8 * index)).sum()
    }

    fn port_write(&self, port: u16, width: usize, value: u32) {
        let bytes = value.to_le_bytes().into_iter().take(width);
        self.0.borrow_mut().extend((port..=u16::MAX).zip(bytes));
    }

    fn region_read(&self, _: usize, _: &mut [u8]) -> bool {
        false
    }

    fn region_write(&self, _: usize, _: &[u8]) -> bool {
        false
    }
}

/// The same sequence on both kinds.
fn behaves(registers: &Registers) {
    assert_eq!(registers.size(), 16);
    registers.write32(4, 0x4433_2211);
    assert_eq!([4, 6].map(|offset| registers.read16(offset)), [0x2211, 0x4433]);
    assert_eq!([4, 5, 6, 7].map(|offset| registers.read8(offset)), [0x11, 0x22, 0x33, 0x44]);
    registers.write16(6, 0x6655);
    registers.write8(4, 0x77);
    assert_eq!(registers.read32(4), 0x6655_2277);
    registers.write32(12, 1);
    assert_eq!(registers.read32(12), 1);
    for offset in [16, 13, 14, 17, 2, usize::MAX, usize::MAX - 3] {
        registers.write32(offset, 0);
        assert_eq!(registers.read32(offset), u32::MAX, "{offset:#x}");
    }
    assert_eq!((registers.read16(15), registers.read8(16)), (u16::MAX, u8::MAX));
    let part = registers.part(4, 8).unwrap();
    assert_eq!((part.size(), part.read32(0), part.read32(8)), (8, 0x6655_2277, u32::MAX));
    assert_eq!(registers.part(16, 0).map(|part| part.size()), Some(0));
    assert_eq!(
        (registers.part(17, 0), registers.part(8, 9), registers.part(8, usize::MAX)),
        (None, None, None)
    );
}

#[test]
fn ports_and_memory_are_the_same() {
    behaves(&Registers::memory(Region::leak(16)));
    let _installed = install(Rc::new(Ports::default()));
    behaves(&Registers::ports(0xc000, 16));
}

#[test]
fn ports_end_with_the_last() {
    let _installed = install(Rc::new(Ports::default()));
    let registers = Registers::ports(0xfff8, 100);
    assert_eq!(registers.size(), 8);
    registers.write32(4, 5);
    assert_eq!((registers.read32(4), registers.read32(8)), (5, u32::MAX));
    assert_eq!(registers.part(8, 0).map(|part| part.read8(0)), Some(u8::MAX));
}
