//! All devices, and which of them have drivers. What becomes of the drivers is in `lives`.

use crate::configuration::{Configuration, Place, command, header};
use crate::device::{Device, Message};
use crate::enumerate::{Function, Kind, enumerate};
use crate::matching::Program;
use crate::memory::Memory;
use crate::policy::Record;
use crate::slot::{Life, Rights, Slot, rights};
use crate::subscribers::Subscribers;
use crate::waiting::Waiting;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use interfaces::dm::Class;
use ipc::{Error, TaskId};
use resea::{Timers, vm, warn};

/// Most devices that are listed.
pub const MOST_DEVICES: usize = 256;
/// Most devices that have drivers.
pub const MOST_DRIVERS: usize = 64;

/// The file with the content of the disk in memory.
const RAMDISK: &str = "ramdisk.img";

/// What a timer is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Timer {
    /// To ask the drivers whether they are alive.
    Heartbeat,
    /// To start the driver of a slot.
    Start(usize),
}

/// The device manager.
pub struct Manager<C> {
    /// The way to the devices.
    pub(crate) configuration: C,
    /// All devices.
    pub(crate) functions: Vec<Function>,
    /// Those with drivers.
    pub(crate) slots: Vec<Slot>,
    pub(crate) subscribers: Subscribers,
    pub(crate) waiting: Waiting,
    pub(crate) timers: Timers<Timer, { MOST_DRIVERS + 1 }>,
    /// Whether the timer for the heartbeat is set.
    pub(crate) beating: bool,
}

impl<C: Configuration> Manager<C> {
    /// Finds the devices, switches off those that one of the programs drives, and has the others raise no line.
    pub fn new(mut configuration: C, programs: &[Program]) -> Self {
        let (mut functions, more) = enumerate(&mut configuration, MOST_DEVICES);
        if more {
            warn!("there are more than {MOST_DEVICES} devices: the others are left out");
        }
        if resea::boot_file(RAMDISK).is_ok() {
            functions.push(Function::RAMDISK);
        }
        let slots = Vec::new();
        let (subscribers, waiting, timers) = (Subscribers::default(), Waiting::default(), Timers::new());
        let mut manager =
            Self { configuration, functions, slots, subscribers, waiting, timers, beating: false };
        for index in 0..manager.functions.len() {
            let Some(function) = manager.functions.get(index).copied() else { continue };
            let mut matching = programs.iter().filter(|program| program.drives(function.id()));
            match matching.next() {
                _ if function.kind == Kind::Bridge => {}
                Some(program) => manager.add(function, program),
                // Nobody would answer, but a driver whose device has the same line.
                None if function.kind == Kind::Ordinary => {
                    command(&mut manager.configuration, function.place, 0, header::INTERRUPT_DISABLE);
                }
                None => {}
            }
        }
        manager.name();
        manager
    }

    /// Gives all slots their names, in the order of their places: they follow from the machine alone, not from which driver is
    /// ready first. Devices of one unit come first, so that what people add to a machine does not depend on what it has.
    fn name(&mut self) {
        for class in [Class::Network, Class::Block, Class::Other] {
            let mut number = 0;
            for several in [false, true] {
                let of_class = self.slots.iter_mut().filter(|slot| slot.class == class);
                for slot in of_class.filter(|slot| (slot.units() > 1) == several) {
                    slot.names = match slot.function.kind {
                        Kind::Ramdisk => vec!["ramdisk0".into()],
                        _ => {
                            (number..number + slot.units()).map(|n| format!("{}{n}", prefix(class))).collect()
                        }
                    };
                    if slot.function.kind != Kind::Ramdisk {
                        number += slot.units();
                    }
                }
            }
        }
    }

    fn add(&mut self, function: Function, program: &Program) {
        let place = function.place;
        if self.slots.len() == MOST_DRIVERS {
            warn!("{place} gets no driver: only {MOST_DRIVERS} devices can have one");
            return;
        }
        let device = Device::examine(&mut self.configuration, &function);
        let message = if device.has_messages() { message(self.slots.len()) } else { None };
        let interrupt = device.interrupt(message);
        let mut others = self.slots.iter().filter_map(|slot| slot.rights.as_ref().ok());
        let rights =
            rights(&device.bars, interrupt).and_then(|rights| others.try_fold(rights, Rights::besides));
        self.slots.push(Slot {
            names: Vec::new(),
            function,
            device,
            interrupt,
            driver: program.name.clone(),
            class: program.class,
            memory: Memory::new(place, program.dma),
            life: Life::Parked,
            record: Record::default(),
            starts: 0,
            rights,
        });
    }

    /// The slot of the driver `task`.
    ///
    /// Errors: `NotPermitted` (it is not a driver).
    pub(crate) fn slot_of(&mut self, task: TaskId) -> Result<&mut Slot, Error> {
        let mut slots = self.slots.iter_mut();
        let found = slots.find(|slot| slot.running().is_some_and(|running| running.task == task));
        found.ok_or(Error::NotPermitted)
    }

    /// The slot of the device at a place.
    pub(crate) fn slot_at(&self, place: Place) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.function.place == place)
    }
}

/// How the names of devices of a class begin.
const fn prefix(class: Class) -> &'static str {
    match class {
        Class::Network => "net",
        Class::Block => "disk",
        Class::Other => "dev",
    }
}

/// The message of the `number`-th device with a driver; `None` if the machine has no more.
fn message(number: usize) -> Option<Message> {
    let irq = u32::try_from(abi::FIRST_MESSAGE_IRQ + number).ok()?;
    let message = vm().message_irq(irq).ok()?;
    Some(Message { irq, address: message.address, data: message.data })
}
