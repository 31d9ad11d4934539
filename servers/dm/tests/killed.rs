//! A manager that is killed while it examines a device leaves nothing that the next one does not put right.

mod support;

use dm::bars::Bar;
use dm::configuration::{Configuration, Place};
use dm::device::Device;
use dm::note::Noted;
use ipc::Region;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use support::{Function, Space, at};

const PLACE: Place = Place::new(1, 30, 7);

/// A configuration space whose user is killed in place of a write.
struct Mortal<'a> {
    space: &'a mut Space,
    writes: usize,
}

impl Configuration for Mortal<'_> {
    fn size(&self) -> u16 {
        self.space.size()
    }

    fn read(&mut self, place: Place, offset: u16) -> u32 {
        self.space.read(place, offset)
    }

    fn write(&mut self, place: Place, offset: u16, value: u32) {
        match self.writes.checked_sub(1) {
            Some(left) => self.writes = left,
            None => resume_unwind(Box::new("killed")),
        }
        self.space.write(place, offset, value);
    }
}

#[test]
fn a_device_is_found_again_whenever_the_manager_was_killed() {
    let mut function = Function::new(1, 2);
    function.ports(0, 0xc000, 32).memory(1, 0xfebd_0000, 4096).wide(2, 0x80_1234_0000, 1 << 16);
    let expected = [
        Bar::Ports { first: 0xc000, size: 32 },
        Bar::Memory { address: 0xfebd_0000, size: 4096 },
        Bar::Memory { address: 0x80_1234_0000, size: 1 << 16 },
        Bar::None,
        Bar::None,
        Bar::None,
    ];
    let mut killed = 0;
    loop {
        let (mut space, note) = (Space::default().with(PLACE, &function), Region::leak(4096));
        let mut examine = |writes| {
            let mortal = Mortal { space: &mut space, writes };
            catch_unwind(AssertUnwindSafe(|| {
                Device::examine(&mut Noted::new(mortal, Some(note)), &at(PLACE, 11)).bars
            }))
        };
        let first = examine(killed);
        assert_eq!(examine(usize::MAX).unwrap(), expected, "after {killed} writes");
        assert_eq!(note.load(0), Ok(0), "it is not put right twice");
        if first.is_ok() {
            break;
        }
        killed += 1;
    }
    assert!(killed > 10, "{killed} writes");
}
