//! What is found in the configuration space, right or wrong, and how devices are switched off and on.

mod support;

use dm::bars::{self, Bar};
use dm::capabilities::{self, Messages, Msi, Msix};
use dm::configuration::{Place, header};
use dm::device::{Device, Interrupt, Message};
use dm::enumerate::enumerate;
use dm::slot::{Ungivable, rights};
use proptest::prelude::*;
use support::{Function, Hostile, Space, at};

const PLACE: Place = Place::new(0, 3, 0);
const MESSAGE: Message = Message { irq: 48, address: 0xfee0_1000, data: 0x51 };
const OFF: u32 = header::INTERRUPT_DISABLE;
const ON: u32 = header::IO | header::MEMORY | header::BUS_MASTER;

fn places(space: &mut Space, most: usize) -> (Vec<String>, bool) {
    let (functions, more) = enumerate(space, most);
    (functions.iter().map(|function| function.place.to_string()).collect(), more)
}

#[test]
fn functions_are_found_behind_bridges_too() {
    let device = Function::new(0x1af4, 0x1000);
    let mut space = Space::default()
        .with(Place::new(0, 0, 0), &Function::new(0x8086, 0x1237))
        .with(Place::new(0, 2, 0), &device.clone().several())
        .with(Place::new(0, 2, 5), &device)
        .with(Place::new(0, 3, 0), &device)
        .with(Place::new(0, 3, 1), &device)
        .with(Place::new(0, 31, 0), &Function::bridge(7))
        .with(Place::new(7, 1, 0), &Function::bridge(200))
        .with(Place::new(200, 31, 0), &device)
        .with(Place::new(9, 0, 0), &device);
    let all = ["00:00.0", "00:02.0", "00:02.5", "00:03.0", "00:1f.0", "07:01.0", "c8:1f.0"];
    assert_eq!(places(&mut space, 256), (all.map(String::from).to_vec(), false));
    assert!(!places(&mut space, 7).1);
    assert_eq!(places(&mut space, 6).0, all[..6]);
    assert!(places(&mut space, 6).1, "there is one more");
    assert!(space.writes.is_empty(), "looking changes nothing");
}

#[test]
fn bridges_that_lead_back_are_not_followed() {
    let mut space = Space::default()
        .with(Place::new(0, 1, 0), &Function::bridge(0))
        .with(Place::new(0, 2, 0), &Function::bridge(1))
        .with(Place::new(1, 0, 0), &Function::bridge(1))
        .with(Place::new(1, 1, 0), &Function::bridge(0));
    assert_eq!(places(&mut space, 256).0, ["00:01.0", "00:02.0", "01:00.0", "01:01.0"]);
}

#[test]
fn a_machine_full_of_functions_is_bounded() {
    let mut full = Space::default().with(Place::new(1, 0, 0), &Function::new(1, 2));
    for number in 0..=255 {
        full = full.with(Place(number), &Function::bridge(1).several());
    }
    let (functions, more) = enumerate(&mut full, 256);
    assert!(functions.len() == 256 && more);
    for seed in 0..100 {
        let mut hostile = Hostile::new(seed);
        let (functions, _) = enumerate(&mut hostile, 256);
        assert!(functions.len() <= 256 && hostile.accesses < 20_000, "{} accesses", hostile.accesses);
    }
    assert_eq!(places(&mut Space::default(), 256), (vec![], false), "an empty machine has none");
}

#[test]
fn ranges_are_measured_and_left_as_they_were() {
    let mut function = Function::new(1, 2);
    function.ports(0, 0xc000, 32).memory(1, 0xfebd_0000, 4096).wide(2, 0x80_0000_0000, 1 << 34);
    function.memory(4, 0xfe00_0000, 1 << 20).set(header::COMMAND, 0xf900_0107);
    let mut space = Space::default().with(PLACE, &function);
    let bars = bars::read(&mut space, PLACE);
    assert_eq!(bars[0], Bar::Ports { first: 0xc000, size: 32 });
    assert_eq!(bars[1], Bar::Memory { address: 0xfebd_0000, size: 4096 });
    assert_eq!(bars[2], Bar::Memory { address: 0x80_0000_0000, size: 1 << 34 });
    assert_eq!(bars[3], Bar::None, "the upper half of the one before");
    assert_eq!(bars[4], Bar::Memory { address: 0xfe00_0000, size: 1 << 20 });
    assert_eq!(bars[5], Bar::None);
    assert_eq!(space.functions[&PLACE.0].words, function.words, "also the status register, where ones clear");
    let (place, offset, value) = space.writes[0];
    assert_eq!((place, offset, value & 3), (PLACE, header::COMMAND, 0), "it does not answer meanwhile");
    assert_eq!(space.writes.last(), Some(&(PLACE, header::COMMAND, 0x0107)));
}

