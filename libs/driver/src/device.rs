//! The device that a task is the driver of.

use crate::{Configuration, DmaMemory, DriverError, Interrupt, Registers, msix};
use interfaces::dm::{self, Client};
use ipc::{Error, Region};
use resea::SharedMemory;

const PAGE: u64 = 4096;
/// In the address of a base address register: I/O ports.
const PORTS: u64 = 1;
/// Words of the configuration space that dm tells at once.
const WORDS: usize = 16;

/// The device that dm has started this driver for.
#[derive(Debug)]
pub struct Device {
    manager: Client,
    /// Who made it.
    pub vendor: u16,
    /// Which one of the vendor's.
    pub device: u16,
    /// The subsystem ID: who built it into what.
    pub subsystem: u16,
    /// Its revision.
    pub revision: u8,
    /// Whether its interrupts are messages; else they are those of a level-triggered line, which others may share.
    pub messages: bool,
    irq: u32,
    /// Addresses and sizes of the base address registers.
    bars: [(u64, u64); 6],
}

impl Device {
    /// Asks dm for the task's device. If its interrupts come by MSI-X, they are ready to be sent after this.
    ///
    /// Errors: `NoManager`, `NoDevice`; `NoRegisters`, `Registers` (of the table of MSI-X).
    pub fn claim() -> Result<Self, DriverError> {
        let manager = resea::lookup(dm::NAME).map_err(|failed| DriverError::NoManager(failed.error))?;
        let manager = Client::new(manager);
        let said = manager.device().map_err(DriverError::NoDevice)?;
        let bars = core::array::from_fn(|index| {
            let of = |values: &[u64; 6]| values.get(index).copied().unwrap_or(0);
            (of(&said.bars), of(&said.sizes))
        });
        let device = Self {
            manager,
            vendor: said.vendor,
            device: said.device,
            subsystem: said.subsystem,
            revision: said.revision,
            messages: said.messages,
            irq: said.irq,
            bars,
        };
        if said.vectors != 0 {
            let bar = said.table_bar;
            let failed = |error| DriverError::Registers { bar, error };
            let (offset, vectors) = (said.table_offset as usize, usize::from(said.vectors));
            let registers = device.registers(bar)?;
            let rest = registers.size().checked_sub(offset).ok_or(failed(Error::OutOfBounds))?;
            let table = registers.part(offset, rest).ok_or(failed(Error::OutOfBounds))?;
            msix::fill(&table, vectors, said.message_address, said.message_data).map_err(failed)?;
        }
        Ok(device)
    }

    /// The registers behind a base address register, from 0 to 5, mapped if they are memory.
    ///
    /// Errors: `NoRegisters`, `Registers`.
    pub fn registers(&self, bar: u8) -> Result<Registers, DriverError> {
        let (address, size) = self.bars.get(usize::from(bar)).copied().unwrap_or_default();
        if size == 0 {
            return Err(DriverError::NoRegisters(bar));
        }
        let failed = |error| DriverError::Registers { bar, error };
        if address & PORTS != 0 {
            let first = u16::try_from(address & !3).map_err(|_| failed(Error::InvalidArgument))?;
            return Ok(Registers::ports(first, size as usize));
        }
        map(address, size).map(Registers::memory).map_err(failed)
    }

    /// Acquires the device's interrupt: it sets `bits` in the task's notifications from now on, and each one is
    /// [acknowledged](Interrupt::acknowledge).
    ///
    /// Errors: `NoInterrupt`, `Interrupt`.
    pub fn interrupt(&self, bits: usize) -> Result<Interrupt, DriverError> {
        self.interrupt_at(0, bits)
    }

    /// As [`Device::interrupt`], for a device of several: the one with this number, from 0.
    ///
    /// Errors: `NoInterrupt`, `Interrupt`.
    pub fn interrupt_at(&self, number: u32, bits: usize) -> Result<Interrupt, DriverError> {
        if self.irq == 0 {
            Err(DriverError::NoInterrupt)
        } else {
            Interrupt::acquire(self.irq + number, bits)
        }
    }

    /// Memory that the device can access, mapped. `index` (0 to 7) tells several from each other; `size` is rounded up to
    /// pages. All of it together is at most what `dma` in the driver's manifest says. A driver that was started again gets
    /// the same: zeroed, or as it was left if `keep`, which is for memory that others have mapped.
    ///
    /// Errors: `Memory`.
    pub fn memory(&self, index: u32, size: usize, keep: bool) -> Result<DmaMemory, DriverError> {
        let failed = |error| DriverError::Memory { size, error };
        let memory = self.manager.memory(index, size, keep).map_err(failed)?;
        let shared = SharedMemory::open(memory.handle, true).map_err(failed)?;
        Ok(DmaMemory::new(shared, memory.physical))
    }

    /// Reads the device's configuration space.
    ///
    /// Errors: `Configuration`.
    pub fn configuration(&self) -> Result<Configuration, DriverError> {
        let mut words = [0; 64];
        for (index, part) in words.chunks_exact_mut(WORDS).enumerate() {
            let offset = (index * WORDS * 4) as u32;
            let said = self.manager.configuration(offset).map_err(DriverError::Configuration)?;
            part.copy_from_slice(&said);
        }
        Ok(Configuration::new(words))
    }

    /// Tells dm that the driver works, so that those who use it get to know.
    ///
    /// Errors: `Ready`.
    pub fn ready(&self) -> Result<(), DriverError> {
        self.ready_units(1)
    }

    /// As [`Device::ready`], for a device of several units: bit *n* is set if there is a unit *n*.
    ///
    /// Errors: `Ready`.
    pub fn ready_units(&self, units: u32) -> Result<(), DriverError> {
        self.manager.ready(units).map_err(DriverError::Ready)
    }

    /// Answers dm's heartbeat, if one is among these notifications. A driver that does not is ended and started again.
    #[inline]
    pub fn answer_heartbeat(&self, bits: usize) {
        if bits & dm::NOTIFY_HEARTBEAT as usize != 0 {
            // If dm is no more, nobody asks; this task ends with it.
            let _ = self.manager.alive();
        }
    }
}

/// Maps the registers at a physical address.
fn map(address: u64, size: u64) -> Result<Region, Error> {
    let first = address & !(PAGE - 1);
    let offset = (address - first) as usize;
    let end = address.checked_add(size).and_then(|end| end.checked_next_multiple_of(PAGE));
    let length = (end.ok_or(Error::InvalidArgument)? - first) as usize;
    let mapped = resea::vm().map_device(first, length)?;
    Region::new(mapped, length)?.part(offset, size as usize)
}
