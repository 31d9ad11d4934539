//! Tests of page tables on a model of memory.

use super::*;
use core::sync::atomic::AtomicU8;
use std::collections::BTreeMap;
use std::vec::Vec;

/// Frames of memory from physical address 0.
pub(crate) struct Model(Vec<u64>);

impl Model {
    pub(crate) fn new(frames: usize) -> Self {
        Self(std::vec![0; frames * 512])
    }
}

impl Memory for Model {
    fn entry(&self, address: u64) -> u64 {
        self.0[address as usize / 8]
    }

    fn set_entry(&mut self, address: u64, value: u64) {
        self.0[address as usize / 8] = value;
    }

    fn clear(&mut self, frame: u64) {
        let start = frame as usize / 8;
        self.0[start..start + 512].fill(0);
    }
}

const LIMITS: Limits = Limits {
    no_execute: NO_EXECUTE,
    physical_end: 1 << 40,
    reserved: [Range { start: 0xfee0_0000, end: 0xfee0_1000 }; MAX_RESERVED],
};
const ROOT: u64 = PAGE;
const FRAMES: usize = 64;

struct Space {
    memory: Model,
    states: Vec<AtomicU8>,
}

impl Space {
    fn new() -> Self {
        let mut bytes = [0; FRAMES];
        crate::frames::mark(&mut bytes, 0, PAGE, Use::Kernel);
        let space = Self { memory: Model::new(FRAMES), states: bytes.map(AtomicU8::new).into() };
        space.frames().take_table(ROOT).unwrap();
        space
    }

    fn frames(&self) -> Frames<'_> {
        Frames::new(&self.states)
    }

    fn map_with(&mut self, mapping: &Mapping<'_>) -> Result<usize, Error> {
        map(&mut self.memory, Frames::new(&self.states), &LIMITS, ROOT, mapping)
    }

    fn map(&mut self, address: u64, frame: u64, flags: MapFlags, table: u64) -> Result<usize, Error> {
        self.map_with(&Mapping { address, frame: frame * PAGE, flags, table: table * PAGE, mmio: &[] })
    }

    fn unmap(&mut self, address: u64) -> Result<u64, Error> {
        unmap(&mut self.memory, Frames::new(&self.states), ROOT, address)
    }

    fn leaf(&self, address: u64) -> u64 {
        leaf(&self.memory, ROOT, address)
    }

    fn reclaim(&mut self) -> usize {
        let (mut cursor, mut steps) = (0, 0);
        while cursor < USER_END {
            cursor = reclaim(&mut self.memory, Frames::new(&self.states), ROOT, cursor);
            steps += 1;
        }
        steps
    }
}

#[test]
fn a_page_is_mapped_with_three_tables_and_its_permissions() {
    let mut space = Space::new();
    let at = 0x20_0000;
    assert_eq!(space.map(at, 9, MapFlags::WRITE, 0), Err(Error::NeedsTable));
    assert_eq!(space.map(at, 9, MapFlags::WRITE, 2), Ok(TABLE_USED));
    assert_eq!(space.map(at, 9, MapFlags::WRITE, 3), Ok(TABLE_USED));
    assert_eq!(space.map(at, 9, MapFlags::WRITE, 4), Ok(TABLE_USED | MAPPED));
    assert_eq!(space.map(at, 9, MapFlags::READ, 0), Err(Error::AlreadyExists));
    assert_eq!(space.map(at + PAGE, 9, MapFlags::EXECUTE, 5), Ok(MAPPED), "an unneeded table is not used");
    assert_eq!(
        space.leaf(at) & (ADDRESS | WRITABLE | USER | NO_EXECUTE),
        (9 * PAGE) | WRITABLE | USER | NO_EXECUTE
    );
    assert_eq!(space.leaf(at + PAGE) & (ADDRESS | WRITABLE | USER | NO_EXECUTE), (9 * PAGE) | USER);
    assert_eq!(space.frames().usage(9 * PAGE), Use::Mapped(2));
    assert_eq!(space.unmap(at), Ok(9 * PAGE));
    assert_eq!(space.unmap(at), Err(Error::NotFound));
    assert_eq!(space.frames().usage(9 * PAGE), Use::Mapped(1));
}

