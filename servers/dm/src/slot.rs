//! A device with its driver: what dm remembers of the two.

use crate::bars::{BARS, Bar};
use crate::device::{Device, Interrupt, Message};
use crate::enumerate::Function;
use crate::ide;
use crate::memory::Memory;
use crate::policy::{Heartbeat, Record};
use alloc::string::String;
use alloc::vec::Vec;
use interfaces::dm::{Class, DeviceReply, State};
use ipc::TaskId;

/// Most ranges of a kind that a driver gets.
const RANGES: usize = abi::MAX_RANGES;
/// Rights to memory are to whole pages.
const PAGE: u64 = 4096;
/// Below this are ports of the machine itself, such as those of the PCI configuration space; firmware gives devices none.
const FIRST_PORT: u64 = 0x1000;

/// Who ends a driver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// Nobody here.
    No,
    /// dm, because it was asked to start it again.
    Asked,
    /// dm, because it does not answer.
    Late,
}

/// A driver that runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Running {
    /// Its task.
    pub task: TaskId,
    /// When it was started.
    pub since: u64,
    /// Whether it has said that it works.
    pub ready: bool,
    /// The units that it has found, a bit for each.
    pub units: u32,
    /// Whether it answers.
    pub heartbeat: Heartbeat,
    /// Whether dm is ending it.
    pub ending: Ending,
}

/// How a driver stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Life {
    /// It runs.
    Running(Running),
    /// It is started again when a timer expires.
    Waiting,
    /// It is not started again by itself.
    Parked,
}

/// A device with its driver.
#[derive(Debug)]
pub struct Slot {
    /// What people call it: `net0`, or the one for each unit that it can have.
    pub names: Vec<String>,
    /// What it is.
    pub function: Function,
    /// What it has.
    pub device: Device,
    /// How it interrupts.
    pub interrupt: Interrupt,
    /// The program that drives it.
    pub driver: String,
    /// What that offers.
    pub class: Class,
    /// The memory that it shares with its driver.
    pub memory: Memory,
    /// The driver.
    pub life: Life,
    /// Its quick ends.
    pub record: Record,
    /// How often it was started.
    pub starts: u32,
    /// What its driver gets.
    pub rights: Result<Rights, Ungivable>,
}

impl Slot {
    /// What people call it, in one word; of several units those that are there, or the first.
    pub fn name(&self) -> String {
        let units = self.running().filter(|running| running.ready).map_or(0, |running| running.units);
        let names = self.names.iter().enumerate().filter(|(unit, _)| units >> unit & 1 != 0);
        let names: Vec<_> = names.map(|(_, name)| name.as_str()).collect();
        if names.is_empty() { self.names.first().cloned().unwrap_or_default() } else { names.join(",") }
    }

    /// How many units it can have.
    pub const fn units(&self) -> u32 {
        if matches!(self.interrupt, Interrupt::Ide) { ide::UNITS } else { 1 }
    }

    /// The driver, if it runs.
    pub const fn running(&self) -> Option<&Running> {
        match &self.life {
            Life::Running(running) => Some(running),
            Life::Waiting | Life::Parked => None,
        }
    }

    /// As [`Slot::running`].
    pub const fn running_mut(&mut self) -> Option<&mut Running> {
        match &mut self.life {
            Life::Running(running) => Some(running),
            Life::Waiting | Life::Parked => None,
        }
    }

    /// How it stands, for others.
    pub const fn state(&self) -> State {
        match self.life {
            Life::Running(Running { ready: true, .. }) => State::Running,
            Life::Running(_) => State::Starting,
            Life::Waiting => State::Waiting,
            Life::Parked => State::Parked,
        }
    }

