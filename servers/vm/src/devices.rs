//! What the device manager and its drivers get: device memory, DMA memory, rights to one device.
//!
//! Rights to devices are not vm's invention: a driver's manifest names no numbers, and those who have the power over
//! devices say which a driver gets. The kernel holds every mapping against the rights of its task, so nothing about
//! them is remembered here.
//!
//! Device memory is mapped at an address that follows from the physical one, so nothing has to be remembered about that
//! either. DMA memory is a shared memory object that vm itself keeps: a device goes on writing to it when all tasks that
//! knew of it have died, so it never becomes anything else.

use crate::frames::PAGE;
use crate::kernel::Kernel;
use crate::program::{Program, Starts};
use crate::shares::MAX_SIZE;
use crate::state::Vm;
use crate::told::Told;
use abi::{Error, FIRST_MESSAGE_IRQ, MESSAGE_IRQS, MapFlags, Powers, Range, Region, Rights, TaskId};
use interfaces::vm::{DmaCreateReply, MessageIrqReply, PlatformReply};
use ipc::{Handle, WriteLend};

/// Where device memory is mapped: the page at physical address P at `DEVICES + P`.
pub const DEVICES: u64 = 0x2000_0000_0000;

/// Objects of DMA memory.
pub const MAX_DMA: usize = 64;

/// Memory that a bus takes in the PCI configuration space (PCI Express base specification, 7.2.2).
const BUS: u64 = 1 << 20;

/// First numbers past all IRQs, I/O ports and physical addresses.
const IRQS: u64 = (FIRST_MESSAGE_IRQ + MESSAGE_IRQS) as u64;
const PORTS: u64 = 1 << 16;
const PHYSICAL: u64 = 1 << 52;

/// DMA memory that was once asked for.
#[derive(Clone, Copy)]
struct Dma {
    key: u64,
    object: u16,
}

/// What vm remembers of devices.
pub struct Devices {
    /// The memory-mapped PCI configuration space.
    pub configuration: Region,
    dma: [Option<Dma>; MAX_DMA],
}

impl Devices {
    /// No devices.
    pub const fn new() -> Self {
        Self { configuration: Region { start: 0, length: 0 }, dma: [None; MAX_DMA] }
    }
}

impl Default for Devices {
    fn default() -> Self {
        Self::new()
    }
}

/// Rights as `launch_driver` gets them: IRQs, I/O ports, physical addresses.
#[derive(Clone, Copy, Debug)]
pub struct DeviceRights {
    /// Pairs of the first number and that past the last.
    pub pairs: [[u64; 2 * abi::MAX_RANGES]; 3],
}

impl DeviceRights {
    /// `rights` with these in place of its own. `InvalidArgument`: numbers that no machine has.
    fn replace(&self, rights: &Rights) -> Result<Rights, Error> {
        let mut rights = *rights;
        let kinds = [(&mut rights.irqs, IRQS), (&mut rights.ports, PORTS), (&mut rights.mmio, PHYSICAL)];
        for ((ranges, limit), pairs) in kinds.into_iter().zip(&self.pairs) {
            for (range, pair) in ranges.iter_mut().zip(pairs.as_chunks::<2>().0) {
                let [start, end] = *pair;
                if start > end || end > limit {
                    return Err(Error::InvalidArgument);
                }
                *range = Range { start, end };
            }
        }
        Ok(rights)
    }
}

