//! The whole device manager on a simulated machine: a device in a mapped configuration space, and drivers that work, fail,
//! hang and are killed.

mod support;

use dm::configuration::{Configuration, Place, header};
use interfaces::dm::{Class, Client, DeviceReply, NAME_MAX, NOTIFY_DEVICES, NOTIFY_HEARTBEAT, State};
use ipc::{Error, Region, TaskId};
use resea::abi::NOTIFY_IRQ;
use sim::{Device, Program, System};
use std::time::Duration;
use support::{Function, Space};

/// The configuration space of one bus, and behind it the registers of the device.
const CONFIGURATION: usize = 0x4000_0000;
const BUS: usize = 1 << 20;
const REGISTERS: usize = CONFIGURATION + BUS;
const PLACE: Place = Place::new(0, 3, 0);
/// In the registers: a write here is an interrupt; the table of messages.
const DOORBELL: usize = 0;
const TABLE: usize = 0x800;

/// A device with one register, whose interrupts are messages of MSI-X, and its configuration space.
struct Machine {
    space: Space,
    registers: [u8; 4096],
    rings: usize,
}

impl Default for Machine {
    fn default() -> Self {
        let mut card = Function::new(0x1234, 0x0001);
        card.memory(1, REGISTERS as u32, 4096).capability(0x11, 0x40, 1).set(0x44, TABLE as u32 | 1);
        card.writable(0x40, 0xc000_0000).set(header::CLASS, 0x0200_0005).set(header::SUBSYSTEM, 0x0077_0000);
        let space =
            Space::default().with(Place::new(0, 0, 0), &Function::new(0x8086, 0x29c0)).with(PLACE, &card);
        Self { space, registers: [0; 4096], rings: 0 }
    }
}

impl Machine {
    fn word(&self, offset: usize) -> u32 {
        u32::from_le_bytes(self.registers[offset..offset + 4].try_into().unwrap())
    }
}

impl Device for Machine {
    fn read(&mut self, offset: usize, buffer: &mut [u8]) {
        if offset >= BUS {
            let offset = offset - BUS;
            return buffer.copy_from_slice(&self.registers[offset..offset + buffer.len()]);
        }
        let (place, offset) = (Place((offset >> 12) as u16), (offset & 0xfff) as u16);
        buffer.copy_from_slice(&if offset < 256 { self.space.read(place, offset) } else { 0 }.to_le_bytes());
    }

    fn write(&mut self, offset: usize, data: &[u8]) {
        if offset >= BUS {
            let offset = offset - BUS;
            self.registers[offset..offset + data.len()].copy_from_slice(data);
            self.rings += usize::from(offset == DOORBELL);
            return;
        }
        let (place, offset) = (Place((offset >> 12) as u16), (offset & 0xfff) as u16);
        let value = u32::from_le_bytes(data.try_into().expect("words are written"));
        if offset == header::COMMAND && value & header::BUS_MASTER != 0 {
            let before = self.space.command(place);
            assert!(before & header::BUS_MASTER == 0, "it is switched on, but was not switched off before");
        }
        self.space.write(place, offset, value);
    }

    fn message(&mut self) -> Option<(u64, u32)> {
        let enabled = self.space.read(PLACE, 0x40) >> 30 == 2 && self.word(TABLE + 12) & 1 == 0;
        let on = enabled && self.space.command(PLACE) & header::BUS_MASTER != 0;
        if self.rings == 0 || !on {
            return None;
        }
        self.rings -= 1;
        Some((u64::from(self.word(TABLE + 4)) << 32 | u64::from(self.word(TABLE)), self.word(TABLE + 8)))
    }
}

const MANIFEST: &str = "uses = [\"dm\"]\ndevices = [\"pci:1234:0001\"]\nclass = \"network\"\ndma = \"64KiB\"";

fn system(driver: fn()) -> System {
    System::new()
        .configuration(CONFIGURATION..CONFIGURATION + BUS)
        .device(CONFIGURATION..REGISTERS + 4096, 5, Machine::default)
        .memory(8 << 20)
        .program(sim::program!(dm::run))
        .program(Program::new("card", MANIFEST, driver))
}