    /// What its driver is told.
    pub fn describe(&self) -> DeviceReply {
        let mut reply = DeviceReply {
            vendor: self.function.vendor,
            device: self.function.device,
            subsystem: self.device.subsystem,
            revision: self.function.revision,
            messages: false,
            irq: self.interrupt.irq(),
            bars: self.device.bars.map(Bar::address),
            sizes: self.device.bars.map(Bar::size),
            vectors: 0,
            table_bar: 0,
            table_offset: 0,
            message_address: 0,
            message_data: 0,
        };
        if let Interrupt::Msi(_, Message { address, data, .. })
        | Interrupt::Msix(_, Message { address, data, .. }) = self.interrupt
        {
            reply.messages = true;
            reply.message_address = address;
            reply.message_data = data;
        }
        if let Interrupt::Msix(msix, _) = self.interrupt {
            reply.vectors = msix.vectors;
            reply.table_bar = msix.bar;
            reply.table_offset = msix.table;
        }
        reply
    }
}

/// The rights to a device, as vm takes them.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Rights {
    /// Interrupts.
    pub irqs: [u64; 2 * RANGES],
    /// I/O ports.
    pub ports: [u64; 2 * RANGES],
    /// Memory.
    pub mmio: [u64; 2 * RANGES],
}

/// Why a device's ranges cannot be given to a driver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ungivable {
    /// There are more than a task can have.
    TooMany,
    /// Another device may be in the same page.
    SharesPage,
    /// Its ports are among those of the machine itself.
    LowPorts,
    /// Another driver's device has the same interrupt line.
    SameLine,
    /// Another driver's device has some of its ports or memory.
    Overlaps,
}

impl core::fmt::Display for Ungivable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooMany => write!(f, "it has more than {RANGES} ranges of ports or memory"),
            Self::SharesPage => write!(f, "its memory does not begin at a page"),
            Self::LowPorts => write!(f, "its ports are below {FIRST_PORT:#x}, where the machine has its own"),
            Self::SameLine => {
                write!(
                    f,
                    "its interrupt line is also another device's; take another slot, or a card with messages"
                )
            }
            Self::Overlaps => write!(f, "its ports or its memory are also another device's"),
        }
    }
}

/// The rights to exactly this device. Memory is given by pages, so it has to begin at one: the rest of its last page
/// then holds no other device's registers but of one that is not given to anybody.
pub fn rights(bars: &[Bar; BARS], interrupt: Interrupt) -> Result<Rights, Ungivable> {
    let mut rights = Rights::default();
    if let irq @ 1.. = u64::from(interrupt.irq()) {
        (rights.irqs[0], rights.irqs[1]) = (irq, irq + u64::from(interrupt.count()));
    }
    let (mut ports, mut mmio) = (rights.ports.chunks_exact_mut(2), rights.mmio.chunks_exact_mut(2));
    for bar in bars {
        let (pair, start, end) = match *bar {
            Bar::None => continue,
            Bar::Ports { first, .. } if first < FIRST_PORT => return Err(Ungivable::LowPorts),
            Bar::Ports { first, size } | Bar::Fixed { first, size } => (ports.next(), first, first + size),
            Bar::Memory { address, .. } if !address.is_multiple_of(PAGE) => {
                return Err(Ungivable::SharesPage);
            }
            Bar::Memory { address, size } => (mmio.next(), address, address + size.next_multiple_of(PAGE)),
        };
        pair.ok_or(Ungivable::TooMany)?.copy_from_slice(&[start, end]);
    }
    drop((ports, mmio));
    Ok(rights)
}

impl Rights {
    /// These, unless the driver of another device has some of them: nothing is given to two.
    ///
    /// Errors: `SameLine`, `Overlaps`.
    pub fn besides(self, other: &Self) -> Result<Self, Ungivable> {
        if overlap(&self.irqs, &other.irqs) {
            Err(Ungivable::SameLine)
        } else if overlap(&self.ports, &other.ports) || overlap(&self.mmio, &other.mmio) {
            Err(Ungivable::Overlaps)
        } else {
            Ok(self)
        }
    }
}

/// Whether any range of one kind and any of the other have a number in common.
fn overlap(ranges: &[u64; 2 * RANGES], others: &[u64; 2 * RANGES]) -> bool {
    let (ranges, others) = (ranges.as_chunks::<2>().0, others.as_chunks::<2>().0);
    ranges.iter().any(|[start, end]| others.iter().any(|[first, past]| start < past && first < end))
}