#[test]
fn ranges_that_cannot_be_are_none() {
    let wrong = |change: fn(&mut Function)| {
        let mut function = Function::new(1, 2);
        change(&mut function);
        bars::read(&mut Space::default().with(PLACE, &function), PLACE)
    };
    let none = [Bar::None; 6];
    assert_eq!(
        wrong(|function| {
            function.memory(0, 0, 4096);
        }),
        none,
        "firmware gave it no address"
    );
    assert_eq!(
        wrong(|function| {
            function.memory(0, 0xfeb0_0006, 4096);
        }),
        none,
        "a reserved kind"
    );
    assert_eq!(
        wrong(|function| {
            function.wide(0, 1 << 60, 4096);
        }),
        none,
        "no such address"
    );
    let last = |function: &mut Function| {
        function.set(header::BARS + 20, 0xfeb0_0004).writable(header::BARS + 20, 0xffff_f000);
    };
    assert_eq!(wrong(last), none, "the upper half of the last one");
}

fn with_messages() -> Function {
    let mut function = Function::new(0x1af4, 0x1041);
    function.memory(1, 0xfebd_0000, 4096).memory(4, 0xfe00_0000, 16384);
    function.capability(0x05, 0x50, 0x0180).capability(0x11, 0x98, 2).capability(0x09, 0x40, 0);
    function.set(0x98 + 4, 0x801).set(header::INTERRUPT, 11);
    for offset in (0x50..0x68).step_by(4) {
        function.writable(offset, if offset == 0x50 { 0x0071_0000 } else { !0 });
    }
    function.writable(0x98, 0xc000_0000);
    function
}

#[test]
fn capabilities_are_found() {
    let mut space = Space::default().with(PLACE, &with_messages());
    assert_eq!(capabilities::all(&mut space, PLACE), [(9, 0x40), (0x11, 0x98), (5, 0x50)]);
    let bars = bars::read(&mut space, PLACE);
    let messages = capabilities::messages(&mut space, PLACE, &bars);
    let msix = Msix { offset: 0x98, vectors: 3, bar: 1, table: 0x800 };
    assert_eq!(
        messages,
        Messages { msi: Some(Msi { offset: 0x50, wide: true, mask: true }), msix: Some(msix) }
    );
}

#[test]
fn capabilities_that_lie_are_not_believed() {
    let all = |change: fn(&mut Function)| {
        let mut function = Function::new(1, 2);
        function.capability(9, 0x40, 0).capability(5, 0xf8, 0x0080).capability(0x11, 0x60, 0x7ff);
        change(&mut function);
        let mut space = Space::default().with(PLACE, &function);
        let bars = [Bar::Memory { address: 0x1000, size: 0x7fff }; 6];
        (capabilities::all(&mut space, PLACE).len(), capabilities::messages(&mut space, PLACE, &bars))
    };
    let none = Messages::default();
    assert_eq!(all(|_| {}), (3, none), "both reach past their ends");
    assert_eq!(
        all(|function| {
            function.set(0x40, 0x6009);
        }),
        (3, none),
        "a circle"
    );
    assert_eq!(
        all(|function| {
            function.set(0x40, 0x4009);
        }),
        (3, none),
        "a small circle"
    );
    assert_eq!(
        all(|function| {
            function.set(0x40, 0x3c09);
        }),
        (3, none),
        "out of its place"
    );
    assert_eq!(
        all(|function| {
            function.set(header::COMMAND, 0);
        }),
        (0, none),
        "there are none"
    );
    let other_bar = |function: &mut Function| {
        function.set(0x60, 0x0000_0011).set(0x64, 7);
    };
    assert_eq!(all(other_bar), (1, none), "a register that no device has");
}