fn manager() -> Client {
    Client::new(resea::lookup("dm").unwrap())
}

/// Claims the device as drivers do.
fn claim() -> Result<(Client, DeviceReply, Region), Error> {
    let manager = Client::new(resea::lookup("dm").map_err(|failed| failed.error)?);
    let device = manager.device()?;
    let bar = device.bars[usize::from(device.table_bar)];
    let mapped = resea::vm().map_device(bar, device.sizes[1] as usize)?;
    let registers = Region::new(mapped, 4096)?;
    for vector in 0..usize::from(device.vectors) {
        let entry = device.table_offset as usize + 16 * vector;
        let words =
            [device.message_address as u32, (device.message_address >> 32) as u32, device.message_data, 0];
        for (index, word) in words.into_iter().enumerate() {
            registers.write_u32(entry + 4 * index, word)?;
        }
    }
    ipc::irq_acquire(device.irq as usize, NOTIFY_IRQ)?;
    Ok((manager, device, registers))
}

/// Works once its device has interrupted it. An error means that the manager was killed.
fn drive() -> Result<(), Error> {
    let (manager, device, registers) = claim()?;
    registers.write_u32(DOORBELL, 1)?;
    let mut answered = false;
    loop {
        let bits = resea::wait();
        if bits & NOTIFY_IRQ != 0 && !answered {
            answered = true;
            ipc::irq_acknowledge(device.irq as usize)?;
            manager.ready()?;
        }
        if bits & NOTIFY_HEARTBEAT as usize != 0 {
            manager.alive()?;
        }
    }
}

/// A driver that works.
fn good() {
    let _ = drive();
}

/// Waits until a driver works, by notifications.
fn working() -> TaskId {
    let manager = manager();
    manager.subscribe(Class::Network).unwrap();
    loop {
        match manager.driver(Class::Network, 0, &mut [0; NAME_MAX]) {
            Ok(driver) => {
                assert_eq!(driver.name, "net0");
                return driver.task;
            }
            Err(error) => assert_eq!(error, Error::NotFound),
        }
        while resea::wait() & NOTIFY_DEVICES as usize == 0 {}
    }
}

/// How the card stands: state and starts.
fn card() -> (State, u32) {
    let device = manager();
    let (mut name, mut driver) = ([0; NAME_MAX], [0; NAME_MAX]);
    let card = device.list(1, &mut name, &mut driver).unwrap();
    (card.state, card.starts)
}

fn until(state: State) {
    while card().0 != state {
        resea::sleep(Duration::from_millis(50));
    }
}

#[test]
fn devices_are_listed_and_drivers_started() {
    let report = system(good).run(|| {
        let task = working();
        assert_eq!(sim::task("card"), Some(task));
        let (manager, mut name, mut driver) = (manager(), [0; NAME_MAX], [0; NAME_MAX]);
        let bridge = manager.list(0, &mut name, &mut driver).unwrap();
        assert_eq!(
            (bridge.place, bridge.vendor, bridge.device, bridge.state),
            (0, 0x8086, 0x29c0, State::NoDriver)
        );
        assert_eq!((bridge.name, bridge.driver, bridge.task), ("", "", 0));
        let card = manager.list(1, &mut name, &mut driver).unwrap();
        assert_eq!(
            (card.place, card.class_code, card.state, card.starts),
            (0x18, 0x02_00_00, State::Running, 1)
        );
        assert_eq!((card.irq, card.messages, card.task), (48, true, task.raw() as u32));
        assert_eq!((card.name, card.driver), ("net0", "card"));
        let mut room = [0; NAME_MAX];
        assert_eq!(manager.list(2, &mut name, &mut room).err(), Some(Error::NotFound));
        assert_eq!(manager.list(1, &mut [0; 3], &mut room).err(), Some(Error::TooLarge));
        assert_eq!(manager.driver(Class::Network, 1, &mut room).err(), Some(Error::NotFound));
        assert_eq!(manager.driver(Class::Block, 0, &mut room).err(), Some(Error::NotFound));
    });
    assert!(
        report.console.contains("dm: net0: card drives pci:1234:0001 at 00:03.0\n"),
        "{}",
        report.console
    );
    assert!(report.panics.is_empty(), "{:?}", report.panics);
}

