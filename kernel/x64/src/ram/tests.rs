//! Tests: boot files in every place where a loader may put them.

use super::*;
use crate::frames::Frames;
use abi::Error;
use core::sync::atomic::AtomicU8;
use std::vec;
use std::vec::Vec;

const KERNEL: (u64, u64) = (0x10_0000, 0x12_3456);
const DEVICE: Range = Range { start: 0xfec0_0000, end: 0xfec0_1000 };
const LIMIT: u64 = 1 << 32;
/// The end of RAM on a machine with 4 MiB, and from where on the firmware has reserved it.
const END: u64 = 0x40_0000;
const RESERVED: u64 = 0x3f_d000;

fn usable() -> Regions<MOST_REGIONS> {
    let mut usable = Regions::new();
    usable.add(0, 0x9_f000);
    usable.add(0x10_0000, RESERVED);
    usable
}

fn place(start: u64, length: u64) -> Result<Ram, Misplaced> {
    Ram::new(usable(), Region { start, length }, KERNEL, &[DEVICE, Range::default()], LIMIT)
}

/// What each frame is used for.
fn uses(ram: &Ram) -> Vec<AtomicU8> {
    let mut states = vec![0; ram.frames() as usize];
    ram.mark(&mut states);
    states.into_iter().map(AtomicU8::new).collect()
}

#[test]
fn boot_files_are_ram_wherever_they_lie() {
    for (start, length) in [
        (0x20_0000, 0x1_2345),       // in usable memory
        (RESERVED - 0x2000, 0x2000), // up to what is reserved
        (RESERVED - 0x1000, 0x1001), // the last byte is reserved
        (RESERVED - 0x2000, 0x4000), // half of it is
        (RESERVED, 0x2fff),          // all of it is
        (RESERVED + 0x1000, 0x1000), // with reserved pages on both sides
        (END + 0x5000, 0x3000),      // past the end of the firmware's map
        (0x9_e000, 0x3000),          // over the hole below 1 MiB
        (LIMIT - 0x4000, 0x4000),    // as high as can be
    ] {
        let ram = place(start, length).unwrap();
        let (first, end) = (start, start + length.next_multiple_of(PAGE));
        assert_eq!(ram.bootfs_pages(), (first, end));
        let (states, known) = (uses(&ram), usable());
        let frames = Frames::new(&states);
        for page in (0..ram.frames() * PAGE + 0x1000).step_by(PAGE as usize) {
            let expected = match page {
                _ if (first..end).contains(&page) => Use::BootFiles,
                _ if !known.contains(page) => Use::Device,
                _ if page < LOW_MEMORY || page < KERNEL.1 => Use::Kernel,
                _ => Use::Mapped(0),
            };
            assert_eq!(frames.usage(page), expected, "{page:#x} with boot files at {start:#x}");
            assert_eq!(ram.all.contains(page), expected != Use::Device, "{page:#x}");
            assert_eq!(ram.free.contains(page), expected == Use::Mapped(0), "{page:#x}");
        }
        assert_eq!(frames.share(end - PAGE, false), Ok(()));
        assert_eq!(frames.share(end - PAGE, true), Err(Error::PageInUse));
    }
}

#[test]
fn boot_files_that_cannot_stay_are_refused() {
    for (start, length, expected) in [
        (0x20_0800, 0x1000, Misplaced::Unaligned),
        (LIMIT - 0x1000, 0x1001, Misplaced::TooHigh),
        (LIMIT, 0x1000, Misplaced::TooHigh),
        (0x20_0000, u64::MAX, Misplaced::TooHigh),
        (!0xfff, 0x1000, Misplaced::TooHigh),
        (0xf_f000, 0x1001, Misplaced::OverKernel),
        (0x12_3000, 0x1000, Misplaced::OverKernel),
        (0x8_0000, 0x20_0000, Misplaced::OverKernel),
        (0x11_0000, 1, Misplaced::OverKernel),
        (DEVICE.start - 0x1000, 0x1001, Misplaced::OverDevice),
        (DEVICE.start, 1, Misplaced::OverDevice),
    ] {
        assert_eq!(place(start, length).unwrap_err(), expected, "{start:#x} {length:#x}");
    }
    place(0xf_f000, 0x1000).unwrap();
    place(0x12_4000, 0x1000).unwrap();
    place(DEVICE.start - 0x1000, 0x1000).unwrap();
    place(DEVICE.end, 0x1000).unwrap();
}

#[test]
fn interrupt_controllers_are_no_ram_even_if_the_map_says_so() {
    let mut usable = usable();
    usable.add(0xfe00_0000, LIMIT);
    let bootfs = Region { start: 0x20_0000, length: 0x1000 };
    let ram = Ram::new(usable, bootfs, KERNEL, &[DEVICE], LIMIT).unwrap();
    assert!(!ram.all.contains(DEVICE.start) && !ram.free.contains(DEVICE.start));
    assert!(ram.free.contains(DEVICE.start - 1) && ram.free.contains(DEVICE.end));
}

#[test]
fn a_full_list_of_regions_does_not_lose_the_boot_files() {
    let mut usable = Regions::new();
    for number in 0..MOST_REGIONS as u64 {
        usable.add(number * 0x1_0000 + 0x20_0000, number * 0x1_0000 + 0x20_2000);
    }
    let start = 0x8000_0000;
    let ram = Ram::new(usable, Region { start, length: 1 }, KERNEL, &[DEVICE], LIMIT).unwrap();
    assert!(!ram.all.contains(start), "the smallest region has no room in the list");
    assert_eq!(Frames::new(&uses(&ram)).usage(start), Use::BootFiles);
}