#[test]
fn msix_is_switched_on_before_msi_and_both_off() {
    let mut space = Space::default().with(PLACE, &with_messages());
    let device = Device::examine(&mut space, &at(PLACE, 11));
    let interrupt = device.interrupt(Some(MESSAGE));
    assert!(matches!(interrupt, Interrupt::Msix(Msix { vectors: 3, .. }, MESSAGE)));
    device.switch_on(&mut space, interrupt);
    let get = |space: &Space, offset| space.functions[&PLACE.0].get(offset);
    assert_eq!(space.command(PLACE), ON | OFF, "not by its line");
    assert_eq!(get(&space, 0x98) >> 30, 2, "enabled, not masked");
    space.writes.clear();
    device.switch_off(&mut space);
    assert_eq!(space.writes[0].1, header::COMMAND, "first of all its accesses to memory");
    assert_eq!(space.command(PLACE) & (header::BUS_MASTER | OFF), OFF);
    assert_eq!(get(&space, 0x98) >> 30, 1, "masked, not enabled");
}

#[test]
fn msi_gets_the_message() {
    let mut function = with_messages();
    function.set(header::CAPABILITIES, 0x50).set(0x50, 0x01f1_0005).set(0x5c, 0xffff_ffff).set(0x60, 0xff);
    let mut space = Space::default().with(PLACE, &function);
    let device = Device::examine(&mut space, &at(PLACE, 11));
    let get = |space: &Space, offset| space.functions[&PLACE.0].get(offset);
    assert_eq!(get(&space, 0x50) >> 16 & 1, 0, "it was left enabled, and is no more");
    let message = Message { irq: 50, address: 0x1_fee0_1000, data: 0x52 };
    let interrupt = device.interrupt(Some(message));
    assert!(interrupt.is_message() && interrupt.irq() == 50);
    device.switch_on(&mut space, interrupt);
    assert_eq!([0x54, 0x58, 0x5c, 0x60].map(|offset| get(&space, offset)), [0xfee0_1000, 1, 0xffff_0052, 0]);
    assert_eq!(get(&space, 0x50) >> 16, 0x0181, "one message");
    assert_eq!(space.command(PLACE), ON | OFF);

    function.set(0x50, 0x0001_0005);
    let mut space = Space::default().with(PLACE, &function);
    let narrow = Device::examine(&mut space, &at(PLACE, 11));
    assert_eq!(narrow.interrupt(Some(message)), Interrupt::Line(11), "its address has 32 bits");
    narrow.switch_on(&mut space, narrow.interrupt(Some(MESSAGE)));
    assert_eq!([0x54, 0x58].map(|offset| get(&space, offset)), [0xfee0_1000, 0x51]);
}

#[test]
fn without_messages_there_is_the_line() {
    let mut space = Space::default().with(PLACE, &Function::new(1, 2));
    let device = Device::examine(&mut space, &at(PLACE, 11));
    assert_eq!(space.command(PLACE), OFF);
    device.switch_on(&mut space, device.interrupt(Some(MESSAGE)));
    assert_eq!(space.command(PLACE), ON, "it may raise its line");
    for line in [0, 32, 48, 255] {
        assert_eq!(Device::examine(&mut space, &at(PLACE, line)).interrupt(None), Interrupt::None, "{line}");
    }
}

#[test]
fn rights_are_to_the_device_and_nothing_else() {
    let mut bars = [Bar::None; 6];
    bars[0] = Bar::Ports { first: 0xc000, size: 32 };
    bars[2] = Bar::Memory { address: 0xfebd_0000, size: 0x20 };
    bars[4] = Bar::Memory { address: 1 << 40, size: 1 << 14 };
    let given = rights(&bars, Interrupt::Line(11)).unwrap();
    assert_eq!(given.irqs, [11, 12, 0, 0, 0, 0, 0, 0]);
    assert_eq!(given.ports, [0xc000, 0xc020, 0, 0, 0, 0, 0, 0]);
    assert_eq!(given.mmio, [0xfebd_0000, 0xfebd_1000, 1 << 40, (1 << 40) + (1 << 14), 0, 0, 0, 0]);
    assert_eq!(rights(&bars, Interrupt::None).unwrap().irqs, [0; 8]);
    bars[2] = Bar::Memory { address: 0xfebd_0020, size: 0x20 };
    assert_eq!(rights(&bars, Interrupt::None), Err(Ungivable::SharesPage));
    bars[2] = Bar::Ports { first: 0xcf8, size: 8 };
    assert_eq!(rights(&bars, Interrupt::None), Err(Ungivable::LowPorts));
    let many = [Bar::Memory { address: 0x1000, size: 0x1000 }; 6];
    assert_eq!(rights(&many, Interrupt::None), Err(Ungivable::TooMany));
}