#[test]
fn a_machine_without_pci_has_no_devices() {
    System::new().program(sim::program!(dm::run)).program(Program::new("card", MANIFEST, good)).run(|| {
        let (mut name, mut driver) = ([0; NAME_MAX], [0; NAME_MAX]);
        assert_eq!(manager().list(0, &mut name, &mut driver).err(), Some(Error::NotFound));
        assert_eq!(sim::task("card"), None);
        assert_eq!(manager().restart("card"), Err(Error::NotFound));
    });
}

#[test]
fn a_driver_has_rights_to_its_device_and_nobody_else() {
    fn driver() {
        let (manager, device, _) = claim().unwrap();
        assert_eq!((device.vendor, device.device, device.subsystem, device.revision), (0x1234, 1, 0x77, 5));
        assert_eq!((device.messages, device.vectors, device.table_bar), (true, 2, 1));
        assert_eq!((device.bars[1], device.sizes[1], device.sizes[0]), (REGISTERS as u64, 4096, 0));
        let words = manager.configuration(0).unwrap();
        assert_eq!((words[0], words[1] & header::BUS_MASTER), (0x0001_1234, header::BUS_MASTER));
        assert_eq!(manager.configuration(4096 - 64).unwrap(), [0; 16]);
        for offset in [2, 4096 - 60, u32::MAX] {
            assert_eq!(manager.configuration(offset), Err(Error::InvalidArgument), "{offset}");
        }
        assert_eq!(resea::vm().map_device(CONFIGURATION as u64, 4096), Err(Error::NotPermitted));
        assert_eq!(ipc::irq_acquire(49, NOTIFY_IRQ), Err(Error::NotPermitted));
        manager.ready().unwrap();
        loop {
            resea::wait();
        }
    }
    let report = system(driver).run(|| {
        working();
        let manager = manager();
        assert_eq!(manager.device().err(), Some(Error::NotPermitted));
        assert_eq!(manager.configuration(0).err(), Some(Error::NotPermitted));
        assert_eq!(manager.memory(0, 4096, true).err(), Some(Error::NotPermitted));
        assert_eq!((manager.ready(), manager.alive()), (Err(Error::NotPermitted), Err(Error::NotPermitted)));
    });
    assert!(report.panics.is_empty(), "{:?}", report.panics);
}

#[test]
fn memory_outlives_the_driver() {
    fn driver() {
        let (manager, ..) = claim().unwrap();
        let open = |index, size, keep| {
            let memory = manager.memory(index, size, keep).unwrap();
            let map = resea::vm().share_map(memory.handle, true).unwrap();
            (Region::new(map.address, map.size).unwrap(), memory.physical)
        };
        let (kept, place) = open(0, 5000, true);
        let (zeroed, _) = open(7, 4096, false);
        assert_eq!((kept.len(), zeroed.load(0)), (8192, Ok(0)));
        // What the driver before has left: where the memory was.
        let before = kept.load(8).unwrap();
        assert!(before == 0 || before == place, "it has moved");
        resea::println!("life {}", kept.load(0).unwrap());
        kept.store(0, kept.load(0).unwrap() + 1).unwrap();
        kept.store(8, place).unwrap();
        zeroed.store(0, 1).unwrap();
        assert_eq!(manager.memory(8, 4096, false).err(), Some(Error::InvalidArgument));
        assert_eq!(manager.memory(1, 0, false).err(), Some(Error::InvalidArgument));
        assert_eq!(manager.memory(0, 4096, false).err(), Some(Error::InvalidArgument), "another size");
        assert_eq!(manager.memory(2, 56 << 10, false).err(), Some(Error::TooLarge), "of what `dma` allows");
        assert!(manager.memory(1, 52 << 10, false).is_ok(), "all the rest");
        manager.ready().unwrap();
        loop {
            resea::wait();
        }
    }
    let report = system(driver).run(|| {
        for victim in ["card", "dm", "card"] {
            working();
            sim::kill(victim).unwrap();
        }
        working();
    });
    for life in 0..4 {
        assert!(report.console.contains(&format!("life {life}\n")), "{}", report.console);
    }
    assert!(report.panics.is_empty(), "{:?}", report.panics);
}

