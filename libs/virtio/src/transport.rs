//! The PCI transports (4.1): finding the registers, reset, features, queues. How a driver starts its device (3.1.1):
//!
//! [`Transport::new`] · [`Transport::negotiate`] · for each queue [`Transport::layout`] and [`Transport::connect`] ·
//! [`Transport::start`]. [`Transport::reset`] takes it all back.

use crate::capabilities;
use crate::legacy::Legacy;
use crate::modern::Modern;
use crate::{Layout, Ring, Unusable, features};
use driver::{Device, Registers};

/// Bits of the device status (2.1).
const ACKNOWLEDGE: u8 = 1;
const DRIVER: u8 = 2;
const DRIVER_OK: u8 = 4;
const FEATURES_OK: u8 = 8;

/// How often the status of a device is read until its reset has ended. Each read is an access to the bus.
const PATIENCE: usize = 100_000;

/// How often registers that belong together are read, until the device does not change them meanwhile.
const READINGS: usize = 100;

/// Most descriptors of a queue: what is given to modern devices, and taken from legacy ones.
const MOST_DESCRIPTORS: u16 = 256;
const MOST_LEGACY: u16 = 1024;

/// The registers of a device: modern if it has the capabilities for that, else legacy.
pub struct Transport(Kind);

enum Kind {
    /// Version 1 of the standard.
    Modern(Modern),
    /// What was before.
    Legacy(Legacy),
}

/// Where a queue's notifications go.
#[derive(Clone, Copy)]
pub struct Doorbell {
    pub(crate) register: Registers,
    pub(crate) queue: u16,
}

impl Doorbell {
    /// Notifies the device of new buffers in the queue (4.1.5.2).
    #[inline(always)]
    pub fn ring(&self) {
        self.register.write16(0, self.queue);
    }
}

impl Transport {
    /// The transport of the device, which is then reset.
    ///
    /// Errors: `Driver`, `NoRegisters`, `Place`, `InReset`.
    pub fn new(device: &Device) -> Result<Self, Unusable> {
        let space = device.configuration()?;
        let vectors = capabilities::has_vectors(&space);
        let transport = Self(match capabilities::find(&space) {
            Some(capabilities) => Kind::Modern(Modern::new(device, &capabilities, vectors)?),
            None => Kind::Legacy(Legacy::new(device, vectors)?),
        });
        transport.reset()?;
        Ok(transport)
    }

    /// Stops the device: it forgets its queues and touches no memory any more.
    ///
    /// Errors: `InReset`.
    pub fn reset(&self) -> Result<(), Unusable> {
        self.set_status(0);
        // 4.1.4.3.2: it has ended when the status reads 0.
        (0..PATIENCE).find(|_| self.status() == 0).map(drop).ok_or(Unusable::InReset)
    }

    /// Agrees with the device on those of the features `understood` that it offers: these. A device that was reset before.
    ///
    /// Errors: `Features`.
    pub fn negotiate(&self, understood: u64) -> Result<u64, Unusable> {
        self.set_status(ACKNOWLEDGE);
        self.set_status(ACKNOWLEDGE | DRIVER);
        match &self.0 {
            Kind::Modern(modern) => {
                let agreed = modern.offered() & (understood | features::VERSION_1);
                modern.accept(agreed);
                self.set_status(ACKNOWLEDGE | DRIVER | FEATURES_OK);
                let works = self.status() & FEATURES_OK != 0 && agreed & features::VERSION_1 != 0;
                if works { Ok(agreed) } else { Err(Unusable::Features(agreed)) }
            }
            Kind::Legacy(legacy) => {
                let agreed = u64::from(legacy.offered()) & understood;
                legacy.accept(agreed as u32);
                Ok(agreed)
            }
        }
    }

    /// How the memory of a queue is to be laid out, with these features.
    ///
    /// Errors: `NoQueue`, `QueueSize`.
    pub fn layout(&self, queue: u16, agreed: u64) -> Result<Layout, Unusable> {
        let ring = if agreed & features::RING_PACKED != 0 { Ring::Packed } else { Ring::Split };
        match &self.0 {
            Kind::Modern(modern) => match modern.queue_size(queue) {
                0 => Err(Unusable::NoQueue(queue)),
                most => Ok(Layout::new(ring, most.min(MOST_DESCRIPTORS))),
            },
            Kind::Legacy(legacy) => match legacy.queue_size(queue) {
                0 => Err(Unusable::NoQueue(queue)),
                size if size > MOST_LEGACY || !size.is_power_of_two() => Err(Unusable::QueueSize(size)),
                size => Ok(Layout::legacy(size)),
            },
        }
    }

    /// Tells the device where a queue is: empty, in memory at the physical address `physical`, which is a multiple of the
    /// page size. Between [`Transport::negotiate`] and [`Transport::start`].
    ///
    /// Errors: `NoVector`, `Place` (where it wants notifications), `Address`.
    pub fn connect(&self, queue: u16, layout: &Layout, physical: u64) -> Result<Doorbell, Unusable> {
        match &self.0 {
            Kind::Modern(modern) => modern.connect(queue, layout, physical),
            Kind::Legacy(legacy) => legacy.connect(queue, physical),
        }
    }

    /// The driver is ready: the device may work now.
    pub fn start(&self) {
        self.set_status(self.status() | DRIVER_OK);
    }

    /// Makes the device lower its interrupt line, by reading why it is raised (4.1.4.5). Not for message-signalled
    /// interrupts.
    pub fn lower_interrupt(&self) {
        match &self.0 {
            Kind::Modern(modern) => modern.lower_interrupt(),
            Kind::Legacy(legacy) => legacy.lower_interrupt(),
        }
    }

    /// The registers of this kind of device (section 5): "device configuration space".
    pub fn registers(&self) -> &Registers {
        match &self.0 {
            Kind::Modern(modern) => modern.device(),
            Kind::Legacy(legacy) => legacy.device(),
        }
    }

    /// Reads 64 bits of these registers, which the device does not change halfway (2.5.1). `None`: it does so all the time.
    pub fn read64(&self, offset: usize) -> Option<u64> {
        let registers = self.registers();
        let read = || u64::from(registers.read32(offset)) | u64::from(registers.read32(offset + 4)) << 32;
        let whole = || match &self.0 {
            Kind::Modern(modern) => {
                let before = modern.generation();
                let value = read();
                (modern.generation() == before).then_some(value)
            }
            // Legacy devices do not tell (2.5.4).
            Kind::Legacy(_) => {
                let value = read();
                (read() == value).then_some(value)
            }
        };
        (0..READINGS).find_map(|_| whole())
    }

    fn status(&self) -> u8 {
        match &self.0 {
            Kind::Modern(modern) => modern.status(),
            Kind::Legacy(legacy) => legacy.status(),
        }
    }

    fn set_status(&self, status: u8) {
        match &self.0 {
            Kind::Modern(modern) => modern.set_status(status),
            Kind::Legacy(legacy) => legacy.set_status(status),
        }
    }
}
