//! A simulated machine with the whole device manager: a device in a mapped configuration space, and a driver that works.
#![allow(dead_code, reason = "each test uses its part")]

use crate::support::{Function, Space};
use dm::configuration::{Configuration, Place, header};
use interfaces::dm::{Class, Client, DeviceReply, NAME_MAX, NOTIFY_DEVICES, NOTIFY_HEARTBEAT, State};
use ipc::{Error, Region, TaskId};
use resea::abi::NOTIFY_IRQ;
use sim::{Device, Program, System};
use std::time::Duration;

/// The configuration space of one bus, and behind it the registers of the device.
pub const CONFIGURATION: usize = 0x4000_0000;
pub const BUS: usize = 1 << 20;
pub const REGISTERS: usize = CONFIGURATION + BUS;
pub const PLACE: Place = Place::new(0, 3, 0);
/// In the registers: a write here is an interrupt; the table of messages.
pub const DOORBELL: usize = 0;
pub const TABLE: usize = 0x800;

/// A device with one register, whose interrupts are messages of MSI-X, and its configuration space.
pub struct Machine {
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
    /// With a second card that says that its registers are where the first one's are.
    pub fn with_twin() -> Self {
        let mut machine = Self::default();
        let card = machine.space.functions[&PLACE.0].clone();
        machine.space = machine.space.with(Place::new(0, 4, 0), &card);
        machine
    }

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
            let bridge = self.space.command(Place::new(0, 0, 0));
            assert!(bridge & header::INTERRUPT_DISABLE != 0, "who has no driver may raise the line");
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

pub const MANIFEST: &str =
    "uses = [\"dm\"]\ndevices = [\"pci:1234:0001\"]\nclass = \"network\"\ndma = \"64KiB\"";

pub fn system(driver: fn()) -> System {
    system_with(Machine::default, driver)
}

pub fn system_with(machine: fn() -> Machine, driver: fn()) -> System {
    System::new()
        .configuration(CONFIGURATION..CONFIGURATION + BUS)
        .device(CONFIGURATION..REGISTERS + 4096, 5, machine)
        .memory(8 << 20)
        .program(sim::program!(dm::run))
        .program(Program::new("card", MANIFEST, driver))
}

pub fn manager() -> Client {
    Client::new(resea::lookup("dm").unwrap())
}

/// Claims the device as drivers do.
pub fn claim() -> Result<(Client, DeviceReply, Region), Error> {
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
pub fn drive() -> Result<(), Error> {
    let (manager, device, registers) = claim()?;
    registers.write_u32(DOORBELL, 1)?;
    let mut answered = false;
    loop {
        let bits = resea::wait();
        if bits & NOTIFY_IRQ != 0 && !answered {
            answered = true;
            ipc::irq_acknowledge(device.irq as usize)?;
            manager.ready(1)?;
        }
        if bits & NOTIFY_HEARTBEAT as usize != 0 {
            manager.alive()?;
        }
    }
}

/// A driver that works.
pub fn good() {
    let _ = drive();
}

/// Waits until a driver works, by notifications.
pub fn working() -> TaskId {
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
pub fn card() -> (State, u32) {
    let device = manager();
    let (mut name, mut driver) = ([0; NAME_MAX], [0; NAME_MAX]);
    let card = device.list(1, &mut name, &mut driver).unwrap();
    (card.state, card.starts)
}

pub fn until(state: State) {
    while card().0 != state {
        resea::sleep(Duration::from_millis(50));
    }
}