#[test]
fn bad_arguments_change_nothing() {
    let mut space = Space::new();
    let invalid = Err(Error::InvalidArgument);
    let at = 0x40_0000;
    for address in [1, USER_END, 1 << 47, u64::MAX - 4095, 0xffff_8000_0000_0000] {
        assert_eq!(space.map(address, 9, MapFlags::READ, 2), invalid, "{address:#x}");
        assert_eq!(space.unmap(address), Err(Error::InvalidArgument), "{address:#x}");
        assert_eq!(space.leaf(address & !4095), 0);
    }
    let mapping = Mapping { address: at, frame: 9 * PAGE + 1, flags: MapFlags::READ, table: 0, mmio: &[] };
    assert_eq!(space.map_with(&mapping), invalid);
    assert_eq!(space.map_with(&Mapping { frame: 9 * PAGE, table: 1, ..mapping }), invalid);
    assert_eq!(space.map_with(&Mapping { frame: 1 << 40, ..mapping }), invalid);
    for frame in [0, 1] {
        assert_eq!(space.map(at, frame, MapFlags::READ, 2), Err(Error::PageInUse), "kernel and table");
        assert_eq!(space.map(at, 9, MapFlags::READ, frame.max(1)), Err(Error::PageInUse));
    }
    assert_eq!(space.map(at, 9, MapFlags::READ, 9), Err(Error::PageInUse), "the page itself as table");
    assert_eq!(space.frames().usage(9 * PAGE), Use::Mapped(0));
    assert!((0..512).all(|index| space.memory.entry(ROOT + index * 8) == 0));
}

#[test]
fn devices_need_the_right_and_are_marked() {
    let mut space = Space::new();
    let device = 0xfeb0_0000;
    let all = [Range { start: 0, end: u64::MAX }];
    let mapping =
        Mapping { address: 0x20_0000, frame: device, flags: MapFlags::WRITE, table: 2 * PAGE, mmio: &[] };
    assert_eq!(space.map_with(&mapping), Err(Error::NotPermitted));
    let part = [Range { start: device + 1, end: device + PAGE }];
    assert_eq!(space.map_with(&Mapping { mmio: &part, ..mapping }), Err(Error::NotPermitted));
    let own = Mapping { frame: 0xfee0_0000, mmio: &all, ..mapping };
    assert_eq!(space.map_with(&own), Err(Error::PageInUse), "the interrupt controller");
    for table in 2..5 {
        space.map_with(&Mapping { mmio: &all, table: table * PAGE, ..mapping }).unwrap();
    }
    let entry = space.leaf(0x20_0000);
    assert_eq!(entry & (ADDRESS | UNCACHED | DEVICE), device | UNCACHED | DEVICE);
    assert_eq!(space.unmap(0x20_0000), Ok(device));
}

#[test]
fn reclaiming_gives_everything_back_in_bounded_steps() {
    let mut space = Space::new();
    let mut table = 2;
    for (address, frame) in
        [(0x1000, 40), (0x20_0000, 41), (0x40_0000_0000, 42), (USER_END - PAGE, 43), (0x2000, 40)]
    {
        while space.map(address, frame, MapFlags::WRITE, table).unwrap() & MAPPED == 0 {
            table += 1;
        }
        table += 1;
    }
    let steps = space.reclaim();
    assert!((4..12).contains(&steps), "{steps}");
    for frame in 2..FRAMES as u64 {
        assert_eq!(space.frames().usage(frame * PAGE), Use::Mapped(0), "frame {frame}");
    }
    assert_eq!(space.frames().usage(ROOT), Use::Table, "the root is the caller's");
    assert!((0..256).all(|index| space.memory.entry(ROOT + index * 8) == 0));
}

#[test]
fn random_calls_keep_counts_and_tables_right() {
    let mut seed = 99u64;
    let mut random = |limit: u64| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) % limit
    };
    let addresses = [0x1000, 0x2000, 0x20_0000, 0x4000_0000, 0x4000_1000, 1 << 40, USER_END - PAGE];
    for _ in 0..50 {
        let mut space = Space::new();
        let mut model: BTreeMap<u64, u64> = BTreeMap::new();
        for _ in 0..200 {
            let address = addresses[random(addresses.len() as u64) as usize];
            if random(3) == 0 {
                let expected = model.remove(&address).ok_or(Error::NotFound);
                assert_eq!(space.unmap(address), expected.map(|frame| frame * PAGE));
            } else {
                let (frame, table) = (random(FRAMES as u64), random(FRAMES as u64));
                if space.map(address, frame, MapFlags::WRITE, table).is_ok_and(|bits| bits & MAPPED != 0) {
                    assert_eq!(model.insert(address, frame), None);
                }
            }
            let mut counts = [0u8; FRAMES];
            model.values().for_each(|&frame| counts[frame as usize] += 1);
            for (frame, &count) in counts.iter().enumerate() {
                let usage = space.frames().usage(frame as u64 * PAGE);
                assert!(
                    usage == Use::Mapped(count) || count == 0 && matches!(usage, Use::Table | Use::Kernel)
                );
            }
            for &address in &addresses {
                let expected = model.get(&address).map_or(0, |&frame| frame * PAGE);
                assert_eq!(space.leaf(address) & ADDRESS, expected);
            }
        }
        space.reclaim();
        let used = (2..FRAMES as u64).filter(|&frame| space.frames().usage(frame * PAGE) != Use::Mapped(0));
        assert_eq!(used.count(), 0);
    }
}