impl<K: Kernel> Vm<'_, K> {
    /// The rights that a program is started with: its manifest's, and with the power over devices the configuration space.
    pub(crate) fn rights_of(&self, program: &Program) -> Rights {
        let mut rights = program.rights;
        let Region { start, length } = self.state.devices.configuration;
        if rights.powers.contains(Powers::DEVICES)
            && let Some(free) = rights.mmio.iter_mut().find(|range| range.is_empty())
        {
            *free = Range { start, end: start.saturating_add(length) };
        }
        rights
    }

    /// Maps device memory. Errors: as in the interface.
    pub fn map_device_memory(&mut self, sender: TaskId, physical: u64, size: u64) -> Result<usize, Error> {
        let end = physical.checked_add(size).ok_or(Error::InvalidArgument)?;
        let room = ipc::Region::END as u64 - DEVICES;
        if size == 0 || !(physical | size).is_multiple_of(PAGE) || end > room {
            return Err(Error::InvalidArgument);
        }
        if size > MAX_SIZE {
            return Err(Error::TooLarge);
        }
        let flags = MapFlags(MapFlags::DEVICE.0 | MapFlags::WRITE.0);
        let task = self.state.tasks.get_mut(sender).ok_or(Error::NotPermitted)?;
        let mut page = physical;
        while page < end {
            let run = flags.and_more(((end - page) / PAGE) as usize - 1);
            let tables = &mut task.owned.tables;
            match self.memory.map_frame(&mut self.kernel, sender, tables, DEVICES + page, page, run) {
                Ok(pages) => page += pages * PAGE,
                Err(Error::AlreadyExists) => page += PAGE,
                Err(error) => return Err(error),
            }
        }
        Ok((DEVICES + physical) as usize)
    }

    /// Gives the manifest of the program at place `index`. Errors: as in the interface.
    pub fn give_manifest(&self, index: u32, room: &WriteLend<'_>) -> Result<usize, Error> {
        let index = u16::try_from(index).map_err(|_| Error::NotFound)?;
        let manifest = self.state.catalog.get(index).ok_or(Error::NotFound)?.manifest;
        if manifest.len() > room.len() {
            return Err(Error::TooLarge);
        }
        room.write(0, manifest)?;
        Ok(manifest.len())
    }

    /// Where the configuration space is. Errors: as in the interface.
    pub fn configuration(&self, sender: TaskId) -> Result<PlatformReply, Error> {
        self.require(sender, Powers::DEVICES)?;
        let Region { start, length } = self.state.devices.configuration;
        Ok(PlatformReply { configuration: start, buses: (length / BUS) as u32 })
    }

    /// A handle to the DMA memory with this key, which is made if there is none. Errors: as in the interface.
    pub fn open_dma(&mut self, sender: TaskId, key: u64, size: u64) -> Result<DmaCreateReply, Error> {
        self.require(sender, Powers::DEVICES)?;
        if size == 0 {
            return Err(Error::InvalidArgument);
        }
        if size > MAX_SIZE {
            return Err(Error::TooLarge);
        }
        let pages = size.div_ceil(PAGE) as u32;
        let limit = self.program_of(sender)?.shared_pages;
        let known = self.state.devices.dma.iter().flatten().find(|dma| dma.key == key).copied();
        let handle = match known {
            Some(dma) => self.state.shares.reopen(sender, dma.object, pages, limit)?,
            None => self.create_dma(sender, key, pages, limit)?,
        };
        let first = self.state.shares.get(sender, handle)?.first.ok_or(Error::OutOfMemory)?;
        Ok(DmaCreateReply { handle, physical: self.memory.address(first) })
    }

    fn create_dma(&mut self, sender: TaskId, key: u64, pages: u32, limit: u64) -> Result<Handle, Error> {
        let place = self.state.devices.dma.iter().position(Option::is_none).ok_or(Error::TableFull)?;
        self.state.shares.check(sender, pages.into(), limit)?;
        let mut frames = self.memory.take_contiguous(&mut self.kernel, pages)?;
        let created = self.state.shares.create(sender, &mut frames);
        self.memory.give_back_pages(&mut frames);
        let handle = created?;
        let object = self.state.shares.keep(sender, handle)?;
        if let Some(free) = self.state.devices.dma.get_mut(place) {
            *free = Some(Dma { key, object });
        }
        Ok(handle)
    }

    /// Launches the driver at `path` with rights to a device. Errors: as in the interface.
    pub fn launch_device_driver(
        &mut self,
        sender: TaskId,
        path: &str,
        rights: &DeviceRights,
    ) -> Result<TaskId, Error> {
        self.require(sender, Powers::DEVICES)?;
        let place = self.find_program(path)?;
        let program = self.state.catalog.get(place).ok_or(Error::NotFound)?;
        if !program.starts.contains(Starts::AS_DRIVER) {
            return Err(Error::NotPermitted);
        }
        let rights = rights.replace(&program.rights)?;
        let task = self.launch_with_rights(place, Some(sender), Told::default(), &rights)?;
        if let Some(task) = self.state.tasks.get_mut(task) {
            task.is_driver = true;
        }
        Ok(task)
    }

    /// The message that raises an IRQ. Errors: as in the interface.
    pub fn message_of(&mut self, sender: TaskId, irq: u32) -> Result<MessageIrqReply, Error> {
        self.require(sender, Powers::DEVICES)?;
        let (address, data) = self.kernel.irq_message(irq as usize)?;
        Ok(MessageIrqReply { address, data })
    }
}