#[test]
fn nothing_is_given_to_two() {
    let of = |port, memory, line| {
        let mut bars = [Bar::None; 6];
        bars[1] = Bar::Ports { first: port, size: 32 };
        bars[3] = Bar::Memory { address: memory, size: 0x2000 };
        rights(&bars, if line == 0 { Interrupt::None } else { Interrupt::Line(line) }).unwrap()
    };
    let first = of(0xc020, 0xfebd_2000, 11);
    for (other, expected) in [
        (of(0xc000, 0xfebd_0000, 10), None),
        (of(0xc040, 0xfebd_4000, 0), None),
        (of(0xc040, 0xfebd_4000, 11), Some(Ungivable::SameLine)),
        (of(0xc020, 0xfebd_4000, 10), Some(Ungivable::Overlaps)),
        (of(0xc040, 0xfebd_3000, 10), Some(Ungivable::Overlaps)),
        (of(0xc010, 0xfebd_4000, 10), Some(Ungivable::Overlaps)),
    ] {
        assert_eq!(other.besides(&first).err(), expected);
        assert_eq!(first.besides(&other).err(), expected);
    }
    assert_eq!(
        of(0xc040, 0xfebd_4000, 0).besides(&of(0xc000, 0xfebd_0000, 0)).err(),
        None,
        "both without lines"
    );
}

proptest! {
    /// Whatever a device says, what is found can be, and finding it comes to an end.
    #[test]
    fn hostile_devices_are_examined(seed: u64) {
        let mut space = Hostile::new(seed);
        let device = Device::examine(&mut space, &at(PLACE, seed as u8));
        prop_assert!(space.accesses < 200, "{} accesses", space.accesses);
        for bar in device.bars {
            let (start, size) = (bar.address() & !1, bar.size());
            prop_assert!(size == 0 || size.is_power_of_two() && start % size == 0 && start + size <= 1 << 52);
        }
        let interrupt = device.interrupt(Some(MESSAGE));
        match interrupt {
            Interrupt::Msix(msix, _) => {
                let end = u64::from(msix.table) + 16 * u64::from(msix.vectors);
                prop_assert!(end <= device.bars[usize::from(msix.bar)].size());
            }
            Interrupt::Line(line) => prop_assert!((1..32).contains(&line)),
            Interrupt::Msi(..) | Interrupt::Ide | Interrupt::None => {}
        }
        device.switch_on(&mut space, interrupt);
        device.switch_off(&mut space);
        let _ = rights(&device.bars, interrupt);
    }

    /// A range is measured whatever its size is.
    #[test]
    fn every_size_is_measured(shift in 4_u32..40, multiple in 1_u64..1000) {
        let (size, address) = (1_u64 << shift, multiple << shift);
        let mut function = Function::new(1, 2);
        function.wide(1, address, size);
        let bars = bars::read(&mut Space::default().with(PLACE, &function), PLACE);
        prop_assert_eq!(bars[1], Bar::Memory { address, size });
    }
}

#[test]
fn an_ide_controller_in_compatibility_mode_is_where_the_first_pcs_had_it() {
    let mut function = Function::new(0x8086, 0x7010);
    function.ports(4, 0xc040, 16);
    let mut space = Space::default().with(PLACE, &function);
    let controller = |class| dm::enumerate::Function { class, ..at(PLACE, 0) };
    let device = Device::examine(&mut space, &controller(0x01_01_80));
    let rights = rights(&device.bars, device.interrupt(None)).unwrap();
    assert_eq!(rights.irqs[..4], [14, 16, 0, 0]);
    assert_eq!(rights.ports, [0x1f0, 0x1f8, 0x3f4, 0x3f8, 0x170, 0x178, 0x374, 0x378]);
    // One in native mode, or another device, has what its registers say.
    for class in [0x01_01_85, 0x01_06_01] {
        let device = Device::examine(&mut space, &controller(class));
        assert_eq!((device.bars[0], device.interrupt(None)), (Bar::None, Interrupt::None));
        assert_eq!(device.bars[4], Bar::Ports { first: 0xc040, size: 16 });
    }
}