#[test]
fn a_driver_that_was_killed_starts_at_once_every_time() {
    system(good).run(|| {
        for starts in 1..20 {
            let task = working();
            assert_eq!(card(), (State::Running, starts));
            let killed = ipc::clock();
            sim::kill("card").unwrap();
            assert_ne!(working(), task);
            assert!(ipc::clock() - killed < 1_000_000, "it took {} ns", ipc::clock() - killed);
        }
    });
}

#[test]
fn a_driver_that_ends_again_and_again_is_parked() {
    let report = system(|| panic!("no")).run(|| {
        until(State::Parked);
        assert_eq!(card().1, 6);
        resea::sleep(Duration::from_secs(60));
        assert_eq!(card(), (State::Parked, 6), "for good");
        assert_eq!(manager().restart("net1"), Err(Error::NotFound));
        assert_eq!(manager().restart("net0"), Ok(()));
        until(State::Parked);
        assert_eq!(card().1, 12, "as a new one");
    });
    let line = "dm: warning: net0: its driver card panicked, the 6th quick end in a row: it is parked; `restart net0` \
                starts it again\n";
    assert_eq!(report.console.matches(line).count(), 2, "{}", report.console);
    assert!(report.console.contains("panicked; it is started again in 800 ms\n"), "{}", report.console);
}

#[test]
fn a_driver_that_hangs_is_ended() {
    fn driver() {
        let (manager, ..) = claim().unwrap();
        manager.ready().unwrap();
        loop {
            resea::wait();
        }
    }
    let report = system(driver).run(|| {
        let task = working();
        resea::sleep(Duration::from_secs(5));
        assert_eq!(card().1, 1, "it has some time");
        resea::sleep(Duration::from_secs(2));
        assert_ne!(working(), task);
    });
    assert!(
        report.console.contains("card has not answered for 4 s and was ended; it is"),
        "{}",
        report.console
    );
}

#[test]
fn a_driver_that_answers_is_left_alone() {
    system(good).run(|| {
        let task = working();
        resea::sleep(Duration::from_secs(3600));
        assert_eq!((working(), card()), (task, (State::Running, 1)));
    });
}

#[test]
fn a_driver_is_started_again_when_asked() {
    let report = system(good).run(|| {
        for (starts, name) in (2..).zip(["net0", "card", "net0"]) {
            working();
            assert_eq!(manager().restart(name), Ok(()));
            while card() != (State::Running, starts) {
                resea::sleep(Duration::from_millis(1));
            }
        }
        assert_eq!(manager().restart(&"n".repeat(NAME_MAX + 1)), Err(Error::TooLarge));
    });
    assert!(report.console.contains("card was ended as asked; it is started again\n"), "{}", report.console);
}

#[test]
fn a_new_manager_starts_over() {
    system(good).run(|| {
        let (before, task) = (sim::task("dm"), working());
        sim::kill("dm").unwrap();
        assert_ne!(working(), task);
        assert_ne!(sim::task("dm"), before);
        assert_eq!(card(), (State::Running, 1));
    });
}

/// Whoever is killed at whatever instant: in the end the driver works, and its device was switched off in between.
#[test]
fn a_working_driver_comes_back_whoever_is_killed() {
    let summary = system(good).killable(["dm", "card"]).explore(2_000, || {
        // The manager itself may be killed in the middle of an answer.
        let answers = || {
            let manager = Client::new(resea::lookup("dm").ok()?);
            manager.subscribe(Class::Network).ok()?;
            manager.driver(Class::Network, 0, &mut [0; NAME_MAX]).ok().map(|driver| driver.task)
        };
        let mut tries = 0;
        while answers().is_none() {
            resea::sleep(Duration::from_millis(20));
            tries += 1;
            assert!(tries < 1000, "no driver works");
        }
    });
    assert!(summary.killed > 200, "{summary:?}");
}

// Random messages, good and bad, of its interface.
sim::messages!(dm::run);
