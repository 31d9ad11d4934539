//! Devices as they describe themselves: whatever stands in the configuration space, what dm finds there can be, it is found in
//! bounded time, and nothing but the space itself is accessed.

use dm::bars::Bar;
use dm::configuration::{Configuration, Place};
use dm::device::{Device, Interrupt, Message};
use dm::enumerate::{Kind, enumerate};
use dm::slot::rights;

/// Most devices that are looked for, and accesses that this may take: for each function of 256 buses an ID, and for each
/// found one four words more, twice.
const MOST: usize = 256;
const MOST_ACCESSES: usize = 256 * 32 * 8 * 3;

/// The bytes as configuration spaces, again and again; the first byte is the distance from each to the next. What is written
/// stays, but for the bits that another byte forbids.
struct Bytes<'a> {
    bytes: &'a [u8],
    step: usize,
    written: Vec<(Place, u16, u32)>,
    accesses: usize,
}

impl Bytes<'_> {
    fn word(&self, place: Place, offset: u16) -> u32 {
        let start = usize::from(place.0) * self.step + usize::from(offset);
        // Behind the end there is nothing.
        let byte = |index: usize| self.bytes.get(start + index).copied().unwrap_or(0xff);
        u32::from_le_bytes([byte(0), byte(1), byte(2), byte(3)])
    }
}

impl Configuration for Bytes<'_> {
    fn size(&self) -> u16 {
        256
    }

    fn read(&mut self, place: Place, offset: u16) -> u32 {
        assert!(offset < 256 && offset.is_multiple_of(4), "{place} is read at {offset:#x}");
        self.accesses += 1;
        let word = self.word(place, offset);
        let written = self.written.iter().rev().find(|(at, other, _)| (*at, *other) == (place, offset));
        written.map_or(word, |(.., value)| {
            let fixed = self.word(place, offset ^ 0x80);
            value & !fixed | word & fixed
        })
    }

    fn write(&mut self, place: Place, offset: u16, value: u32) {
        assert!(offset < 256 && offset.is_multiple_of(4), "{place} is written at {offset:#x}");
        self.accesses += 1;
        self.written.retain(|(at, other, _)| (*at, *other) != (place, offset));
        self.written.push((place, offset, value));
    }
}

/// Enumerates the devices in the bytes, and switches each off and on.
pub fn run(data: &[u8]) {
    let Some((step, bytes)) = data.split_first() else { return };
    let mut space = Bytes { bytes, step: usize::from(*step), written: Vec::new(), accesses: 0 };
    let (functions, more) = enumerate(&mut space, MOST);
    assert!(functions.len() <= MOST && (!more || functions.len() == MOST));
    assert!(functions.windows(2).all(|pair| pair[0].place < pair[1].place), "each once, in order");
    assert!(space.accesses <= MOST_ACCESSES && space.written.is_empty(), "{} accesses", space.accesses);
    for function in functions.iter().filter(|function| function.kind == Kind::Ordinary).take(8) {
        space.accesses = 0;
        let device = Device::examine(&mut space, function);
        for bar in device.bars {
            let (start, size) = (bar.address() & !1, bar.size());
            assert!(
                size == 0 || size.is_power_of_two() && start.is_multiple_of(size) && start != 0,
                "{bar:?}"
            );
            assert!(!matches!(bar, Bar::Ports { .. }) || start + size <= 1 << 16, "{bar:?}");
        }
        let message = Message { irq: 48, address: 0xfee0_0000, data: 0x40 };
        let interrupt = device.interrupt(Some(message));
        if let Interrupt::Msix(msix, _) = interrupt {
            let end = u64::from(msix.table) + 16 * u64::from(msix.vectors);
            assert!(end <= device.bars[usize::from(msix.bar)].size(), "{msix:?}");
        }
        device.switch_on(&mut space, interrupt);
        device.switch_off(&mut space);
        assert!(space.accesses < 300, "{} accesses", space.accesses);
        if let Ok(rights) = rights(&device.bars, interrupt) {
            let ranges = [rights.irqs, rights.ports, rights.mmio];
            assert!(ranges.as_flattened().chunks(2).all(|pair| pair[0] <= pair[1]), "{rights:?}");
        }
    }
}
